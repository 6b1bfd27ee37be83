/** What is told of writes, whichever way they came: by hand, in an atomic batch, or with the turn of a step. */
import { describe, expect, test } from 'vitest'
import { createVirtualClock, type EventFields, type Json, type Principal, seededRandom } from '../../core/index.ts'
import { createInbox, createJournals, createSteps, createTimers, type Recorder } from '../../journal/index.ts'
import { Access } from '../../security/index.ts'
import type { ContextClient } from '../context-client.ts'
import { openMesh } from '../context-testbed.test.fixture.ts'
import type { ContextLimits } from '../mesh-core.ts'

async function openTeam(limits: ContextLimits = {}) {
  const clock = createVirtualClock()
  const opened = await openMesh(clock, { limits, durable: true })
  const { storage, mesh } = opened
  const parts = {
    storage,
    clock,
    journals: createJournals({ storage, clock, owner: 'node' }),
    random: seededRandom('steps'),
    limits: { backoffMs: 1 },
  }
  const steps = createSteps({ ...parts, inbox: createInbox(parts), timers: createTimers(parts) })
  return {
    ...opened,
    clock,
    emitted: (...types: readonly string[]) => opened.events.filter(({ type }) => types.includes(type)).map(plain),
    async step(
      id: string,
      program: (context: ContextClient, recorder: Recorder) => Promise<Json>,
      expected: object = { status: 'completed' },
    ) {
      const principal: Principal = { userId: 'ada', kind: 'agent', name: 'A' }
      const spec = { id, principal, input: null, runId: 'one', onEnd: () => ({ statements: [] }) }
      let over = false
      const end = steps
        .execute(spec, (recorder) => program(mesh.staged(recorder, new Access({ role: 'admin' })), recorder))
        .finally(() => {
          over = true
        })
      end.catch(() => {})
      while (!over) await clock.advance('1ms')
      expect(await end).toMatchObject(expected)
    },
    async [Symbol.asyncDispose]() {
      await steps.close()
      await opened[Symbol.asyncDispose]()
    },
  }
}
const plain = ({ type, agent, key, version, revision }: EventFields) => [type, agent, key, version, revision]

describe('events of context writes', () => {
  test('Every write emits an event with its version: a single write, an atomic batch and the turn of a step.', async () => {
    await using team = await openTeam()
    const client = team.mesh.agent('ada', 'A')
    await client.push('k', 1)
    await client.batch(
      [
        { type: 'push', key: 'k', value: 2 },
        { type: 'push', key: 'l', value: 1 },
        { type: 'delete', key: 'l' },
        { type: 'delete', key: 'none' },
      ],
      { atomic: true },
    )
    await team.step('step:1', async (context) => {
      await context.push('k', 3)
      await context.push('m', 1)
      await context.delete('m')
      await context.delete('none')
      expect(team.emitted('context.pushed')).toHaveLength(3)
      return null
    })
    expect(team.emitted('context.pushed', 'context.deleted')).toEqual([
      ['context.pushed', 'A', 'k', 1, 1],
      ['context.pushed', 'A', 'k', 2, 2],
      ['context.pushed', 'A', 'l', 1, 2],
      ['context.deleted', 'A', 'l', undefined, 2],
      ['context.pushed', 'A', 'k', 3, 3],
      ['context.pushed', 'A', 'm', 1, 3],
      ['context.deleted', 'A', 'm', undefined, 3],
    ])
  })

  test('A staged write emits its event once, and none if its turn is rejected.', async () => {
    await using team = await openTeam()
    await team.mesh.host('ada').push('n', 0)
    let entries = 0
    await team.step('step:1', async (context) => {
      await context.push('other', ++entries)
      await context.update('n', (n) => Number(n) + 1)
      if (entries === 1) await team.mesh.host('ada').push('n', 10)
      return null
    })
    expect(team.emitted('context.pushed').filter(([, agent]) => agent === 'A')).toEqual([
      ['context.pushed', 'A', 'other', 1, 3],
      ['context.pushed', 'A', 'n', 3, 3],
    ])
  })
})

test('Each version of an entry names the tool call of its step, what it read before, and its taint.', async () => {
  await using team = await openTeam()
  await team.mesh.host('ada').push('source', 1, { taint: ['untrusted:web'] })
  for (const value of [1, 2])
    await team.step(`step:${value}`, async (context, recorder) => {
      await context.get('source')
      await context.push('own', value)
      return recorder.body('note call-7', async (inner) => {
        const client = team.mesh.staged(inner, new Access(), context)
        await client.push('noted', value)
        return null
      })
    })
  const made = (stepId: string) => ({ agent: 'A', runId: 'one', stepId, readFrom: ['source@1'] })
  const host = team.mesh.host('ada')
  expect(await host.getEntry('own')).toMatchObject({ provenance: made('step:2'), taint: ['untrusted:web'] })
  expect((await host.getEntry('own'))?.provenance).not.toHaveProperty('effectId')
  expect((await host.history('noted')).items).toMatchObject([
    { value: 1, provenance: { ...made('step:1'), effectId: 'note call-7' }, taint: ['untrusted:web'] },
    { value: 2, provenance: { ...made('step:2'), effectId: 'note call-7' }, taint: ['untrusted:web'] },
  ])
})

test('A turn that exceeds a quota fails with its reason, and leaves nothing.', async () => {
  await using team = await openTeam({ entries: 1 })
  const both = async (context: ContextClient) => {
    await context.push('one', 1)
    await context.push('two', 2)
    return null
  }
  await team.step('step:1', both, { status: 'failed', error: { name: 'CapacityError', code: 'context.quota' } })
  expect(await team.mesh.host('ada').size()).toBe(0)
})

describe('branches that overwrite one another', () => {
  test('Branches that overwrite one another emit an event, and both values are in the history.', async () => {
    await using team = await openTeam()
    const both = Promise.withResolvers<void>()
    let pushed = 0
    const branch = (id: string) =>
      team.step(id, async (context) => {
        await context.push('result', id)
        if (++pushed === 2) both.resolve()
        await both.promise
        return null
      })
    await Promise.all([branch('step:1'), branch('step:2')])
    expect(team.emitted('context.overwritten')).toEqual([['context.overwritten', 'A', 'result', 2, 2]])
    const { items } = await team.mesh.host('ada').history('result')
    expect(items.map(({ value }) => value).sort()).toEqual(['step:1', 'step:2'])
  })

  test('Branches that overwrite a committed value emit an event, unless they had read it.', async () => {
    await using team = await openTeam()
    const late = (id: string, reads: boolean) =>
      team.step(id, async (context) => {
        await team.clock.advance('1ms')
        await team.step(`${id} meanwhile`, (other) => other.push(id, 'first').then(() => null))
        if (reads) await context.get(id)
        await context.push(id, 'second')
        return null
      })
    await late('unread', false)
    await late('read', true)
    expect(team.emitted('context.overwritten')).toEqual([['context.overwritten', 'A', 'unread', 2, 2]])
  })

  test('Tool calls of one step that overwrite one another unseen emit an event.', async () => {
    await using team = await openTeam()
    await team.step('step:1', async (context, recorder) => {
      const push = async (inner: Recorder) => {
        await team.mesh.staged(inner, new Access(), context).push('k', 1)
        return null
      }
      await Promise.all(['first', 'second'].map((name) => recorder.body(name, push)))
      return null
    })
    expect(team.emitted('context.pushed', 'context.overwritten')).toEqual([
      ['context.pushed', 'A', 'k', 1, 1],
      ['context.pushed', 'A', 'k', 2, 1],
      ['context.overwritten', 'A', 'k', 2, 1],
    ])
  })

  test('Branches that write one after the other, over themselves, or under a version emit no overwrite event.', async () => {
    await using team = await openTeam()
    for (const id of ['step:1', 'step:2'])
      await team.step(id, async (context) => {
        await context.push('k', id)
        await context.push('k', `${id} again`)
        await context.update('k', (value) => `${value}, updated`)
        return null
      })
    expect((await team.mesh.host('ada').getEntry('k'))?.version).toBe(6)
    expect(team.emitted('context.overwritten')).toEqual([])
  })
})

test('Large values of batches and steps are removed with the versions that had them.', async () => {
  await using team = await openTeam({ history: 2 })
  const blobs = async () => (await team.storage.sizes()).tables.storage_blobs
  const client = team.mesh.agent('ada', 'A')
  for (let i = 0; i < 8; i++) {
    const value = `${i}${'x'.repeat(300_000)}`
    await client.batch([{ type: 'push', key: 'batch', value }], { atomic: true })
    await team.step(`step:${i}`, (context) => context.push('step', value).then(() => null))
  }
  await team.mesh.close()
  // The one that stands and two before, of each key, with the same values.
  expect(await blobs()).toBe(3)
})
