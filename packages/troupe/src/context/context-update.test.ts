import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createVirtualClock, type Duration, systemClock } from '../core/index.ts'
import { openMesh } from './context-testbed.test.fixture.ts'
import { defineKey } from './index.ts'

const rejected = (code: string) => expect.objectContaining({ code })

describe('an update', () => {
  test('An update of an entry that its agent may write but not read is rejected at the second attempt.', async () => {
    await using opened = await openMesh(createVirtualClock())
    const [a, b] = [opened.mesh.agent('ada', 'A'), opened.mesh.agent('ada', 'B')]
    await a.push('k', 1, { audience: 'owner', writers: ['B'] })
    let calls = 0
    await expect(b.update('k', () => ++calls)).rejects.toThrow(rejected('context.unread'))
    expect(calls).toBe(1)
    await a.push('k', 1, { subscribers: ['B'] })
    expect(await b.update('k', (n) => (n as number) + 1)).toMatchObject({ value: 2, version: 3 })
  })

  test('An update returns the value as it is stored, parsed by the schema.', async () => {
    await using opened = await openMesh(createVirtualClock())
    const a = opened.mesh.agent('ada', 'A')
    const Count = defineKey('count', z.object({ n: z.number() }))
    expect((await a.update(Count(), () => ({ n: 1, other: 2 }) as never)).value).toEqual({ n: 1 })
    expect(await a.get('count')).toEqual({ n: 1 })
    await expect(a.update(Count(), () => ({ n: 'one' }) as never)).rejects.toThrow(rejected('validation.failed'))
  })

  test('An update waits no longer than its signal for its function or its turn, and then writes nothing.', async () => {
    await using opened = await openMesh(systemClock)
    const a = opened.mesh.agent('ada', 'A')
    const controller = new AbortController()
    const { signal } = controller
    const made = Promise.withResolvers<number>()
    const first = a.update('k', () => made.promise, { signal })
    controller.abort()
    await expect(first).rejects.toThrow(rejected('cancelled'))
    made.resolve(1)
    expect(await a.get('k')).toBeUndefined()

    // Others of a key wait in line behind one that met a conflict.
    const [inLine, held, impatient] = [
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
      new AbortController(),
    ]
    const slow = a.update('n', async (n) => {
      if (n === undefined) await a.push('n', 0)
      else inLine.resolve()
      await (n === undefined || held.promise)
      return 1
    })
    await inLine.promise
    const aborted = a.update('n', () => 10, { signal: impatient.signal })
    const second = a.update('n', (n) => (n as number) + 1)
    impatient.abort()
    await expect(aborted).rejects.toThrow(rejected('cancelled'))
    held.resolve()
    await Promise.all([slow, second])
    expect(await a.get('n')).toBe(2)
  })
})

describe('An update whose key other writers change', () => {
  /**
   * @param conflicts how many attempts another agent's push comes between
   * @param step by which the clock advances while the update waits
   */
  async function contend(conflicts: number, step: Duration, signal?: AbortSignal) {
    const clock = createVirtualClock()
    await using opened = await openMesh(clock)
    const a = opened.mesh.agent('ada', 'A')
    await a.push('k', 0, { writers: ['B'] })
    const b = opened.mesh.agent('ada', 'B')
    let calls = 0
    let isOver = false
    const count = async (n: unknown) => {
      if (++calls <= conflicts) await b.push('k', Number(n) + 1)
      return Number(n) + 1
    }
    const began = clock.monotonic()
    const updated = a.update('k', count, signal ? { signal } : {}).finally(() => {
      isOver = true
    })
    updated.catch(() => {})
    while (!isOver) await clock.advance(step)
    const { value } = await updated
    return { value, calls, ms: clock.monotonic() - began }
  }

  test('An update succeeds after 150 conflicts in a row, with pauses that lose nothing.', async () => {
    const { value, calls, ms } = await contend(150, '5ms')
    expect([value, calls]).toEqual([151, 151])
    expect(ms).toBeGreaterThan(500)
    expect(ms).toBeLessThan(5_000)
  })

  test('An update that meets conflicts for 30 seconds ends with context.contention.', async () => {
    await expect(contend(Number.POSITIVE_INFINITY, '100ms')).rejects.toThrow(rejected('context.contention'))
  })

  test('An update that pauses between conflicts ends when its signal aborts.', async () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 100)
    await expect(contend(Number.POSITIVE_INFINITY, '5ms', controller.signal)).rejects.toThrow(rejected('cancelled'))
  })
})
