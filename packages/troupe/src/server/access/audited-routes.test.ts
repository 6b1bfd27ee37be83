/**
 * Every request that changes something is in the audit log with the key by which it came, and with `reads` every other
 * one.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { TroupeError } from '../../core/index.ts'
import { defineAgent, defineTool, finish, LlmAgent } from '../../index.ts'
import { defineMessage, type RunningWorker, Worker } from '../../messaging/index.ts'
import { parseDataset } from '../../runs/index.ts'
import { MockModel } from '../../testing/index.ts'
import type { Route } from '../route.ts'
import { routes } from '../routes.ts'
import { asking, type CallServer, caller, echo, type Served, Servers } from '../server-testbed.test.fixture.ts'

const failing = defineAgent({
  name: 'Failing',
  run: async () => {
    throw new TroupeError('no', { code: 'own.no' })
  },
})
const uncertain = defineAgent({
  name: 'Uncertain',
  run: async (_, ctx) =>
    finish(
      await ctx.effect('pay', { class: 'at-most-once' }, () => {
        throw new TroupeError('no answer', { code: 'outcome.unknown' })
      }),
    ),
})
const look = defineTool({
  name: 'look',
  description: 'Looks.',
  inputSchema: z.object({}),
  effect: 'read',
  execute: () => 'seen',
})
const model = new MockModel({
  responses: [
    { match: 'seen', text: 'Done.' },
    { match: () => true, toolCalls: [{ name: 'look' }] },
  ],
})
const looking = new LlmAgent({ name: 'Looking', model, tools: { look } })
const agents = [echo, asking, failing, uncertain, looking]
const teams = { echo: { agents: [echo], flows: ['Start -> Echo', 'Echo -> End'] } }
const isWrite = ({ method, isRead }: Route) => method !== 'GET' && isRead !== true
const title = ({ method, path }: Route) => `${method} ${path}`

describe('the audit log', () => {
  const servers = new Servers()
  let served: Served
  let worker: RunningWorker | undefined
  let host: CallServer
  beforeAll(async () => {
    served = await servers.start(
      { agents, teams, audit: { reads: true } },
      { authentication: 'required', rateLimit: false },
    )
    const { key } = await served.troupe.apiKeys.create({ name: 'host', users: 'all', role: 'admin' })
    host = caller(served.url, { authorization: `Bearer ${key}`, 'troupe-user': 'ada' })
    const answering = new Worker('Answering')
    answering.on(defineMessage('ask', z.number()), async () => 'yes')
    worker = await served.troupe.user('ada').start(answering)
  })
  afterAll(async () => {
    await worker?.stop()
    await servers.close()
  })

  const runOf = async (agent: string, config: object = {}) => {
    const run = await served.troupe.user('ada').orchestra.start({ task: 1, agent, config } as never)
    return { run, result: await run.result() }
  }
  const waiting = async () => (await runOf('Asking')).run.id
  const ended = async () => (await runOf('Echo')).run.id
  const paused = async () => {
    const { run } = await runOf('Asking')
    await run.pause()
    return run.id
  }
  const held = async () => (await runOf('Failing', { debug: { breakOn: 'error' } })).run.id
  let ids = 0
  const scheduleId = async () => {
    const id = `s${++ids}`
    await served.troupe.user('ada').schedules.create({ id, team: 'echo', task: 1, every: '1d' } as never)
    return id
  }
  const experimentId = async () => {
    const dataset = parseDataset('d', '{"input":1}')
    const spec = { dataset, team: 'echo', scorers: { cites: 'citations' } } as const
    return (await served.troupe.user('ada').experiments.evaluate(spec)).id
  }
  const entry = async () => {
    await served.troupe.user('ada').context.push('there', 1, { topics: ['orders'] })
    return {}
  }
  const delivery = async () => {
    const mailbox = `Box${++ids}`
    await host('POST', '/v1/messages', { type: 'n', payload: 1, to: mailbox })
    const { body } = await host('POST', `/v1/mailboxes/${mailbox}/receive`, { max: 1 })
    return { mailbox, body: { delivery: body.deliveries[0].delivery } }
  }
  const toolCall = async () => {
    const { run } = await runOf('Looking')
    return { run: run.id, step: '1#1', body: { call: '/effect:look 1.1#1', args: {} } }
  }
  const apiKey = async () => (await served.troupe.apiKeys.create({ name: 'k', users: ['ada'] })).id
  const message = { type: 'n', payload: 1 }

  /** A request that is carried out, for each route that changes something. */
  const requests: Readonly<Record<string, () => Promise<Record<string, unknown>>>> = {
    'POST /v1/runs': async () => ({ body: { task: 1, agent: 'Echo' } }),
    'POST /execute': async () => ({ body: { task: 1, agent: 'Echo' } }),
    'DELETE /v1/threads/:thread': async () => {
      const thread = `thread${++ids}`
      await served.troupe.user('ada').orchestra.run({ task: 1, agent: 'Echo', threadId: thread })
      return { thread }
    },
    'POST /v1/runs/:run/pause': async () => ({ run: await waiting() }),
    'POST /v1/runs/:run/resume': async () => ({ run: await paused() }),
    'POST /v1/runs/:run/cancel': async () => ({ run: await waiting() }),
    'POST /v1/runs/:run/answers': async () => {
      const { run, result } = await runOf('Asking')
      return { run: run.id, body: { question: result.questions[0]?.id, value: 'red' } }
    },
    'POST /v1/runs/:run/fork': async () => ({ run: await ended(), body: { at: 1 } }),
    'POST /v1/runs/:run/steps/:step/tool-call': toolCall,
    'POST /v1/runs/:run/retry': async () => ({ run: (await runOf('Failing')).run.id }),
    'POST /v1/runs/:run/undo': async () => ({ run: await ended() }),
    'POST /v1/runs/:run/step': async () => ({ run: await held() }),
    'POST /v1/runs/:run/breakpoints': async () => ({ run: await waiting(), body: { breakOn: 'error' } }),
    'POST /v1/runs/:run/edit': async () => ({ run: await held(), body: { results: { '1#1': 'x' } } }),
    'POST /v1/runs/:run/effects/resolve': async () => {
      const { run, result } = await runOf('Uncertain')
      const { step, call } = result.uncertain?.[0] ?? {}
      return { run: run.id, body: { step, call, happened: true, output: 1 } }
    },
    'POST /v1/evaluations': async () => ({ body: { runs: [await ended()], change: {}, score: 'exact' } }),
    'POST /v1/experiments': async () => ({
      body: { dataset: { name: 'd', jsonl: '{"input":1}' }, team: 'echo', scorers: { cites: 'citations' } },
    }),
    'POST /v1/schedules': async () => ({ body: { team: 'echo', task: 1, every: '1d' } }),
    'POST /v1/schedules/:schedule/pause': async () => ({ schedule: await scheduleId() }),
    'POST /v1/schedules/:schedule/resume': async () => {
      const schedule = await scheduleId()
      await served.troupe.user('ada').schedules.pause(schedule)
      return { schedule }
    },
    'POST /v1/schedules/:schedule/trigger': async () => ({ schedule: await scheduleId() }),
    'DELETE /v1/schedules/:schedule': async () => ({ schedule: await scheduleId() }),
    'PUT /v1/context/entries/:key': async () => ({ key: 'mine', body: { value: 1 } }),
    'DELETE /v1/context/entries/:key': async () => ({ ...(await entry()), key: 'there' }),
    'DELETE /v1/context/entries': entry,
    'POST /v1/context/batch': async () => ({ body: { operations: [{ type: 'push', key: 'b', value: 1 }] } }),
    'POST /v1/context/subscribe': async () => ({ body: { topics: ['orders'] } }),
    'POST /v1/context/unsubscribe': async () => ({ body: { topics: ['orders'] } }),
    'DELETE /v1/topics/:topic': async () => ({ ...(await entry()), topic: 'orders' }),
    'PUT /v1/topics/:topic/policy': async () => ({ topic: 'orders', body: {} }),
    'POST /v1/messages': async () => ({ body: { ...message, to: 'Box' } }),
    'POST /v1/messages/broadcast': async () => ({ body: { ...message, to: ['Box'] } }),
    'POST /v1/messages/publish': async () => ({ body: { ...message, topic: 'orders' } }),
    'POST /v1/messages/request': async () => ({ body: { type: 'ask', payload: 1, to: 'Answering' } }),
    'POST /v1/mailboxes/:mailbox/read': async () => {
      const { body } = await host('POST', '/v1/messages', { ...message, to: 'Read' })
      return { mailbox: 'Read', body: { ids: [body.id] } }
    },
    'POST /v1/mailboxes/:mailbox/receive': async () => ({ mailbox: 'Box', body: { max: 1 } }),
    'POST /v1/mailboxes/:mailbox/ack': delivery,
    'POST /v1/mailboxes/:mailbox/nack': delivery,
    'POST /v1/mailboxes/:mailbox/renew': delivery,
    'POST /v1/mailboxes/:mailbox/reply': async () => {
      const asked = host('POST', '/v1/messages/request', { type: 'ask', payload: 1, to: 'Replies', timeout: '5s' })
      const { body } = await host('POST', '/v1/mailboxes/Replies/receive', { max: 1, wait: '5s' })
      void asked
      return { mailbox: 'Replies', body: { delivery: body.deliveries[0].delivery, value: 1 } }
    },
    'POST /v1/mailboxes/:mailbox/dead-letters/:message/redrive': async () => {
      const { body } = await host('POST', '/v1/messages', { ...message, to: 'Dead' })
      for (let dead = []; dead.length === 0; ) {
        const received = (await host('POST', '/v1/mailboxes/Dead/receive', { max: 1 })).body.deliveries
        if (received[0]) await host('POST', '/v1/mailboxes/Dead/nack', { delivery: received[0].delivery })
        dead = (await host('GET', '/v1/mailboxes/Dead/dead-letters')).body.items
      }
      return { mailbox: 'Dead', message: body.id }
    },
    'POST /v1/api-keys': async () => ({ body: { name: 'n', users: ['ada'] } }),
    'POST /v1/links': async () => ({ body: {} }),
    'POST /v1/api-keys/:key/rotate': async () => ({ key: await apiKey() }),
    'DELETE /v1/api-keys/:key': async () => ({ key: await apiKey() }),
  }

  /** @returns the operations that the log holds of a request by a key of its own */
  async function recordsOf(route: Route, { body, ...ids }: Record<string, unknown>) {
    const { troupe, url } = served
    const { id, key } = await troupe.apiKeys.create({ name: title(route), users: 'all', role: 'admin' })
    const path = route.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(ids[name])))
    const ends = new AbortController()
    const response = await fetch(url + path, {
      method: route.method,
      signal: ends.signal,
      headers: {
        authorization: `Bearer ${key}`,
        'troupe-user': 'ada',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = response.headers.get('content-type')?.includes('event-stream') === true ? '' : await response.text()
    await troupe.audit.flush()
    const { items } = await troupe.audit.list({ limit: 1_000 })
    ends.abort()
    const records = items.filter((one) => one.key === id && one.allowed)
    return { status: response.status, text, records: records.map(({ operation, actor }) => ({ operation, actor })) }
  }

  it('The audited requests of this test cover each route that changes something.', () => {
    expect(routes.filter(isWrite).map(title).sort()).toEqual(Object.keys(requests).sort())
  })

  for (const route of routes.filter(isWrite))
    it(`The audit log records ${title(route)} with its API key.`, async () => {
      const found = await recordsOf(route, (await requests[title(route)]?.()) ?? {})
      expect([found.status < 300, found.text]).toEqual([true, found.status < 300 ? found.text : ''])
      expect(
        found.records.filter(({ actor }) => actor === 'host').length,
        JSON.stringify(found.records),
      ).toBeGreaterThan(0)
    })

  it('The audit log with reads records each reading route, except for metrics of the whole troupe.', async () => {
    const { troupe } = served
    await entry()
    await troupe.user('ada').agent('Stock').mailbox.counts()
    const threadId = 'greetings'
    const { id: run } = await troupe.user('ada').orchestra.start({ task: 1, agent: 'Echo', threadId })
    const ids = {
      run,
      other: run,
      step: '1#1',
      seq: 1,
      key: 'there',
      team: 'echo',
      agent: 'Echo',
      mailbox: 'Stock',
      experiment: await experimentId(),
      thread: threadId,
      metric: 'troupe_alert_cleared_total',
    }
    const schedule = await scheduleId()
    const readBodies: Readonly<Record<string, object>> = {
      '/v1/check': { team: 'echo' },
      '/v1/runs/:run/fork-plan': { at: 1 },
    }
    // A metric, too, but of what the application has recorded, which here is nothing.
    const isMetric = (one: Route) => one.operation === 'metrics.read' || one.path === '/v1/metrics/:metric'
    for (const route of routes.filter((one) => !isWrite(one) && !isMetric(one))) {
      const live = route.path === '/v1/runs/:run/live' ? { run: await waiting() } : {}
      const called = route.name === 'runs.planToolCall' ? await toolCall() : { body: readBodies[route.path] }
      const { status, text, records } = await recordsOf(route, { ...ids, schedule, ...live, ...called })
      expect([title(route), status < 300, status < 300 ? '' : text]).toEqual([title(route), true, ''])
      expect([title(route), records.length > 0]).toEqual([title(route), true])
    }
  })

  it('The audit log records each approval and each refusal with its API key.', async () => {
    const paying = (text: string) =>
      defineAgent({
        name: 'Paying',
        run: async (_, ctx) => finish(await ctx.ask({ kind: 'approval', text, tool: 'pay', args: { text } })),
      })
    const { orchestra } = served.troupe.user('ada')
    for (const approve of [true, false]) {
      const answered = ['one', 'two', 'three'].map(async (text) => {
        const run = await orchestra.start({ task: 1, topology: { agents: [paying(text)], flows: [] } as never })
        const [question] = (await run.result()).questions
        const { id, key } = await served.troupe.apiKeys.create({ name: text, users: ['ada'] })
        const body = { question: question?.id, value: { approve, hash: question?.hash } }
        const call = caller(served.url, { authorization: `Bearer ${key}` })
        expect((await call('POST', `/v1/runs/${run.id}/answers`, body)).status).toBe(200)
        return [id, 'host', `pay ${question?.hash}`]
      })
      const expected = await Promise.all(answered)
      const operation = approve ? 'approval.give' : 'approval.refuse'
      const { items } = await served.troupe.audit.list({ user: 'ada', operation })
      expect(items.map(({ key, actor, resource }) => [key, actor, resource]).sort()).toEqual(expected.sort())
    }
    const run = await orchestra.start({ task: 1, topology: { agents: [paying('own')], flows: [] } as never })
    const [question] = (await run.result()).questions
    await run.answer(question?.id ?? '', { approve: true, hash: question?.hash ?? '' })
    const [own] = (await served.troupe.audit.list({ user: 'ada', operation: 'approval.give' })).items
    expect([own?.actor, own?.key]).toEqual(['host', undefined])
  })

  it('The audit log records no read if reads are off, and no failed write.', async () => {
    const quiet = await servers.start({ agents, teams }, { authentication: 'required', rateLimit: false })
    const { id, key } = await quiet.troupe.apiKeys.create({ name: 'k', users: 'all', role: 'admin' })
    const call = caller(quiet.url, { authorization: `Bearer ${key}`, 'troupe-user': 'ada' })
    expect((await call('GET', '/v1/runs')).status).toBe(200)
    expect((await call('POST', '/v1/check', { team: 'echo' })).status).toBe(200)
    expect((await call('POST', '/v1/runs/none/fork', { at: 1 })).status).toBe(404)
    await quiet.troupe.audit.flush()
    expect((await quiet.troupe.audit.list({ limit: 1_000 })).items.filter((one) => one.key === id)).toEqual([])
  })
})
