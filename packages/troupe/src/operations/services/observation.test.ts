import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { dropSchema, missingServer, schemaName, server, withClient } from '../../../test/postgres/postgres-server.ts'
import type { TroupeConfig } from '../../configuration/troupe-config.ts'
import { systemClock } from '../../core/index.ts'
import { defineAgent, defineMessage, defineTool, patterns, RecoverableError, Worker } from '../../index.ts'
import { HealthMonitor } from '../../operations.ts'
import { secretRef } from '../../security/index.ts'
import { createTroupe } from '../../startup/create-troupe.ts'
import { LlmAgent } from '../../startup/llm-agent.ts'
import { partsOf, type Troupe } from '../../startup/troupe.ts'
import { createVirtualClock, MockModel } from '../../testing/index.ts'

const missing = await missingServer()
const schema = schemaName('observation')

let open: Troupe[] = []
afterEach(async () => {
  for (const troupe of open) await troupe.close().catch(() => {})
  open = []
})
async function opened(config: Partial<TroupeConfig> = {}): Promise<Troupe> {
  const troupe = await createTroupe({ log: 'silent', storage: 'memory:', ...config })
  open.push(troupe)
  return troupe
}
const named = (checks: readonly { readonly name: string; readonly status: string }[]) =>
  Object.fromEntries(checks.map(({ name, status }) => [name, status]))

describe('the health of a troupe', () => {
  it('The health of a troupe covers storage, context, messages, models, audit, memory, disk, loop, queues and agents.', async () => {
    const troupe = await opened({ health: { memory: 1, disk: 1, lag: '1h' } })
    const report = await troupe.health()
    expect(named(report.checks)).toEqual({
      storage: 'healthy',
      transport: 'healthy',
      mesh: 'healthy',
      messages: 'healthy',
      models: 'healthy',
      audit: 'healthy',
      memory: 'healthy',
      disk: 'healthy',
      eventLoop: 'healthy',
      queues: 'healthy',
      agents: 'healthy',
    })
    expect(report.status).toBe('healthy')
    expect(await troupe.ready()).toBe(true)
    const probes = troupe.user('troupe.health')
    expect(await probes.context.size()).toBe(0)
    expect(await probes.agent('HealthMonitor').mailbox.counts()).toMatchObject({ waiting: 0, dead: 0 })
  })
  it('The health of a troupe is good with the lowest limits of messages and entries.', async () => {
    const troupe = await opened({
      health: { memory: 1, disk: 1, lag: '1h' },
      messaging: { capacity: { count: 1, bytes: 1_000 } },
      context: { limits: { entries: 1, bytes: 200, history: 0 } },
    })
    const reports = await Promise.all([troupe.health(), troupe.health()])
    expect(reports.flatMap(({ checks }) => checks.flatMap(({ message }) => message ?? []))).toEqual([])
  })
  it('The health of a troupe is awaited until a signal aborts, and is unhealthy once the troupe is closed.', async () => {
    const troupe = await opened({ health: { memory: 1, disk: 1, lag: '1h' } })
    const unregister = troupe.healthMonitor.register('slow', () => new Promise(() => {}), { timeout: '1h' })
    const controller = new AbortController()
    const waiting = troupe.health({ signal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'CancelledError' })
    unregister()
    expect((await troupe.health()).status).toBe('healthy')
    await troupe.close()
    const { status, checks } = await troupe.health()
    expect(status).toBe('unhealthy')
    expect(checks).toContainEqual(expect.objectContaining({ name: 'storage', status: 'unhealthy' }))
  })
  it('The health of a troupe measures the loop with the system clock, never with a virtual clock.', async () => {
    const clock = createVirtualClock()
    const waits: number[] = []
    const after: typeof clock.after = (ms, run, options) => {
      waits.push(ms)
      return clock.after(ms, run, options)
    }
    await opened({ clock: { ...clock, after } })
    await clock.advance('1m')
    expect(waits).not.toContain(5_000)
  })
  it('The health of a troupe includes checks of the application, and reports a change.', async () => {
    const clock = createVirtualClock()
    const troupe = await opened({ clock, health: { every: '30s', memory: 1, disk: 1 } })
    const changes: unknown[] = []
    troupe.on('health.changed', ({ status, before }) => changes.push([before, status]))
    let well = true
    troupe.healthMonitor.register('shop', () => well, { critical: false, interval: '1s' })
    await clock.advance('1m')
    well = false
    await clock.advance('1m')
    expect(changes).toEqual([['healthy', 'degraded']])
    expect(await troupe.ready()).toBe(true)
    troupe.healthMonitor.register('database of the shop', () => false)
    expect(await troupe.ready()).toBe(false)
    expect(troupe.live()).toBe(true)
  })
  it('The health of a troupe is degraded by a mailbox with too many messages, and a closed troupe is not live.', async () => {
    const troupe = await opened({ health: { memory: 1, disk: 1, queue: 2 } })
    const ada = troupe.user('ada')
    const Order = defineMessage('order')
    const blocked = Promise.withResolvers<void>()
    const worker = new Worker('Stock', { concurrency: 1 })
    worker.on(Order, () => blocked.promise)
    await ada.start(worker)
    for (let i = 0; i < 5; i++) await ada.agent('Seller').messages.send(Order, i, { to: 'Stock' })
    const { checks } = await troupe.health({ fresh: true })
    expect(checks.find(({ name }) => name === 'queues')).toMatchObject({ status: 'degraded' })
    expect(await troupe.metrics.prometheus()).toMatch(/troupe_mailbox_waiting\{agent="Stock"\} [3-5]/)
    blocked.resolve()
    await troupe.close()
    expect(troupe.live()).toBe(false)
    expect(await troupe.ready()).toBe(false)
  })
  it('The metrics of mailboxes add up those of all users, and count the mailbox of two workers once.', async () => {
    const troupe = await opened()
    const Order = defineMessage('order')
    const failing = () => new Worker('Stock', { retry: { attempts: 1 } }).on(Order, () => Promise.reject(new Error()))
    for (const user of ['ada', 'ada', 'bob']) await troupe.user(user).start(failing())
    for (const user of ['ada', 'bob']) await troupe.user(user).agent('Seller').messages.send(Order, 1, { to: 'Stock' })
    await expect.poll(() => troupe.metrics.prometheus()).toMatch(/troupe_mailbox_dead\{agent="Stock"\} 2/)
  })
  it('The health of a troupe is degraded by a context and messages that answer too late, and the troupe stays ready.', async () => {
    let passedMs = 0
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + passedMs }
    const troupe = await opened({ clock, health: { lag: '2s' } })
    expect((await troupe.health()).status).toBe('healthy')
    // Time passes while the probe is on its way.
    troupe.on('context.pushed', () => {
      passedMs += 2_100
    })
    const { status, checks } = await troupe.health({ fresh: true })
    expect(named(checks)).toMatchObject({ mesh: 'degraded', messages: 'degraded' })
    expect(checks.find(({ name }) => name === 'mesh')?.message).toMatch(/^it took \d{4} ms to come back$/)
    expect(status).toBe('degraded')
    expect(await troupe.ready()).toBe(true)
  })
  it('The health of a troupe reports the number of workers, and the messages handled per second.', async () => {
    const clock = createVirtualClock()
    const troupe = await opened({ clock })
    const ada = troupe.user('ada')
    const Order = defineMessage('order')
    const rates: number[] = []
    const queues = async () => {
      const { checks } = await troupe.health({ fresh: true })
      const { longestQueue, workers, messagesPerSecond } = checks.find(({ name }) => name === 'queues')?.details ?? {}
      rates.push(Number(messagesPerSecond))
      return { longestQueue, workers }
    }
    expect(await queues()).toEqual({ longestQueue: 0, workers: 0 })
    await ada.start(new Worker('Stock').on(Order, () => null))
    const { messages } = ada.agent('Seller')
    for (let i = 0; i < 20; i++) await messages.request(Order, i, { to: 'Stock' })
    await clock.advance('10s')
    expect(await queues()).toEqual({ longestQueue: 0, workers: 1 })
    await clock.advance('1h')
    await queues()
    // The probe of messages acknowledges one too each time.
    expect(rates[1]).toBeCloseTo(2.1, 0)
    expect(rates[2]).toBeLessThan(0.1)
  })
  it('The health of a troupe asks a model at a URL only for its list, and is degraded if that fails.', async () => {
    const asked: (string | undefined)[][] = []
    let status = 200
    const server = createServer(({ method, url, headers }, response) => {
      asked.push([method, url, headers.authorization])
      response.writeHead(status).end('{}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
      const troupe = await opened({
        secrets: [{ get: () => ({ value: 'the key' }) }],
        models: { model: 'vendor', registry: { vendor: { url, model: 'm', apiKey: secretRef('VENDOR') } } },
      })
      const models = async () => (await troupe.health({ fresh: true })).checks.find(({ name }) => name === 'models')
      expect(await models()).toMatchObject({ status: 'healthy', critical: false })
      expect(asked).toEqual([['GET', '/v1/models', 'Bearer the key']])
      status = 503
      expect(await models()).toMatchObject({ status: 'degraded', message: expect.stringContaining('answers 503') })
      server.close()
      server.closeAllConnections()
      expect(await models()).toMatchObject({ status: 'unhealthy' })
      expect(await troupe.ready()).toBe(true)
    } finally {
      server.close()
    }
  })
  it('The health of a troupe reports work without progress after the time of the watchdog, unless it is off.', async () => {
    for (const [watchdog, after] of [
      [undefined, '6m'],
      [{ after: '1m' }, '2m'],
      [false, undefined],
    ] as const) {
      const clock = createVirtualClock()
      const troupe = await opened({ clock, ...(watchdog === undefined ? {} : { watchdog }) })
      const emitted: unknown[] = []
      troupe.on('work.stalled', ({ kind, agent }) => emitted.push([kind, agent]))
      const began = Promise.withResolvers<void>()
      const hanging = defineAgent({
        name: 'Hanging',
        run: () => {
          began.resolve()
          return new Promise<never>(() => {})
        },
      })
      const { orchestra } = troupe.user('ada')
      await orchestra.start({ task: 't', topology: patterns.pipeline({ stages: [{ agents: [hanging] }] }) })
      await began.promise
      await clock.advance('45s')
      expect(emitted).toEqual([])
      await clock.advance(after ?? '1h')
      expect(emitted).toEqual(after === undefined ? [] : [['step', 'Hanging']])
      const agents = (await troupe.health({ fresh: true })).checks.find(({ name }) => name === 'agents')
      expect(agents?.status).toBe(after === undefined ? 'healthy' : 'degraded')
    }
  })
  it.skipIf(missing !== undefined)('The health of a troupe on PostgreSQL covers the lease on its runs.', async () => {
    const troupe = await opened({ storage: { url: server, schema } })
    const lease = async () => (await troupe.health({ fresh: true })).checks.find(({ name }) => name === 'lease')
    expect(await lease()).toMatchObject({ status: 'healthy', critical: true })
    const { sharing } = troupe[partsOf].runs
    if (sharing) sharing.lease.check = () => Promise.reject(new Error('given up'))
    expect(await lease()).toMatchObject({ status: 'unhealthy', message: 'given up' })
    expect(await troupe.ready()).toBe(false)
    expect(troupe.live()).toBe(true)
    await troupe.close()
    await dropSchema(schema)
  })
  it.skipIf(missing !== undefined)(
    'The health of a troupe on PostgreSQL covers the connection for notifications.',
    async () => {
      const database = schemaName('transport')
      await withClient((client) => client.query(`create database ${database}`))
      const url = Object.assign(new URL(server), { pathname: `/${database}` }).href
      const troupe = await opened({ storage: url })
      const transport = async () =>
        (await troupe.health({ fresh: true })).checks.find(({ name }) => name === 'transport')
      const details = { kind: 'listening', connected: true, forMs: expect.any(Number) }
      expect(await transport()).toMatchObject({ status: 'healthy', critical: false, details })
      const admit = (admitted: boolean) =>
        withClient((client) => client.query(`alter database ${database} allow_connections ${admitted}`))
      await admit(false)
      const hearing = `datname = '${database}' and application_name = 'troupe hints'`
      await withClient((client) =>
        client.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${hearing}`),
      )
      await expect.poll(transport).toMatchObject({
        status: 'degraded',
        message: expect.stringMatching(/^the connection that hears the other processes is lost for \d+ ms$/),
        details: { connected: false },
      })
      await admit(true)
      await expect.poll(transport).toMatchObject({ status: 'healthy', details })
      await troupe.close()
      await withClient((client) => client.query(`drop database ${database} with (force)`))
    },
    30_000,
  )
  it('A health monitor works without a troupe, and reports its checks.', async () => {
    const health = new HealthMonitor()
    health.register('one', () => true)
    expect((await health.report()).status).toBe('healthy')
  })
})

describe('an alert of a troupe', () => {
  it('An alert reaches an agent as an urgent message, once.', async () => {
    const clock = createVirtualClock()
    const rule = {
      name: 'orders',
      metric: 'orders.open',
      own: true,
      statistic: 'value',
      above: 10,
      for: '30s',
    } as const
    const troupe = await opened({
      clock,
      alerts: { defaults: false, rules: [rule], to: [{ user: 'ops', agent: 'Admin' }] },
    })
    troupe.metrics.gauge('orders.open', 11)
    await clock.advance('5m')
    const deliveries = await troupe.user('ops').agent('Admin').mailbox.receive({ max: 10 })
    expect(deliveries.map(({ message }) => [message.type, message.priority, message.payload])).toEqual([
      ['alert', 'urgent', expect.objectContaining({ alert: 'orders', state: 'raised', value: 11, threshold: 10 })],
    ])
  })
  it('An alert with an invalid rule is rejected before anything is opened.', async () => {
    const wrong = { alerts: { rules: [{ name: 'a', metric: 'm', own: true, statistic: 'p98', above: 1 }] } }
    await expect(opened(wrong as never)).rejects.toThrow(/statistic/)
    await expect(opened({ traces: { retention: '1d', maxx: 3 } } as never)).rejects.toThrow(/no option maxx/)
    await expect(opened({ otlp: { url: 'nowhere' } })).rejects.toThrow(/not an address/)
    await expect(opened({ health: { memory: 90 } })).rejects.toThrow(/share/)
  })
})

describe('policies of a troupe', () => {
  const search = (execute: () => unknown) =>
    defineTool({ name: 'search', description: 'S.', inputSchema: z.object({}), effect: 'read', execute })
  const asking = (tool: ReturnType<typeof search>) =>
    new LlmAgent({
      name: 'Asker',
      instructions: 'Ask.',
      model: new MockModel({ responses: [{ toolCalls: [{ name: 'search', args: {} }] }, { text: 'done' }] }),
      tools: { search: tool },
    })

  it('A policy for tools retries a tool, and uses a fallback at the end.', async () => {
    let calls = 0
    const troupe = await opened({
      clock: createVirtualClock(),
      policies: { tools: { search: { fallback: 'nothing found', breaker: { failures: 1 } } } },
    })
    const agent = asking(search(() => Promise.reject(new Error(`broken ${++calls}`))))
    const result = await troupe.user('ada').session(agent, { threadId: 't' }).generate('go')
    expect(result.toolCalls).toMatchObject([{ name: 'search', success: true, result: 'nothing found' }])
    expect(calls).toBe(1)
  })
  it('A policy for agents limits the calls of each user separately.', async () => {
    const troupe = await opened({ policies: { agents: { '*': { rateLimit: { limit: 1, window: '1h' } } } } })
    const agent = defineAgent({ name: 'A', run: async () => 'done' })
    const run = (user: string) =>
      troupe.user(user).orchestra.run({ task: 't', topology: patterns.pipeline({ stages: [{ agents: [agent] }] }) })
    expect(await run('ada')).toMatchObject({ status: 'completed' })
    expect(await run('ada')).toMatchObject({ status: 'failed', error: { code: 'rate.limited' } })
    expect(await run('eve')).toMatchObject({ status: 'completed' })
    await expect(opened({ policies: { agents: { '*': { retry: {} } } } } as never)).rejects.toThrow(/retry is not for/)
  })
  it('A policy limits, rejects and retries as configured, for agents and models alike.', async () => {
    const troupe = await opened({
      models: { attempts: 1 },
      policies: {
        agents: {
          Slow: { timeout: '50ms', breaker: { failures: 1, pause: '1h' } },
          One: { bulkhead: { concurrent: 1, queue: 0 } },
        },
        models: { '*': { retry: { attempts: 2, backoff: { baseMs: 1, maxMs: 1 } }, timeout: '200ms' } },
      },
    })
    const ada = troupe.user('ada')
    const gate = Promise.withResolvers<string>()
    const run = async (name: string) => {
      const agent = defineAgent({ name, run: () => gate.promise })
      const { orchestra } = ada
      const ended = await orchestra.run({ task: 't', topology: patterns.pipeline({ stages: [{ agents: [agent] }] }) })
      return ended.error?.code ?? ended.status
    }
    expect([await run('Slow'), await run('Slow')]).toEqual(['timeout', 'circuit.open'])
    const both = [run('One'), run('One')]
    expect(await Promise.race(both)).toBe('bulkhead.full')
    gate.resolve('done')
    expect((await Promise.all(both)).sort()).toEqual(['bulkhead.full', 'completed'])
    const ask = async (...responses: ConstructorParameters<typeof MockModel>[0]['responses']) => {
      const model = new MockModel({ responses })
      const ended = await ada.session(new LlmAgent({ name: 'A', instructions: 'x', model })).run('go')
      return ['error' in ended ? ended.error.code : ended.text, model.calls.length]
    }
    expect(await ask({ error: new RecoverableError('busy') }, { text: 'there' })).toEqual(['there', 2])
    const slow = { text: 'late', latency: '2s' } as const
    expect(await ask(slow, slow)).toEqual(['retries.exhausted', 2])
  })
  it('A policy for models opens the breaker of a chain.', async () => {
    const troupe = await opened({
      clock: createVirtualClock(),
      models: { attempts: 1 },
      policies: { models: { '*': { breaker: { failures: 1, pause: '1h' } } } },
    })
    const failing = new MockModel({ responses: [{ error: new Error('no') }] })
    const agent = new LlmAgent({ name: 'A', instructions: 'x', model: failing })
    const ask = () => troupe.user('ada').session(agent).run('go')
    expect(await ask()).toMatchObject({ status: 'failed' })
    expect(await ask()).toMatchObject({ status: 'failed', error: { code: 'circuit.open' } })
    expect(failing.calls).toHaveLength(1)
  })
  it('A policy for the storage guards its reads, and never its commits.', async () => {
    const troupe = await opened({ policies: { storage: { bulkhead: { concurrent: 1, queue: 0 } } } })
    const { context } = troupe.user('ada')
    await Promise.all([context.push('a', 1), context.push('b', 2)])
    const reads = await Promise.allSettled([
      context.get('a'),
      context.history('a'),
      context.history('b'),
      context.list(),
    ])
    expect(reads.some((read) => read.status === 'rejected' && read.reason.code === 'bulkhead.full')).toBe(true)
    await expect(opened({ policies: { storage: { rateLimit: {} } } } as never)).rejects.toThrow(/rateLimit is not for/)
  })
})
