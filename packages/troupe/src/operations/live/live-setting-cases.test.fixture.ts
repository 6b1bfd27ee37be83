/** For each setting that may change while running: what is seen of it before and after. */
import { z } from 'zod'
import { type Duration, type Json, systemClock } from '../../core/index.ts'
import { defineAgent, defineMessage, defineTool, LlmAgent, patterns, type Troupe, Worker } from '../../index.ts'
import { partsOf } from '../../startup/troupe.ts'
import { MockModel } from '../../testing/index.ts'
import { type Opened, opened, type Trial } from './virtual-clock-troupe.test.fixture.ts'

const unavailable = () => Object.assign(new Error('away'), { isRetryable: true })
const Note = defineMessage('note')
const code = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error as { readonly code?: string }).code,
  )
const rows = async (troupe: Troupe, table: string) => (await troupe.sizes()).tables[table] ?? 0
/** A mailbox that nothing was sent to yet. */
const mailboxes = ({ troupe }: Opened) => {
  let count = 0
  const { messages } = troupe.user('ada').agent('Sender')
  return () => {
    const name = `Mailbox${count++}`
    const send = (payload: Json = {}) => messages.send(Note, payload, { to: name })
    return { send, mailbox: troupe.user('ada').agent(name).mailbox }
  }
}
const statusOf = async (troupe: Troupe, check: string) =>
  (await troupe.health({ fresh: true })).checks.find(({ name }) => name === check)?.status

/** Two calls of a tool by an agent. */
const calling = ({ troupe }: Opened) => {
  const look = defineTool({
    name: 'look',
    description: 'd',
    inputSchema: z.object({}),
    effect: 'read',
    execute: async () => 'seen',
  })
  const session = troupe
    .user('ada')
    .session(new LlmAgent({ name: 'A', instructions: 'i', model: new MockModel({ responses: [] }), tools: [look] }))
  return async () => [await code(session.executeTool('look', {})), await code(session.executeTool('look', {}))]
}
/** Two questions to an agent, one after the other. */
const asking = ({ troupe }: Opened) => {
  const model = new MockModel({ responses: Array.from({ length: 4 }, () => 'yes') })
  const agent = new LlmAgent({ name: 'A', instructions: 'i', model })
  return async () => [
    await code(troupe.user('ada').session(agent).chat('a')),
    await code(troupe.user('ada').session(agent).chat('b')),
  ]
}
const twice = { before: ['done', 'done'], after: ['done', 'rate.limited'] } as const
const commit = ({ troupe }: Opened, id: string) =>
  troupe[partsOf].stores.storage.commit({ id, scope: { work: true }, statements: [] })
/** How many of what it leaves are still there after two hours. */
const leaving = (table: string, leave: (opened: Opened, name: string) => unknown) => (one: Opened) => {
  let count = 0
  return async () => {
    await leave(one, `n${count++}`)
    await one.clock.advance('2h')
    return (await rows(one.troupe, table)) > 0
  }
}
const traced =
  ({ troupe, clock }: Opened, after: Duration) =>
  async () => {
    const ada = troupe.user('ada')
    for (let i = 0; i < 3; i++) await ada.traces.span('import', async () => {})
    const made = (await ada.traces.list()).length
    await clock.advance(after)
    return made - (await ada.traces.list()).length > 0
  }

export const trials: Readonly<Record<string, Trial>> = {
  log: {
    changes: { log: 'info' },
    prepare:
      ({ troupe, lines }) =>
      async () => {
        lines.length = 0
        troupe.log.info('said')
        return lines.length
      },
    before: 0,
    after: 1,
  },
  'shutdown.timeout': {
    changes: { shutdown: { timeout: '5s' } },
    prepare({ troupe }) {
      // The first that is drained is another one: a troupe is drained once.
      let next = async () => (await opened()).troupe
      return async () => {
        const drainingTroupe = await next()
        next = async () => troupe
        let timeoutMs: unknown
        drainingTroupe.on('troupe.draining', (event) => {
          timeoutMs = event.timeoutMs
        })
        await drainingTroupe.drain()
        return timeoutMs
      }
    },
    before: 25_000,
    after: 5_000,
  },
  'retention.changeIds': {
    changes: { retention: { changeIds: '1h' } },
    prepare: leaving('storage_changes', commit),
    before: true,
    after: false,
  },
  'retention.feed': {
    changes: { retention: { feed: '1h' } },
    prepare: leaving('storage_feed', ({ troupe }, name) => troupe.user('ada').context.push(name, 1)),
    before: true,
    after: false,
  },
  'retention.feedRevisions': {
    changes: { retention: { feedRevisions: 2 } },
    prepare: ({ troupe, clock }) => {
      return async () => {
        for (let i = 0; i < 10; i++) await troupe.user('ada').context.push('k', i)
        await clock.advance('2m')
        return (await rows(troupe, 'storage_feed')) >= 10
      }
    },
    before: true,
    after: false,
  },
  'retention.every': {
    config: { retention: { changeIds: '1h', every: '1d' } },
    changes: { retention: { every: '1m' } },
    prepare: leaving('storage_changes', commit),
    before: true,
    after: false,
  },
  'retention.replay': {
    changes: { retention: { replay: '1h' } },
    prepare: leaving('journal_records', async ({ troupe }) => {
      const agent = defineAgent({ name: 'A', run: async () => 'done' })
      await troupe
        .user('ada')
        .orchestra.run({ task: 't', topology: patterns.pipeline({ stages: [{ agents: [agent] }] }) })
    }),
    before: true,
    after: false,
  },
  'context.limits': {
    changes: { context: { limits: { topics: 1 } } },
    prepare:
      ({ troupe }) =>
      () =>
        code(troupe.user('ada').context.push('k', 1, { topics: ['a', 'b'] })),
    before: 'done',
    after: 'topic.limit',
  },
  'context.cleanup': {
    changes: { context: { cleanup: '30s' } },
    prepare({ troupe, clock }) {
      const { context } = troupe.user('ada')
      return async () => {
        await context.push('short', 1, { ttl: '1s' })
        await clock.advance('40s')
        return (await context.stats()).expired
      }
    },
    before: 1,
    after: 0,
  },
  'messaging.lease': {
    changes: { messaging: { lease: '2m' } },
    prepare(one) {
      const next = mailboxes(one)
      return async () => {
        const { send, mailbox } = next()
        await send()
        await mailbox.receive()
        await one.clock.advance('40s')
        return (await mailbox.receive()).length
      }
    },
    before: 1,
    after: 0,
  },
  'messaging.maxAttempts': {
    changes: { messaging: { maxAttempts: 1 } },
    prepare(one) {
      const next = mailboxes(one)
      return async () => {
        const { send, mailbox } = next()
        await send()
        for (const delivery of await mailbox.receive()) await delivery.nack({ reason: 'no' })
        await mailbox.receive()
        return (await mailbox.counts()).dead
      }
    },
    before: 0,
    after: 1,
  },
  'messaging.capacity.count': {
    config: { messaging: { capacity: { count: 1 } } },
    changes: { messaging: { capacity: { count: 2 } } },
    prepare(one) {
      const next = mailboxes(one)
      return async () => {
        const { send } = next()
        return [await code(send()), await code(send())]
      }
    },
    before: ['done', 'mailbox.full'],
    after: ['done', 'done'],
  },
  'messaging.capacity.bytes': {
    changes: { messaging: { capacity: { bytes: 3_000 } } },
    prepare(one) {
      const next = mailboxes(one)
      return async () => {
        const { send } = next()
        return [await code(send('x'.repeat(2_000))), await code(send('x'.repeat(2_000)))]
      }
    },
    before: ['done', 'done'],
    after: ['done', 'mailbox.full'],
  },
  'messaging.backpressure': {
    config: { messaging: { capacity: { count: 1 } } },
    changes: { messaging: { backpressure: 'drop-oldest' } },
    prepare(one) {
      const next = mailboxes(one)
      return async () => {
        const { send } = next()
        return [await code(send()), await code(send())]
      }
    },
    before: ['done', 'mailbox.full'],
    after: ['done', 'done'],
  },
  'models.limits': {
    changes: { models: { limits: { '*': { concurrent: 1, queue: 0 } } } },
    prepare({ troupe, clock }) {
      const model = new MockModel({
        responses: Array.from({ length: 4 }, () => ({ text: 'yes', latency: '1s' })),
        clock,
      })
      const agent = new LlmAgent({ name: 'A', instructions: 'i', model })
      return async () => {
        const both = Promise.all(['a', 'b'].map((text) => code(troupe.user('ada').session(agent).chat(text))))
        let finished = false
        void both.finally(() => {
          finished = true
        })
        while (!finished) await clock.advance('1s')
        return (await both).sort()
      }
    },
    before: ['done', 'done'],
    after: ['done', 'model.busy'],
  },
  'models.attempts': {
    config: { models: { attempts: 1 } },
    changes: { models: { attempts: 2 } },
    prepare({ troupe, clock }) {
      const model = new MockModel({ responses: [unavailable(), unavailable(), 'yes'] })
      const session = troupe.user('ada').session(new LlmAgent({ name: 'A', instructions: 'i', model }))
      return async () => {
        const asked = code(session.chat('a'))
        let finished = false
        void asked.finally(() => {
          finished = true
        })
        while (!finished) await clock.advance('1s')
        return asked
      }
    },
    before: 'model.failed',
    after: 'done',
  },
  'policies.tools': {
    changes: { policies: { tools: { look: { rateLimit: { limit: 1 } } } } },
    prepare: calling,
    before: ['done', 'done'],
    after: ['done', 'tool.failed'],
  },
  'policies.agents': {
    changes: { policies: { agents: { A: { rateLimit: { limit: 1 } } } } },
    prepare: asking,
    ...twice,
  },
  'policies.models': {
    changes: { policies: { models: { '*': { rateLimit: { limit: 1 } } } } },
    prepare: asking,
    ...twice,
  },
  'health.every': {
    changes: { health: { every: '5s' } },
    prepare({ troupe, clock }) {
      let runs = 0
      troupe.healthMonitor.register('own', () => void runs++, { interval: '1s' })
      return async () => {
        runs = 0
        await clock.advance('12s')
        return runs
      }
    },
    before: 0,
    after: 2,
  },
  'health.memory': {
    // The machine is looked at under its own clock alone.
    config: { clock: systemClock, health: { memory: 1 } },
    changes: { health: { memory: 0.000_001 } },
    prepare:
      ({ troupe }) =>
      () =>
        statusOf(troupe, 'memory'),
    before: 'healthy',
    after: 'degraded',
  },
  'health.disk': {
    config: { clock: systemClock, health: { disk: 1 } },
    changes: { health: { disk: 0.000_001 } },
    prepare:
      ({ troupe }) =>
      () =>
        statusOf(troupe, 'disk'),
    before: 'healthy',
    after: 'degraded',
  },
  'health.lag': {
    config: { health: { lag: '1s' } },
    changes: { health: { lag: '100ms' } },
    prepare({ troupe, clock }) {
      return async () => {
        clock.hold(500)
        await clock.advance('6s')
        return statusOf(troupe, 'eventLoop')
      }
    },
    before: 'healthy',
    after: 'degraded',
  },
  'health.queue': {
    changes: { health: { queue: 1 } },
    prepare({ troupe }) {
      const ada = troupe.user('ada')
      class Slow extends Worker {
        constructor(gate: Promise<void>) {
          super('Slow', { concurrency: 1 })
          this.on(Note, () => gate)
        }
      }
      return async () => {
        const { promise, resolve } = Promise.withResolvers<void>()
        const slow = await ada.start(new Slow(promise))
        for (let i = 0; i < 4; i++) await ada.agent('A').messages.send(Note, {}, { to: 'Slow' })
        const status = await statusOf(troupe, 'queues')
        resolve()
        await slow.stop()
        return status
      }
    },
    before: 'healthy',
    after: 'degraded',
  },
  alerts: {
    changes: {
      alerts: { every: '5s', rules: [{ name: 'orders', metric: 'orders', own: true, statistic: 'value', above: 3 }] },
    },
    prepare({ troupe, clock }) {
      troupe.metrics.gauge('orders', 5)
      const raised: unknown[] = []
      troupe.on('alert.raised', ({ alert }) => raised.push(alert))
      return async () => {
        for (let i = 0; i < 10 && raised.length === 0; i++) await clock.advance('6s')
        return raised
      }
    },
    before: [],
    after: ['orders'],
  },
  'traces.retention': {
    changes: { traces: { retention: '1h' } },
    prepare: (one) => traced(one, '2h'),
    before: false,
    after: true,
  },
  'traces.max': { changes: { traces: { max: 1 } }, prepare: (one) => traced(one, '2m'), before: false, after: true },
}
