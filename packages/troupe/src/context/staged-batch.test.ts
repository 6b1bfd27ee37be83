import { expect, test } from 'vitest'
import { createVirtualClock, type Json, type Principal, seededRandom, TroupeError } from '../core/index.ts'
import { createInbox, createJournals, createSteps, createTimers, type Recorder } from '../journal/index.ts'
import { Access } from '../security/index.ts'
import type { BatchOperation } from './context-client.ts'
import { openMesh } from './context-testbed.test.fixture.ts'

/** One step of A, with what happens right after it was told what stands under a key. */
async function openStep(afterCheck: Record<string, () => Promise<unknown>> = {}) {
  const clock = createVirtualClock()
  const opened = await openMesh(clock, { durable: true })
  const { mesh, storage, incidents } = opened
  const parts = {
    storage,
    clock,
    journals: createJournals({ storage, clock, owner: 'node' }),
    random: seededRandom('a'),
  }
  const services = { inbox: createInbox(parts), timers: createTimers(parts), limits: { backoffMs: 1 } }
  const steps = createSteps({ ...parts, ...services })
  const interrupted = (recorder: Recorder): Recorder =>
    new Proxy(recorder, {
      get(target, field) {
        if (field !== 'answer') {
          const value: unknown = Reflect.get(target, field, target)
          return typeof value === 'function' ? value.bind(target) : value
        }
        return async (call: { readonly kind: string; readonly name: string }, ask: () => Json) => {
          const answer = await target.answer<Json>(call, ask)
          const happens = call.kind === 'check' ? afterCheck[call.name] : undefined
          delete afterCheck[call.name]
          await happens?.()
          return answer
        }
      },
    })
  return {
    mesh,
    incidents,
    async batch(
      operations: readonly BatchOperation[],
      options: { readonly atomic?: boolean; readonly signal?: AbortSignal } = { atomic: true },
    ): Promise<Json> {
      const principal: Principal = { userId: 'ada', kind: 'agent', name: 'A' }
      let over = false
      const end = steps
        .execute({ id: 'step', principal, input: null, onEnd: () => ({ statements: [] }) }, async (recorder) => {
          const context = mesh.staged(interrupted(recorder), new Access())
          try {
            return JSON.parse(JSON.stringify(await context.batch(operations, options)))
          } catch (error) {
            if (error instanceof TroupeError) return { rejected: error.code }
            throw error
          }
        })
        .finally(() => {
          over = true
        })
      end.catch(() => {})
      while (!over) await clock.advance('5ms')
      return (await end) as unknown as Json
    },
    async [Symbol.asyncDispose]() {
      await steps.close()
      await opened[Symbol.asyncDispose]()
    },
  }
}

test('An atomic batch of a step stages nothing if another agent writes during its checks.', async () => {
  const others = { last: () => step.mesh.agent('ada', 'B').push('last', 'B', { writers: ['A'] }) }
  await using step = await openStep(others)
  const result = await step.batch([
    { type: 'push', key: 'first', value: 1 },
    { type: 'push', key: 'last', value: 1, ifVersion: 0 },
  ])
  expect(result).toMatchObject({ outcome: { rejected: 'context.conflict' } })
  const { items } = await step.mesh.host('ada').list()
  expect(items.map(({ key, value }) => [key, value])).toEqual([['last', 'B']])
})

test('An atomic batch of a step reads and deletes its own earlier writes.', async () => {
  await using step = await openStep()
  const result = await step.batch([
    { type: 'get', key: 'a' },
    { type: 'push', key: 'a', value: 1 },
    { type: 'get', key: 'a' },
    { type: 'delete', key: 'a' },
    { type: 'delete', key: 'a' },
    { type: 'get', key: 'a' },
    { type: 'push', key: 'a', value: 2, ifVersion: 0 },
  ])
  expect(result).toMatchObject({
    outcome: [
      { found: false },
      { version: 1 },
      { found: true, value: 1 },
      { deleted: true },
      { deleted: false },
      { found: false },
      { version: 2 },
    ],
  })
  expect(await step.mesh.host('ada').get('a')).toBe(2)
})

test('An atomic batch of a step that is rejected is an incident, as one outside a step.', async () => {
  await using step = await openStep()
  const other = step.mesh.agent('ada', 'B')
  await other.push('theirs', 1)
  const operations = [
    { type: 'push', key: 'mine', value: 1 },
    { type: 'push', key: 'theirs', value: 2 },
  ] as const
  expect(await step.batch(operations)).toMatchObject({ outcome: { rejected: 'context.denied' } })
  await step.incidents.flush()
  const incident = { agent: 'A', action: 'batch_context_operation', code: 'context.denied' }
  expect(await step.incidents.list('ada')).toMatchObject([incident])
  await expect(step.mesh.agent('ada', 'A').batch(operations, { atomic: true })).rejects.toThrow()
  await step.incidents.flush()
  expect(await step.incidents.list('ada')).toMatchObject([incident, incident])
})

test('A batch of a step whose signal aborts reports what was done and does no more.', async () => {
  const controller = new AbortController()
  await using step = await openStep({ last: async () => controller.abort() })
  const operations = [
    { type: 'push', key: 'first', value: 1 },
    { type: 'push', key: 'last', value: 2 },
    { type: 'push', key: 'never', value: 3 },
    { type: 'get', key: 'first' },
    { type: 'delete', key: 'first' },
  ] as const
  const cancelled = { success: false, error: { code: 'cancelled' } }
  const result = await step.batch(operations, { signal: controller.signal })
  expect(result).toMatchObject({ outcome: [{ version: 1 }, { version: 1 }, cancelled, cancelled, cancelled] })
  const { items } = await step.mesh.host('ada').list()
  expect(items.map(({ key, value }) => [key, value])).toEqual([
    ['first', 1],
    ['last', 2],
  ])
})

test('An operation of a batch rejects a signal of its own, and a key without a text is rejected.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const a = opened.mesh.agent('ada', 'A')
  const signalled = { type: 'push', key: 'k', value: 1, signal: AbortSignal.abort() } as const
  for (const atomic of [true, false])
    await expect(a.batch([signalled], { atomic })).rejects.toMatchObject({ code: 'validation.failed' })
  const textless = [{ type: 'get', key: Object.create(null) }] as const
  const expected = [{ type: 'get', key: 'an object', success: false, error: { code: 'name.invalid' } }]
  expect(await a.batch(textless)).toMatchObject(expected)
  await expect(a.batch(textless, { atomic: true })).rejects.toMatchObject({ code: 'name.invalid', results: expected })
})
