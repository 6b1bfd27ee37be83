/**
 * The places where Troupe calls code of the application, each with a way to let that code fail, and the line of the log
 * that reports it.
 */
import { expect } from 'vitest'
import { z } from 'zod'
import {
  type Agent,
  AgentPool,
  CriticalError,
  defineAgent,
  defineMessage,
  defineTool,
  LlmAgent,
  patterns,
  type TroupeConfig,
  Worker,
} from '../index.ts'
import { MockModel, type VirtualClock } from '../testing/index.ts'
import { type Served, until } from './server-testbed.test.fixture.ts'

/** The text that operators alone may read. */
export const text = 'connect to db-7 as svc_admin failed'
export const boom = (): never => {
  throw new TypeError(text, { cause: new Error('the cause of it') })
}
const boomLater = async () => boom()
const secondTime =
  <T>(first: T, calls = { count: 0 }) =>
  () =>
    calls.count++ === 0 ? first : boom()

export interface Testbed extends Served {
  readonly clock: VirtualClock
  /** As the application of one tenant, and as an operator of a part of the server who may not read the audit log. */
  readonly tenant: Served['call']
  readonly monitor: Served['call']
}
export interface FailingCode {
  readonly config?: Partial<TroupeConfig>
  readonly usesClock?: true
  readonly fails: (testbed: Testbed) => unknown
  /** The message of the line, and fields of it. */
  readonly line: string
  readonly fields?: object
  /** Whether an answer to the tenant or the monitor has the id. */
  readonly answered?: true
}

const pipeline = (agent: Agent) => patterns.pipeline({ stages: [{ agents: [agent] }] })
const code = (run: unknown, options: object = {}) => defineAgent({ name: 'A', run, ...options } as never) as Agent
const echo = defineAgent({ name: 'Echo', run: async (input) => input as never })
export const model = (options: object) =>
  new LlmAgent({ name: 'A', instructions: 'i', model: new MockModel({ responses: ['x'] }), ...options } as never)
export const tool = (options: object = {}) =>
  defineTool({
    ...{ name: 'lookup', description: 'Fails.', inputSchema: z.object({}), effect: 'read', execute: boom },
    ...options,
  } as never)
const calling = (options: object) => {
  const responses = [{ toolCalls: [{ name: 'lookup' }] }, 'so be it']
  return model({ model: new MockModel({ responses }), tools: [tool(options)] })
}
const refusing = z.object({}).refine(boom)

export const started = async ({ tenant }: Testbed) => {
  expect((await tenant('POST', '/v1/runs', { team: 'team', task: {}, id: 'r' })).status).toBe(201)
  await tenant('GET', '/v1/runs/r/result?wait=20s')
}
export const run = (
  topology: Agent | NonNullable<TroupeConfig['teams']>[string],
  more: Partial<FailingCode> = {},
): FailingCode => ({
  config: { teams: { team: 'step' in topology ? pipeline(topology) : topology } },
  fails: started,
  line: 'an agent failed',
  fields: { userId: 'ada', runId: 'r', stepId: expect.any(String), trace: expect.stringMatching(/^[0-9a-f]{32}$/) },
  answered: true,
  ...more,
})
/** The model reads what failed, and the run goes on. */
const { answered: _, ...unanswered } = run(echo)
const toolOfRun = (agent: Agent): FailingCode => ({
  ...unanswered,
  config: { teams: { team: pipeline(agent) } },
  line: 'a tool failed',
  fields: { tool: 'lookup', agent: 'A', runId: 'r', userId: 'ada' },
})

const Order = defineMessage('order')
const Ask = defineMessage('ask', z.unknown(), { reply: z.unknown() })
const worker = (change: (worker: Worker) => unknown, more: Partial<FailingCode> = {}): FailingCode => ({
  fails: async ({ troupe, tenant }) => {
    const stock = new Worker('Stock', { retry: { attempts: 1 } })
    change(stock)
    await troupe.user('ada').start(stock)
    await tenant('POST', '/v1/messages/request', { type: 'order', payload: 1, to: 'Stock', timeout: '1s' })
  },
  line: 'a worker failed',
  fields: { agent: 'Stock', userId: 'ada' },
  ...more,
})
const handler = (change: (worker: Worker) => unknown) =>
  worker(change, { answered: true, fields: { agent: 'Stock', messageType: 'order' } })

const requesting = code((_: unknown, ctx: { request: (...all: unknown[]) => unknown }) =>
  ctx.request(Ask, 1, { to: 'B' }),
)
const paying = (spec: object, effect: unknown = boom) =>
  code((_: unknown, ctx: { effect: (...all: unknown[]) => unknown }) =>
    ctx.effect('pay', { input: {}, ...spec }, effect),
  )

export const failingCode: Readonly<Record<string, FailingCode>> = {
  'an agent': run(code(boom)),
  'an agent of a parallel branch': run(
    patterns.pipeline({ stages: [{ agents: [code(boom), code(boom, { name: 'B' })], parallel: true }] }),
  ),
  'an agent of a session': {
    fails: ({ troupe }) =>
      troupe
        .user('ada')
        .session(model({ instructions: boom }))
        .chat('hi')
        .catch(() => {}),
    line: 'an agent failed',
    fields: { agent: 'A', userId: 'ada' },
  },
  'serve of an agent': run(
    patterns.mesh({ agents: [requesting, code(() => 1, { name: 'B', serve: boom })], entry: requesting }),
  ),
  'an effect': run(paying({ class: 'at-most-once' })),
  'a tool of a run': toolOfRun(calling({})),
  'a tool that ends the run': run(
    calling({
      execute: () => {
        throw new CriticalError(text, { code: 'shop.closed', hint: text, details: { host: text } })
      },
    }),
  ),
  'a durable tool': toolOfRun(calling({ effect: undefined, durable: true })),
  'a tool outside any run': {
    fails: ({ troupe }) =>
      troupe
        .user('ada')
        .session(calling({}))
        .executeTool('lookup', {})
        .catch(() => {}),
    line: 'a tool failed',
    fields: { tool: 'lookup', agent: 'A', userId: 'ada' },
  },
  'the schema of a tool': toolOfRun(calling({ inputSchema: refusing })),
  'needsApproval of a tool': toolOfRun(calling({ needsApproval: boom })),
  'undo of a tool': run(calling({ effect: 'idempotent', execute: () => 1, undo: boomLater }), {
    fails: async (testbed) => {
      await started(testbed)
      await testbed.tenant('POST', '/v1/runs/r/undo', {})
    },
    fields: { stepId: 'undo:step:r/1#1#1', runId: 'r' },
  }),
  instructions: run(model({ instructions: boom })),
  'the choice of tools': run(model({ tools: [tool()], toolSelection: boom })),
  'a model': run(model({ model: new MockModel({ responses: [boom, boom, boom] as never }) })),
  'the schema of an input': run(code(() => 1, { inputSchema: refusing })),
  'the schema of an output': run(code(() => ({}), { outputSchema: refusing })),
  'by of a router': run(patterns.router({ routes: { a: echo }, by: boom })),
  'split of mapReduce': run(patterns.mapReduce({ split: boom, map: echo, reduce: code(() => 1) })),
  'until of a blackboard': run(patterns.blackboard({ agents: [echo], until: boom })),
  'create of a pool': run(new AgentPool({ name: 'P', create: boom }) as never),
  'dispose of a pool': {
    fails: async ({ troupe }) => {
      const pool = new AgentPool({ name: 'P', create: () => echo, dispose: boom })
      await troupe.user('ada').orchestra.run({ task: 1, topology: pipeline(pool as never) })
      await pool.close()
    },
    line: 'a dispose of a pool failed',
    fields: { name: 'P' },
  },
  'a handler': handler((stock) => stock.on(Order, boom)),
  'a handler of a batch': handler((stock) => stock.onBatch(Order, { size: 1, wait: '1ms' }, boom)),
  onMessage: handler((stock) => Object.assign(stock, { onMessage: boom })),
  upcast: {
    fails: async ({ troupe }) => {
      await troupe.user('ada').agent('Shop').messages.send(defineMessage('order'), 1, { to: 'Stock' })
      const newer = defineMessage('order', z.unknown(), { version: 2, upcast: { 1: boom } })
      await troupe.user('ada').start(new Worker('Stock', { retry: { attempts: 1 } }).on(newer, () => 1))
    },
    line: 'a message was dead-lettered',
    fields: { messageType: 'order' },
  },
  onFailure: worker((stock) =>
    Object.assign(
      stock.on(Order, () => Promise.reject(new Error('x'))),
      { onFailure: boom },
    ),
  ),
  onDeadLetter: worker((stock) =>
    Object.assign(
      stock.on(Order, () => Promise.reject(new Error('x'))),
      { onDeadLetter: boom },
    ),
  ),
  authorizePeer: worker((stock) =>
    Object.assign(
      stock.on(Order, () => 1),
      { authorizePeer: boom },
    ),
  ),
  onConnect: worker((stock) => stock.on(Order, () => 1).onConnect('*', boom), {
    fails: async ({ troupe }) => {
      await troupe.user('ada').start(new Worker('Stock').on(Order, () => 1).onConnect('*', boom))
      await troupe.user('ada').start(new Worker('Shop').on(Ask, () => 1))
    },
  }),
  'a supervised worker that is made again': {
    fails: async ({ troupe }) => {
      const failing = () =>
        Object.assign(
          new Worker('Stock').on(Order, () => 1),
          { onStart: boom },
        )
      const restarts = { max: 1, within: '1m' } as const
      await troupe
        .user('ada')
        .supervise([secondTime(failing())], { restarts, backoff: '1ms' })
        .catch(() => {})
    },
    line: 'a worker crashed',
    fields: { agent: 'Stock' },
  },
  'prepare of a schedule': {
    config: { teams: { team: pipeline(echo) }, schedules: { prepare: { broken: boom } } },
    usesClock: true,
    fails: async ({ troupe, clock, tenant }) => {
      await troupe.user('ada').schedules.create({ id: 's', team: 'team', prepare: 'broken', in: '1s' })
      // Not further: the next attempt is due a second later.
      await clock.advance('1s')
      await until('it has failed', async () => (await tenant('GET', '/v1/schedules/s')).text.includes('err_'))
    },
    line: 'a schedule could not start its run',
    fields: { scheduleId: 's', userId: 'ada' },
    answered: true,
  },
  'an observer': {
    fails: async ({ troupe }) => {
      troupe.on('context.pushed', boom)
      await troupe.user('ada').context.push('k', 1)
    },
    line: 'an observer failed',
    fields: { event: 'context.pushed', userId: 'ada' },
  },
  'an asynchronous observer': {
    fails: async ({ troupe }) => {
      troupe.on('context.pushed', boomLater)
      await troupe.user('ada').context.push('k', 1)
    },
    line: 'an observer failed',
    fields: { event: 'context.pushed', userId: 'ada' },
  },
  'a health check': {
    fails: ({ troupe, monitor }) => {
      troupe.healthMonitor.register('shop', boom)
      return monitor('GET', '/v1/health')
    },
    line: 'a health check failed',
    fields: { name: 'shop' },
    answered: true,
  },
  'a gauge': {
    fails: async ({ troupe, monitor }) => {
      troupe.metrics.gauge('shop', boom)
      for (let i = 0; i < 2; i++) await monitor('GET', '/metrics')
    },
    line: 'a gauge failed',
    fields: { name: 'shop' },
  },
  'an alert channel': {
    config: {
      alerts: {
        rules: [{ name: 'any', metric: 'orders', own: true, statistic: 'count', above: 0 }],
        to: [{ webhook: { url: 'http://127.0.0.1:1/' } }],
      },
      fetch: boom,
    },
    usesClock: true,
    fails: async ({ troupe, clock }) => {
      troupe.metrics.increment('orders')
      await clock.advance('1h')
    },
    line: 'an alert channel failed',
    fields: { name: 'any' },
  },
  'a check of the doctor': {
    config: { doctor: { checks: [{ id: 'shop.stock', description: 'The shop has stock.', run: boom }] } },
    fails: ({ monitor }) => monitor('GET', '/v1/doctor'),
    line: 'a doctor check failed',
    fields: { name: 'shop.stock' },
    answered: true,
  },
  'a score of an evaluation': run(echo, {
    config: { teams: { team: pipeline(echo) }, evaluation: { scores: { broken: boom } } },
    fails: async (testbed) => {
      await started(testbed)
      await testbed.tenant('POST', '/v1/evaluations', { runs: ['r'], change: {}, score: { named: 'broken' } })
    },
    line: 'an evaluation failed',
    fields: { name: 'r', userId: 'ada' },
  }),
  'an agent of an evaluation': run(code(secondTime(1)), {
    fails: async (testbed) => {
      await started(testbed)
      await testbed.tenant('POST', '/v1/evaluations', { runs: ['r'], change: {}, score: 'exact' })
    },
    fields: { evaluation: true, agent: 'A', userId: 'ada' },
  }),
  'an observer of an evaluation': {
    fails: async ({ troupe }) => {
      const { orchestra } = troupe.user('ada')
      await orchestra.run({ topology: pipeline(echo), task: {}, id: 'r' })
      await orchestra.evaluate({ runs: ['r'], change: {}, score: 'exact', onProgress: boom })
    },
    line: 'a progress observer failed',
    fields: { name: 'r', userId: 'ada' },
  },
}
