import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import { createJournalTestbed, type Instance, type JournalTestbed, user } from '../journal-testbed.test.fixture.ts'
import type { Recorder } from '../recorder-port.ts'

let testbed: JournalTestbed
beforeEach(async () => {
  testbed = await createJournalTestbed()
})
afterEach(() => testbed.close())

type Program = (recorder: Recorder) => Promise<Json>
const undoStep = (instance: Instance, program: Program) =>
  testbed.during(instance.steps.undo(testbed.spec('step:1'), program))

const did = <T>(done: string[], what: string, result: T): T => {
  done.push(what)
  return result
}

/** Books a seat, charges for it, fails to mail; a read and an effect without an undo stand between. */
const trip =
  (done: string[], record: (what: string) => void = (what) => void done.push(what)): Program =>
  async (recorder) => {
    const seat = await recorder.effect(
      'book',
      { class: 'at-most-once', undo: async (_, output) => record(`release ${(output as { seat: string }).seat}`) },
      () => did(done, 'book', { seat: '12A' }),
    )
    await recorder.effect('look', { class: 'read' }, () => did(done, 'look', 1))
    const paid = recorder.effect(
      'pay',
      { class: 'idempotent', key: 'order-17', input: seat, undo: async (key) => record(`refund ${key}`) },
      () => did(done, 'pay', 5),
    )
    await recorder.commit()
    await recorder
      .effect('mail', { class: 'at-most-once', undo: async () => record('never') }, () =>
        Promise.reject(new Error('bounced')),
      )
      .catch(() => {})
    return paid
  }

describe('the undo of a step', () => {
  it('The undo of a step reverts the effects that happened, the last first, and nothing else.', async () => {
    const done: string[] = []
    const instance = testbed.instance()
    await testbed.during(instance.steps.execute(testbed.spec('step:1'), trip(done)))
    const before = [...done]
    const effects = await undoStep(instance, trip(done))
    expect(done).toEqual([...before, 'refund order-17', 'release 12A'])
    expect(effects).toEqual([
      { call: '/effect:pay[order-17]#1', name: 'pay[order-17]', status: 'undone' },
      { call: '/effect:book#1', name: 'book', status: 'undone' },
    ])
    // A second time it is known to be done, in another process too.
    const repeated = await undoStep(testbed.instance(), trip(done))
    expect(repeated.map(({ status }) => status)).toEqual(['already', 'already'])
    expect(done).toHaveLength(before.length + 2)
  })

  it('The undo of a step that fails is reported, and continues at the next call.', async () => {
    const done: string[] = []
    const instance = testbed.instance()
    await testbed.during(instance.steps.execute(testbed.spec('step:1'), trip(done)))
    const failing = trip(done, (what) => {
      if (what.startsWith('release')) throw new Error('the airline is closed')
      done.push(what)
    })
    expect(await undoStep(instance, failing)).toMatchObject([
      { name: 'pay[order-17]', status: 'undone' },
      { name: 'book', status: 'failed', error: { message: 'the airline is closed' } },
    ])
    const repeated = await undoStep(instance, trip(done))
    expect(repeated.map(({ status }) => status)).toEqual(['already', 'undone'])
    expect(done.filter((what) => what.startsWith('refund'))).toHaveLength(1)
    expect(done.at(-1)).toBe('release 12A')
  })

  it('The undo of a step reverts each of two effects that share a key, also if one fails at first.', async () => {
    const done: string[] = []
    let isOpen = false
    const order: Program = async (recorder) => {
      const undo = (what: string) => async (key: string) => {
        if (what === 'return' && !isOpen) throw new Error('the warehouse is closed')
        done.push(`${what} ${key}`)
      }
      const spec = { class: 'idempotent', key: 'order-17' } as const
      await recorder.effect('reserve', { ...spec, undo: undo('return') }, async () => 1)
      return recorder.effect('charge', { ...spec, undo: undo('refund') }, async () => 2)
    }
    const instance = testbed.instance()
    await testbed.during(instance.steps.execute(testbed.spec('step:1'), order))
    const statuses = async () => (await undoStep(instance, order)).map(({ name, status }) => `${name} ${status}`)
    expect(await statuses()).toEqual(['charge[order-17] undone', 'reserve[order-17] failed'])
    isOpen = true
    expect(await statuses()).toEqual(['charge[order-17] already', 'reserve[order-17] undone'])
    expect(done).toEqual(['refund order-17', 'return order-17'])
  })

  it('The undo of a step includes tool bodies, stops at a failure, and names effects without an undo.', async () => {
    const done: string[] = []
    let fails = true
    const undo = (what: string) => async () => {
      if (what === 'inner' && fails) throw new Error('locked')
      done.push(what)
    }
    const program: Program = async (recorder) => {
      await recorder.effect('first', { class: 'at-most-once', undo: undo('first') }, () => 1)
      await recorder.effect('plain', { class: 'at-most-once' }, () => 1)
      await recorder.body('tool', async (stage) => {
        await stage.effect('inner', { class: 'at-most-once', undo: undo('inner') }, () => 1)
        return stage.effect('look', { class: 'read' }, () => 'seen')
      })
      await recorder.commit()
      return recorder.effect('last', { class: 'at-most-once', undo: undo('last') }, () => 1)
    }
    const instance = testbed.instance()
    await testbed.during(instance.steps.execute(testbed.spec('step:1'), program))
    const statuses = async () => (await undoStep(instance, program)).map(({ name, status }) => `${name} ${status}`)
    expect(await statuses()).toEqual(['last undone', 'inner failed', 'plain none', 'first skipped'])
    fails = false
    expect(await statuses()).toEqual(['last already', 'inner undone', 'plain none', 'first undone'])
    expect(done).toEqual(['last', 'inner', 'first'])
  })

  it('The undo of a step that is interrupted continues in another process, and repeats no recorded undo.', async () => {
    const done: string[] = []
    const first = testbed.instance()
    await testbed.during(first.steps.execute(testbed.spec('step:1'), trip(done)))
    const cut = trip(done, (what) => {
      done.push(what)
      if (what.startsWith('release')) first.mortal.kill()
    })
    await testbed.during(Promise.race([first.steps.undo(testbed.spec('step:1'), cut), first.mortal.death]))
    await undoStep(testbed.instance(), trip(done))
    expect(done.filter((what) => what.startsWith('release'))).toEqual(['release 12A', 'release 12A'])
    expect(done.at(-1)).toBe('release 12A')
  })

  it('The undo of a step that is interrupted, and whose next code undoes less, is `code.changed`.', async () => {
    const program =
      (undo?: () => Promise<void>): Program =>
      async (recorder) => {
        await recorder.effect('book', { class: 'idempotent', undo: async () => {} }, () => 1)
        return recorder.effect('pay', { class: 'idempotent', ...(undo ? { undo } : {}) }, () => 5)
      }
    const first = testbed.instance()
    const killed = program(async () => first.mortal.kill())
    await testbed.during(first.steps.execute(testbed.spec('step:1'), killed))
    await testbed.during(Promise.race([first.steps.undo(testbed.spec('step:1'), killed), first.mortal.death]))
    await expect(undoStep(testbed.instance(), program())).rejects.toMatchObject({
      code: 'code.changed',
      message: expect.stringContaining('undo:step:1#1'),
    })
  })

  it('The undo of a step waits for a pure effect that takes longer than the limit of a stall.', async () => {
    const pause = (ms: number) => new Promise<void>((resolve) => testbed.clock.after(ms, resolve))
    const program: Program = async (recorder) => {
      await recorder.effect('compute', { class: 'pure' }, () => pause(15_000))
      return recorder.effect('book', { class: 'idempotent', undo: async () => {} }, () => 'booked')
    }
    const instance = testbed.instance()
    await testbed.during(instance.steps.execute(testbed.spec('step:1'), program))
    expect(await undoStep(instance, program)).toMatchObject([{ name: 'book', status: 'undone' }])
  })

  it('The undo of a step is rejected while the step is open, and with changed code.', async () => {
    const instance = testbed.instance()
    await expect(instance.steps.undo(testbed.spec('step:1'), async () => null)).rejects.toMatchObject({
      code: 'step.open',
    })
    await testbed.during(instance.steps.execute(testbed.spec('step:1'), trip([])))
    const other: Program = (recorder) => recorder.effect('fly', { class: 'at-most-once' }, () => 'never')
    await expect(undoStep(instance, other)).rejects.toMatchObject({
      code: 'code.changed',
      message: expect.stringContaining('which the code does not call'),
    })
    expect(await instance.steps.effects(user, 'step:1')).toHaveLength(4)
  })
})
