/** Each method of a context client on both write targets: outside a step, and in one. */
import { afterEach, describe, expect, test } from 'vitest'
import {
  AccessDeniedError,
  createEvents,
  createIds,
  createVirtualClock,
  type Json,
  seededRandom,
  systemRandom,
} from '../core/index.ts'
import { createInbox, createJournals, createSteps, createTimers, type Recorder } from '../journal/index.ts'
import { Access, type AccessOptions, type AuditTrail, type Incidents } from '../security/index.ts'
import type { ContextClient, Signal } from './context-client.ts'
import { openMesh } from './context-testbed.test.fixture.ts'
import { Mesh } from './mesh.ts'

interface Method {
  readonly right: string | undefined
  readonly call: (client: ContextClient, options: Signal) => Promise<unknown>
  /** What the audit log says is read. */
  readonly reads: readonly string[]
}
const get = { right: 'get_context', reads: ['get_context'] } as const
const methods: Readonly<Record<string, Method>> = {
  push: { right: 'push_context', reads: [], call: (client, options) => client.push('new', 1, options) },
  get: { ...get, call: (client, options) => client.get('k', options) },
  getEntry: { ...get, call: (client, options) => client.getEntry('k', options) },
  getMany: { ...get, call: (client, options) => client.getMany(['k'], options) },
  list: { right: 'list_context', reads: ['list_context'], call: (client, options) => client.list(options) },
  keys: { right: 'list_context_keys', reads: ['list_context_keys'], call: (client, options) => client.keys(options) },
  update: {
    right: 'push_context',
    reads: ['get_context'],
    call: (client, options) => client.update('k', inc, options),
  },
  delete: { right: 'delete_context', reads: [], call: (client, options) => client.delete('mine', options) },
  'an atomic batch': {
    right: 'batch_context_operation',
    reads: [],
    call: (client, options) => client.batch([{ type: 'push', key: 'new', value: 1 }], { atomic: true, ...options }),
  },
  'a batch': {
    right: 'batch_context_operation',
    reads: ['get_context'],
    call: (client, options) => client.batch([{ type: 'get', key: 'k' }], options),
  },
  history: { ...get, call: (client, options) => client.history('k', options) },
  subscribe: { right: 'subscribe_to_topics', reads: [], call: (client, options) => client.subscribe(['t'], options) },
  unsubscribe: {
    right: 'unsubscribe_from_topics',
    reads: [],
    call: (client, options) => client.unsubscribe(['old'], options),
  },
  topics: { right: undefined, reads: [], call: (client, options) => client.topics(options) },
  discoverTopics: { right: 'discover_topics', reads: [], call: (client, options) => client.discoverTopics(options) },
  deleteTopic: { right: 'delete_topic', reads: [], call: (client, options) => client.deleteTopic('old', options) },
}
const inc = (value: unknown) => Number(value ?? 0) + 1
const names = Object.keys(methods)

const cleanups: (() => PromiseLike<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function openTestbed() {
  const clock = createVirtualClock()
  const { storage, [Symbol.asyncDispose]: close } = await openMesh(clock, { durable: true })
  const random = seededRandom('table')
  const incidents: string[] = []
  const reads: string[] = []
  const audit = {
    written: () => [],
    read: (_: string, { operation }: { readonly operation: string }) => reads.push(operation),
  } as unknown as AuditTrail
  const rejected: Incidents['rejected'] = (_, agent, action, thrown) => {
    if (thrown instanceof AccessDeniedError) incidents.push(`${agent}: ${action}`)
  }
  const mesh = new Mesh({
    storage,
    platform: { clock, random, ids: createIds(clock, systemRandom), events: createEvents(() => {}) },
    security: { audit, incidents: { rejected } as Incidents },
  })
  const stepsOf = (owner: string) => {
    const journals = createJournals({ storage, clock, owner })
    const [inbox, timers] = [createInbox({ storage, clock }), createTimers({ storage, clock })]
    return createSteps({ storage, journals, inbox, timers, clock, random, limits: { backoffMs: 1 } })
  }
  cleanups.push(close, () => mesh.close())
  await mesh.agent('ada', 'B').push('k', 1, { writers: ['A'] })
  await mesh.agent('ada', 'A').push('mine', 1, { topics: ['old'] })
  await mesh.agent('ada', 'A').subscribe(['old'])
  async function inStep(program: (recorder: Recorder) => Promise<Json>, owner = 'first') {
    let isOver = false
    const spec = { id: 'step:1', principal: { userId: 'ada', kind: 'agent', name: 'A' } } as const
    const end = stepsOf(owner)
      .execute({ ...spec, input: null, onEnd: () => ({ statements: [] }) }, program)
      .finally(() => {
        isOver = true
      })
    while (!isOver) await clock.advance('5ms')
    return end
  }
  return { mesh, clock, incidents, reads, stepsOf, inStep }
}
type Testbed = Awaited<ReturnType<typeof openTestbed>>

const codeOf = async (run: () => Promise<unknown>): Promise<string> =>
  run().then(
    () => 'done',
    (error: unknown) => String(error instanceof Error && 'code' in error ? error.code : error),
  )

/** Runs the work with a client, and gives the code of what it was rejected with. */
type Target = (
  testbed: Testbed,
  access: AccessOptions,
  run: (client: ContextClient) => Promise<unknown>,
) => Promise<string>
const outside: Target = ({ mesh }, access, run) => codeOf(() => run(mesh.agent('ada', 'A', new Access(access))))
const inStep: Target = async (testbed, access, run) => {
  let code = ''
  await testbed.inStep(async (recorder) => {
    code = await codeOf(() => run(testbed.mesh.staged(recorder, new Access(access))))
    return null
  })
  return code
}

describe.each([
  ['outside a step', outside],
  ['in a step', inStep],
])('a context client: %s', (_, on) => {
  test.each(names.filter((name) => methods[name]?.right !== undefined))(
    '%s of a context client checks its right before its options, and a denied call is one incident.',
    async (name) => {
      const testbed = await openTestbed()
      const { right = '', call } = methods[name] as Method
      const access = { role: 'admin', deny: [right] }
      expect(await on(testbed, access, (client) => call(client, { unknown: 1 } as Signal))).toBe('access.denied')
      expect(testbed.incidents).toEqual([`A: ${right}`])
    },
  )

  test.each(names)('%s of a context client rejects an unknown option.', async (name) => {
    const testbed = await openTestbed()
    const { call } = methods[name] as Method
    const access = { role: 'admin' }
    expect(await on(testbed, access, (client) => call(client, { unknown: 1 } as Signal))).toBe('option.unknown')
  })

  test.each(names)('%s of a context client does not start when its signal has aborted.', async (name) => {
    const testbed = await openTestbed()
    const { call } = methods[name] as Method
    const access = { role: 'admin' }
    const before = await everything(testbed.mesh)
    expect(await on(testbed, access, (client) => call(client, { signal: AbortSignal.abort() }))).toBe('cancelled')
    expect(await everything(testbed.mesh)).toEqual(before)
  })

  test('The option `atomic` of a batch of a context client is true or false, and nothing else.', async () => {
    const testbed = await openTestbed()
    const code = await on(testbed, {}, (client) => client.batch([], { atomic: 'no' } as never))
    expect(code).toBe('validation.failed')
  })

  test('Each operation of an atomic batch of a context client needs its own right.', async () => {
    const testbed = await openTestbed()
    const code = await on(testbed, { role: 'admin', deny: ['push_context'] }, (client) =>
      client.batch([{ type: 'push', key: 'new', value: 1 }], { atomic: true }),
    )
    expect(code).toBe('access.denied')
    expect(testbed.incidents).toHaveLength(1)
    expect(await testbed.mesh.host('ada').get('new')).toBeUndefined()
  })
})

async function everything(mesh: Mesh): Promise<Json> {
  const { items } = await mesh.host('ada').list()
  const topics = await mesh.agent('ada', 'A').topics()
  return JSON.parse(JSON.stringify([items.map(({ key, version }) => [key, version]), topics])) as Json
}

test.each(names)('%s of a context client is audited once, and not by a replay of its step.', async (name) => {
  const testbed = await openTestbed()
  const { call, reads } = methods[name] as Method
  const access = new Access({ role: 'admin' })
  let executions = 0
  const program = async (recorder: Recorder, isLast: boolean): Promise<Json> => {
    executions++
    const client = testbed.mesh.staged(recorder, access)
    await call(client, {})
    await client.push('mark', 1)
    await recorder.commit()
    if (!isLast) await new Promise(() => {})
    return null
  }
  testbed.inStep((recorder) => program(recorder, false)).catch(() => {})
  for (let i = 0; i < 200 && !(await isMarked(testbed.mesh)); i++) await testbed.clock.advance('1ms')
  const readsBefore = [...testbed.reads]
  const end = await testbed.inStep((recorder) => program(recorder, true), 'second')
  expect(end.status).toBe('completed')
  expect(executions).toBe(2)
  expect(readsBefore).toEqual(reads)
  expect(testbed.reads).toEqual(readsBefore)
})

async function isMarked(mesh: Mesh): Promise<boolean> {
  const { entries } = await mesh.written('ada', 0)
  return entries.some(({ key }) => key === 'mark')
}

test('A rejected write of a step is one incident, however often the step is executed.', async () => {
  const testbed = await openTestbed()
  await testbed.mesh.agent('ada', 'B').push('closed', 1)
  await testbed.mesh.host('ada').setTopicPolicy('staff', { subscribe: ['B'] })
  const codes: string[] = []
  const program = async (recorder: Recorder, isLast: boolean): Promise<Json> => {
    const client = testbed.mesh.staged(recorder, new Access())
    codes.push(await codeOf(() => client.push('closed', 2)))
    codes.push(await codeOf(() => client.subscribe(['staff'])))
    await client.push('mark', 1)
    await recorder.commit()
    if (!isLast) await new Promise(() => {})
    return null
  }
  testbed.inStep((recorder) => program(recorder, false)).catch(() => {})
  for (let i = 0; i < 200 && !(await isMarked(testbed.mesh)); i++) await testbed.clock.advance('1ms')
  await testbed.inStep((recorder) => program(recorder, true), 'second')
  expect(codes).toEqual(['context.denied', 'topic.closed', 'context.denied', 'topic.closed'])
  expect(testbed.incidents).toEqual(['A: push_context', 'A: subscribe_to_topics'])
})
