/**
 * Every request that changes something is in the audit log with the key by which it came, and with `reads` every other
 * one.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditedAgents, auditedRequests, auditedWrites } from '../../../test/attacks/audited-requests.ts'
import { defineAgent, finish } from '../../index.ts'
import { openRoutes } from '../open-route.ts'
import type { Route } from '../route.ts'
import { routes } from '../routes.ts'
import { caller, echo, type Served, Servers } from '../server-testbed.test.fixture.ts'

const isWrite = ({ method, isRead }: Route) => method !== 'GET' && isRead !== true
const title = ({ method, path }: Route) => `${method} ${path}`
/** The operation that the log has of each route that changes something. */
const operations: Readonly<Record<string, string>> = {
  'POST /v1/runs': 'run.start',
  'POST /v1/runs/:run/pause': 'run.pause',
  'POST /v1/runs/:run/resume': 'run.resume',
  'POST /v1/runs/:run/cancel': 'run.cancel',
  'POST /v1/runs/:run/answers': 'run.answer',
  'POST /execute': 'run.start',
  'DELETE /v1/threads/:thread': 'thread.delete',
  'POST /v1/runs/:run/fork': 'run.fork',
  'POST /v1/runs/:run/retry': 'run.retry',
  'POST /v1/runs/:run/undo': 'run.undo',
  'POST /v1/runs/:run/step': 'run.resume',
  'POST /v1/runs/:run/breakpoints': 'run.break',
  'POST /v1/runs/:run/edit': 'run.edit',
  'POST /v1/runs/:run/effects/resolve': 'run.resolve',
  'POST /v1/runs/:run/steps/:step/tool-call': 'run.call-tool',
  'POST /v1/evaluations': 'evaluation.start',
  'POST /v1/experiments': 'run.evaluate',
  'POST /v1/schedules': 'schedule.create',
  'POST /v1/schedules/:schedule/pause': 'schedule.pause',
  'POST /v1/schedules/:schedule/resume': 'schedule.resume',
  'POST /v1/schedules/:schedule/trigger': 'schedule.trigger',
  'DELETE /v1/schedules/:schedule': 'schedule.delete',
  'PUT /v1/context/entries/:key': 'push_context',
  'POST /v1/approvals/:approval/answers': 'session.answer',
  'POST /v1/approvals/:approval/resolve': 'session.resolve',
  'POST /v1/approvals/:approval/cancel': 'session.cancel',
  'DELETE /v1/context/entries/:key': 'delete_context',
  'POST /v1/context/batch': 'push_context',
  'DELETE /v1/topics/:topic': 'delete_topic',
  'PUT /v1/topics/:topic/policy': 'topic.policy',
  'POST /v1/context/subscribe': 'subscribe_to_topics',
  'POST /v1/context/unsubscribe': 'unsubscribe_from_topics',
  'DELETE /v1/context/entries': 'clear_context',
  'POST /v1/messages': 'send_message_to_agent',
  'POST /v1/messages/broadcast': 'send_message_to_agent',
  'POST /v1/messages/publish': 'messages.send',
  'POST /v1/messages/request': 'send_message_to_agent',
  'POST /v1/mailboxes/:mailbox/read': 'message.read',
  'POST /v1/mailboxes/:mailbox/receive': 'message.receive',
  'POST /v1/mailboxes/:mailbox/ack': 'message.ack',
  'POST /v1/mailboxes/:mailbox/nack': 'message.nack',
  'POST /v1/mailboxes/:mailbox/reply': 'message.reply',
  'POST /v1/mailboxes/:mailbox/renew': 'message.renew',
  'POST /v1/mailboxes/:mailbox/dead-letters/:message/redrive': 'message.redrive',
  'POST /v1/api-keys': 'key.create',
  'POST /v1/links': 'link.create',
  'POST /v1/api-keys/:key/rotate': 'key.rotate',
  'DELETE /v1/api-keys/:key': 'key.revoke',
}
const agents = [echo, ...auditedAgents]
const teams = { echo: { agents: [echo], flows: ['Start -> Echo', 'Echo -> End'] } }

describe('the audit log', () => {
  const servers = new Servers()
  /** Records writes alone, so that no record of a read stands for one of a write. */
  let writes: Audited
  let reads: Audited
  beforeAll(async () => {
    writes = await audited({})
    reads = await audited({ reads: true })
  })
  afterAll(() => servers.close())

  type Audited = Served & ReturnType<typeof auditedRequests>
  async function audited(audit: object): Promise<Audited> {
    const served = await servers.start({ agents, teams, audit }, { authentication: 'required', rateLimit: false })
    const { key } = await served.troupe.apiKeys.create({ name: 'host', users: 'all', role: 'admin' })
    const host = caller(served.url, { authorization: `Bearer ${key}`, 'troupe-user': 'ada' })
    return { ...served, ...auditedRequests({ troupe: served.troupe, user: 'ada', host }) }
  }

  /** @returns the operations that the log holds of a request by a key of its own */
  async function recordsOf({ troupe, url }: Served, route: Route, { body, ...ids }: Record<string, unknown>) {
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
    const titles = routes.filter(isWrite).map(title).sort()
    expect([...auditedWrites].sort()).toEqual(titles)
    expect(Object.keys(operations).sort()).toEqual(titles)
  })

  it('The audit log records each route that begins or ends a session by the operation of the table of open routes.', async () => {
    const { key } = await writes.troupe.apiKeys.create({ name: 'signs in', users: 'all', role: 'admin' })
    const asked = async (method: 'POST' | 'DELETE', headers: Record<string, string>) => {
      const response = await fetch(`${writes.url}/session`, { method, headers })
      expect(response.status).toBe(204)
      await writes.troupe.audit.flush()
      const operation = openRoutes[`${method} /session`].audit
      expect((await writes.troupe.audit.list({ operation, allowed: true, limit: 1 })).items).toHaveLength(1)
      return response.headers.get('set-cookie')?.split(';')[0] ?? ''
    }
    const cookie = await asked('POST', { authorization: `Bearer ${key}` })
    await asked('DELETE', { cookie, origin: writes.url })
  })

  for (const route of routes.filter(isWrite))
    it(`The audit log records ${title(route)} with its operation and its API key.`, async () => {
      const found = await recordsOf(writes, route, (await writes.requests[title(route)]?.()) ?? {})
      expect([found.status < 300, found.text]).toEqual([true, found.status < 300 ? found.text : ''])
      expect(found.records).toContainEqual({ actor: 'host', operation: operations[title(route)] })
    })

  it('The audit log with reads records each reading route, except for metrics of the whole troupe.', async () => {
    const { troupe, entry, scheduleId, experimentId, waiting, toolCall } = reads
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
      const { status, text, records } = await recordsOf(reads, route, { ...ids, schedule, ...live, ...called })
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
    const { orchestra } = writes.troupe.user('ada')
    for (const approve of [true, false]) {
      const answered = ['one', 'two', 'three'].map(async (text) => {
        const run = await orchestra.start({ task: 1, topology: { agents: [paying(text)], flows: [] } as never })
        const [question] = (await run.result()).questions
        const { id, key } = await writes.troupe.apiKeys.create({ name: text, users: ['ada'] })
        const body = { question: question?.id, value: { approve, hash: question?.hash } }
        const call = caller(writes.url, { authorization: `Bearer ${key}` })
        expect((await call('POST', `/v1/runs/${run.id}/answers`, body)).status).toBe(200)
        return [id, 'host', `pay ${question?.hash}`]
      })
      const expected = await Promise.all(answered)
      const operation = approve ? 'approval.give' : 'approval.refuse'
      const { items } = await writes.troupe.audit.list({ user: 'ada', operation })
      expect(items.map(({ key, actor, resource }) => [key, actor, resource]).sort()).toEqual(expected.sort())
    }
    const run = await orchestra.start({ task: 1, topology: { agents: [paying('own')], flows: [] } as never })
    const [question] = (await run.result()).questions
    await run.answer(question?.id ?? '', { approve: true, hash: question?.hash ?? '' })
    const [own] = (await writes.troupe.audit.list({ user: 'ada', operation: 'approval.give' })).items
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
