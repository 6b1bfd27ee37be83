import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createEvents,
  createIds,
  createVirtualClock,
  type Json,
  type Principal,
  seededRandom,
  TroupeError,
} from '../core/index.ts'
import {
  createInbox,
  createJournals,
  createSteps,
  createTimers,
  journalMigrations,
  type Recorder,
} from '../journal/index.ts'
import { Access } from '../security/index.ts'
import { openStorage } from '../storage/index.ts'
import type { ContextClient } from './context-client.ts'
import { contextMigrations } from './context-migrations.ts'
import { defineKey } from './entries/define-key.ts'
import { Mesh } from './mesh.ts'
import { type Action, keys, onMesh, operation, pushOptionsOf } from './random-operations.test.fixture.ts'

async function openTestbed() {
  const clock = createVirtualClock()
  const random = seededRandom('staged')
  const storage = await openStorage({
    url: 'memory:',
    migrations: [...contextMigrations, ...journalMigrations],
    clock,
    random,
  })
  const platform = { clock, random, ids: createIds(clock, random), events: createEvents(() => {}) }
  const mesh = new Mesh({ storage, platform })
  const openSteps = (owner = 'node') => {
    const journals = createJournals({ storage, clock, owner })
    const inbox = createInbox({ storage, clock })
    const timers = createTimers({ storage, clock })
    return createSteps({ storage, journals, inbox, timers, clock, random, limits: { backoffMs: 1 } })
  }
  const steps = openSteps()
  return {
    clock,
    mesh,
    openSteps,
    async step(
      program: (context: ContextClient, recorder: Recorder) => Promise<Json>,
      options: { id?: string; as?: string; role?: string; by?: ReturnType<typeof openSteps> } = {},
    ) {
      const { id = 'step:1', as = 'A', role = 'contributor', by = steps } = options
      const principal: Principal = { userId: 'ada', kind: 'agent', name: as }
      let over = false
      const end = by
        .execute({ id, principal, input: null, onEnd: () => ({ statements: [] }) }, (recorder) =>
          program(mesh.staged(recorder, new Access({ role })), recorder),
        )
        .finally(() => {
          over = true
        })
      end.catch(() => {})
      while (!over) await clock.advance('5ms')
      return end
    },
    async [Symbol.asyncDispose]() {
      await steps.close()
      await mesh.close()
      await storage.close()
    },
  }
}

const outcomeOf = async (run: () => Promise<unknown>): Promise<Json> => {
  try {
    return ((await run()) ?? null) as Json
  } catch (error) {
    if (error instanceof TroupeError) return { rejected: error.code }
    throw error
  }
}

async function view(client: ContextClient): Promise<Json> {
  const entries: Json[] = []
  for await (const { key, value, version, owner, audience, writers, lifecycle } of await client.list({ limit: 2 }))
    entries.push([key, value, version, owner, audience as Json, writers as Json, lifecycle ?? null])
  const values: Json[] = []
  for (const key of keys) values.push((await client.get(key)) ?? null)
  return [
    entries,
    values,
    [...(await client.getMany(keys))],
    [...(await client.keys({ pattern: '*b*' })).items],
    [...(await client.keys({ prefix: 'a', limit: 2 })).items],
    [...(await client.keys({ topics: ['x', 'y'] })).items],
    [...(await client.topics())],
  ]
}

/** What an agent does with entries, as its hands do it. */
function onClient(client: ContextClient, action: Action): Promise<unknown> {
  if (action.type === 'push')
    return client.push(action.key, action.value, pushOptionsOf(action.options)).then(({ version }) => version)
  if (action.type === 'delete')
    return client.delete(action.key, action.ifVersion === undefined ? {} : { ifVersion: action.ifVersion })
  return client
    .update('a', (value) => (typeof value === 'number' ? value : 0) + 1)
    .then(({ version, value }) => [version, value])
}

test(
  'A step sees its own writes as if they were committed, and commits what a live client would.',
  { timeout: 60_000 },
  () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(operation, { maxLength: 15 }),
        fc.array(operation, { minLength: 1, maxLength: 10 }),
        fc.constantFrom('contributor', 'moderator', 'admin'),
        async (before, during, role) => {
          await using staged = await openTestbed()
          await using live = await openTestbed()
          // Entries that expire would do so between the two.
          const lasting = (some: typeof before) =>
            some
              .filter((action) => action.type !== 'wait')
              .map((action) =>
                action.type === 'push' ? { ...action, options: { ...action.options, ttlMs: 3_600_000 } } : action,
              )
          for (const { mesh } of [staged, live])
            for (const action of lasting(before)) await outcomeOf(() => onMesh(mesh, action))
          const client = live.mesh.agent('ada', 'A', new Access({ role }))
          const expected: Json[] = []
          const actions = lasting(during)
          for (const action of actions)
            expected.push(await outcomeOf(() => onClient(client, action)), await view(client))
          const end = await staged.step(
            async (context) => {
              const answers: Json[] = []
              for (const action of actions)
                answers.push(await outcomeOf(() => onClient(context, action)), await view(context))
              return answers
            },
            { role },
          )
          expect(end).toEqual({ status: 'completed', outcome: expected })
          expect(await view(staged.mesh.agent('ada', 'A'))).toEqual(await view(live.mesh.agent('ada', 'A')))
          expect(await view(staged.mesh.agent('ada', 'B'))).toEqual(await view(live.mesh.agent('ada', 'B')))
        },
      ),
      { numRuns: 60 },
    ),
)

describe('the context client of a step', () => {
  test('A step shows its writes to other agents only when the turn commits, and then completely.', async () => {
    await using testbed = await openTestbed()
    const other = testbed.mesh.agent('ada', 'B')
    await testbed.step(async (context, recorder) => {
      expect(await context.push('k', 1)).toStrictEqual({ key: 'k', version: 1 })
      expect(await context.get('k')).toBe(1)
      expect(await other.get('k')).toBe(undefined)
      await recorder.commit()
      expect(await other.get('k')).toBe(1)
      await context.push('k', 2)
      return null
    })
    expect(await other.getEntry('k')).toMatchObject({
      value: 2,
      version: 2,
      provenance: { agent: 'A', stepId: 'step:1' },
    })
  })

  test('A write of a step records what the step had read, and has its taint.', async () => {
    await using testbed = await openTestbed()
    await testbed.step(
      async (context, recorder) => {
        recorder.addTaint(['untrusted:web'])
        await context.push('source', 1)
        return null
      },
      { id: 'step:0', as: 'S' },
    )
    await testbed.step(async (context) => {
      const read = await context.get('source')
      await context.push('derived', read ?? null)
      return null
    })
    expect(await testbed.mesh.host('ada').getEntry('derived')).toMatchObject({
      taint: ['untrusted:web'],
      provenance: { readFrom: ['source@1'] },
    })
  })

  test('A call in a step whose signal has aborted does not start.', async () => {
    await using testbed = await openTestbed()
    const signal = AbortSignal.abort('enough')
    await testbed.step(async (context) => {
      const calls = [
        () => context.push('k', 1, { signal }),
        () => context.get('k', { signal }),
        () => context.getEntry('k', { signal }),
        () => context.getMany(['k'], { signal }),
        () => context.list({ signal }),
        () => context.update('k', () => 1, { signal }),
        () => context.batch([{ type: 'push', key: 'k', value: 1 }], { signal }),
        () => context.subscribe(['t'], { signal }),
      ]
      for (const call of calls) expect(await outcomeOf(call)).toEqual({ rejected: 'cancelled' })
      return null
    })
    expect(await testbed.mesh.host('ada').get('k')).toBe(undefined)
    expect(await testbed.mesh.agent('ada', 'A').topics()).toEqual([])
  })

  test('A push in a step with an outdated version is rejected at the call.', async () => {
    await using testbed = await openTestbed()
    await testbed.mesh.agent('ada', 'A').push('k', 1)
    const end = await testbed.step(async (context) => outcomeOf(() => context.push('k', 2, { ifVersion: 7 })))
    expect(end).toMatchObject({ outcome: { rejected: 'context.conflict' } })
  })

  test.each([
    ['before its push', true],
    ['between its push and the commit', false],
  ])('A step whose key another writer changes %s is repeated, and reads the new value.', async (_, before) => {
    await using testbed = await openTestbed()
    const other = testbed.mesh.agent('ada', 'A')
    await other.push('k', 1)
    let executions = 0
    const end = await testbed.step(async (context) => {
      executions++
      const entry = await context.getEntry('k')
      const write = () => (executions < 3 ? other.push('k', executions * 10) : undefined)
      if (before) await write()
      await context.push('k', (entry?.value as number) + 1, { ifVersion: entry?.version ?? 0 })
      if (!before) await write()
      return null
    })
    expect(end).toMatchObject({ status: 'completed' })
    expect([executions, await other.get('k')]).toEqual([3, 21])
  })

  test('A step that catches the conflict of its push continues, and is not repeated.', async () => {
    await using testbed = await openTestbed()
    const other = testbed.mesh.agent('ada', 'A')
    let executions = 0
    const end = await testbed.step(async (context) => {
      executions++
      const entry = await context.getEntry('k')
      await other.push('k', 'theirs')
      const outcome = await outcomeOf(() => context.push('k', 'mine', { ifVersion: entry?.version ?? 0 }))
      return (outcome as { rejected: string }).rejected
    })
    expect([end, executions]).toMatchObject([{ outcome: 'context.conflict' }, 1])
  })

  test('A step whose push expects a version that never comes fails after its attempts.', async () => {
    await using testbed = await openTestbed()
    await testbed.mesh.agent('ada', 'A').push('k', 1)
    const end = await testbed.step(async (context) => {
      await context.push('k', 2, { ifVersion: 7 })
      return null
    })
    expect(end).toMatchObject({ status: 'failed', error: { name: 'ConflictError', code: 'turn.conflict' } })
  })

  test('An update in a step that loses its race at the commit reads again and succeeds.', async () => {
    await using testbed = await openTestbed()
    const a = testbed.mesh.agent('ada', 'A')
    await a.push('n', 1)
    let entries = 0
    const end = await testbed.step(async (context) => {
      entries++
      const { value } = await context.update('n', (n) => (n as number) + 1)
      if (entries === 1) await a.push('n', 100)
      return value
    })
    expect(end).toEqual({ status: 'completed', outcome: 101 })
    expect(await a.get('n')).toBe(101)
  })

  test('Writes of a step to one key that start together see each other, in the same order at a replay.', async () => {
    await using testbed = await openTestbed()
    const a = testbed.mesh.agent('ada', 'A')
    const program = async (context: ContextClient, recorder: Recorder, stop: boolean): Promise<Json> => {
      const add = (by: number) => context.update('n', (n) => ((n as number | undefined) ?? 0) + by)
      const updates = await Promise.all([add(1), add(10), context.push('m', 1), add(100), context.push('m', 2)])
      await recorder.commit()
      if (stop) await new Promise(() => {})
      return [updates.map(({ version }) => version ?? null), (await context.get('n')) ?? null]
    }
    void testbed
      .step((context, recorder) => program(context, recorder, true), { by: testbed.openSteps('first') })
      .catch(() => {})
    for (let i = 0; i < 200 && (await a.get('n')) === undefined; i++) await testbed.clock.advance('1ms')
    const end = await testbed.step((context, recorder) => program(context, recorder, false), {
      by: testbed.openSteps('second'),
    })
    expect(end).toEqual({ status: 'completed', outcome: [[1, 2, 1, 3, 2], 111] })
    expect(await a.get('m')).toBe(2)
  })

  test('The results of a context client in a step are JSON and can be returned or pushed.', async () => {
    await using testbed = await openTestbed()
    await testbed.mesh.agent('ada', 'A').push('old', 1, { ttl: '1h' })
    const end = await testbed.step(async (context) => {
      const pushed = await context.push('new', 1)
      const entries = [await context.getEntry('old'), await context.getEntry('new')]
      await context.push('copies', entries as unknown as Json)
      const { items: listed } = await context.list()
      const { items: past } = await context.history('old')
      const results = await context.batch([{ type: 'push', key: 'new', value: 2 }], { atomic: true })
      return { pushed, entries, listed, past, results } as unknown as Json
    })
    expect(end).toMatchObject({ status: 'completed', outcome: { pushed: { key: 'new', version: 1 } } })
    expect(await testbed.mesh.agent('ada', 'A').get('copies')).toMatchObject([{ key: 'old' }, { key: 'new' }])
  })

  test('An update in a step of an entry that is not readable is rejected, and other updates return the stored value.', async () => {
    await using testbed = await openTestbed()
    await testbed.mesh.agent('ada', 'B').push('k', 1, { audience: 'owner', writers: ['A'] })
    let calls = 0
    const end = await testbed.step(async (context) => {
      const Count = defineKey('count', z.object({ n: z.number() }))
      const { value } = await context.update(Count(), () => ({ n: 1, other: 2 }) as never)
      const wrong = await outcomeOf(() => context.update('n', 5 as never))
      return [value, wrong, await outcomeOf(() => context.update('k', () => ++calls))]
    })
    expect(end).toMatchObject({
      outcome: [{ n: 1 }, { rejected: 'validation.failed' }, { rejected: 'context.unread' }],
    })
    expect(calls).toBe(1)
    expect(await testbed.mesh.agent('ada', 'A').get('count')).toEqual({ n: 1 })
  })

  test('A read in a step comes from the record at a replay, and a large value by its version.', async () => {
    await using testbed = await openTestbed()
    const a = testbed.mesh.agent('ada', 'A')
    const large = 'x'.repeat(10_000)
    await a.push('large', large)
    await a.push('small', 'old')
    const first = testbed.openSteps('first')
    const program = async (context: ContextClient, recorder: Recorder, stop: boolean) => {
      const page = await context.list()
      const small = await context.get('small')
      await context.push('mark', 1)
      await recorder.commit()
      if (stop) await new Promise(() => {})
      return [page.items.map(({ value }) => String(value).length), small ?? null] as Json
    }
    void testbed.step((context, recorder) => program(context, recorder, true), { by: first }).catch(() => {})
    for (let i = 0; i < 200 && (await a.get('mark')) === undefined; i++) await testbed.clock.advance('1ms')
    await a.push('large', 'other')
    await a.push('small', 'new')
    const end = await testbed.step((context, recorder) => program(context, recorder, false), {
      by: testbed.openSteps('second'),
    })
    expect(end).toEqual({ status: 'completed', outcome: [[10_000, 3], 'old'] })
    expect((await a.getEntry('mark'))?.version).toBe(1)
  })

  test("The stage of a tool call includes the step's writes and is not visible to a parallel call.", async () => {
    await using testbed = await openTestbed()
    const access = new Access()
    const end = await testbed.step(async (context, recorder) => {
      const step = testbed.mesh.staged(recorder, access)
      await step.push('step', 1)
      const pushed = Promise.withResolvers<void>()
      const one = recorder.body('one', async (inner) => {
        const tool = testbed.mesh.staged(inner, access, step)
        await tool.push('tool', 1)
        pushed.resolve()
        return [await tool.get('step'), await tool.get('tool')] as Json[]
      })
      const two = recorder.body('two', async (inner) => {
        await pushed.promise
        return (await testbed.mesh.staged(inner, access, step).keys()).items as string[]
      })
      expect(() => context.watch()).toThrow(expect.objectContaining({ code: 'context.watch' }))
      return Promise.all([one, two])
    })
    expect(end).toEqual({ status: 'completed', outcome: [[1, 1], ['step']] })
    expect(
      await testbed.mesh
        .host('ada')
        .keys()
        .then(({ items }) => items),
    ).toEqual(['step', 'tool'])
  })
})
