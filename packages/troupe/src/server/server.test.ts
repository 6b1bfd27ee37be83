import { afterEach, describe, expect, it } from 'vitest'
import { defineAgent, finish } from '../agents/index.ts'
import { Worker } from '../messaging/index.ts'
import { caller, echo, Servers, until } from './server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

describe('runs over HTTP', () => {
  it('A run over HTTP is started, shows its status, and gives its result.', async () => {
    const { call } = await servers.start()
    const started = await call('POST', '/execute', { task: 'hello', agent: 'Echo' })
    expect(started).toMatchObject({ status: 202, body: { status: 'started' } })
    const id = started.body.task_id
    const result = await call('GET', `/v1/runs/${id}/result?wait=20s`)
    expect(result).toMatchObject({ status: 200, body: { status: 'completed', response: { received: 'hello' } } })
    expect((await call('GET', `/status/${id}`)).body).toEqual({ task_id: id, status: 'completed' })
    expect((await call('GET', `/result/${id}`)).body).toMatchObject({ success: true, result: { received: 'hello' } })
    expect((await call('GET', '/v1/runs')).body.items[0]).toMatchObject({ id, status: 'completed' })
  })
  it('A run over HTTP that fails gives the id of its error, to simple clients too.', async () => {
    const broken = defineAgent({ name: 'Broken', run: () => Promise.reject(new Error('no paper')) })
    const { call } = await servers.start({ agents: [broken] })
    const id = (await call('POST', '/execute', { task: 1 })).body.task_id
    await call('GET', `/v1/runs/${id}/result?wait=20s`)
    const { status, body } = await call('GET', `/result/${id}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'failed', success: false, error: { message: expect.any(String) } })
    expect(body.error).toMatchObject({ message: expect.stringMatching(/^Internal error err_/), code: 'agent.failed' })
  })
  it('A run over HTTP answers 202 while it is open, and takes commands and answers.', async () => {
    const { call } = await servers.start()
    const { run } = (await call('POST', '/v1/runs', { task: 1, agent: 'Asking', id: 'a run' })).body
    expect(run).toBe('a run')
    const asked = await until('it asks', async () => {
      const { body } = await call('GET', '/v1/approvals')
      return body.items[0]
    })
    expect(asked).toMatchObject({ run, reason: 'question', questions: [{ text: 'Which?', options: ['red', 'blue'] }] })
    expect((await call('POST', '/v1/runs/a%20run/pause')).body).toMatchObject({ run, reason: 'paused' })
    expect((await call('POST', '/v1/runs/a%20run/resume', {})).status).toBe(200)
    const question = asked.questions[0].id
    const wrong = await call('POST', '/v1/runs/a%20run/answers', { question, value: 'green' })
    expect(wrong).toMatchObject({ status: 400, body: { code: 'validation.failed' } })
    expect((await call('POST', '/v1/runs/a%20run/answers', { question, value: 'red' })).status).toBe(200)
    expect((await call('GET', '/v1/runs/a%20run/result?wait=20s')).body).toMatchObject({ response: 'red' })
    expect(await call('POST', '/v1/runs/a%20run/cancel')).toMatchObject({ status: 409, body: { code: 'run.over' } })
  })
  it('A run over HTTP is forked, replayed, compared, explained and exported.', async () => {
    const { call } = await servers.start()
    await call('POST', '/v1/runs', { task: 'x', agent: 'Echo', id: 'one' })
    await call('GET', '/v1/runs/one/result?wait=20s')
    const forked = await call('POST', '/v1/runs/one/fork', { at: 3, id: 'two', edit: { results: { Echo: 'other' } } })
    expect(forked).toMatchObject({ status: 201, body: { run: 'two' } })
    expect((await call('GET', '/v1/runs/two/result?wait=20s')).body).toMatchObject({ response: 'other' })
    expect((await call('POST', '/v1/runs/one/verify-replay', {})).body).toMatchObject({ identical: true })
    expect((await call('GET', '/v1/runs/one/compare/two')).body).toMatchObject({ identical: false })
    expect((await call('GET', '/v1/runs/one/why')).body).toMatchObject({ status: 'completed' })
    const { body } = await call('GET', '/v1/runs/one/export')
    expect(body).toMatchObject({ version: 1, run: 'one', result: { response: { received: 'x' } } })
    expect((await call('GET', '/v1/runs/one/effects/uncertain')).body).toEqual({ effects: [] })
    const resolved = await call('POST', '/v1/runs/one/effects/resolve', { step: 's', call: 'c', happened: false })
    expect(resolved.status).toBeGreaterThanOrEqual(400)
    expect((await call('GET', '/v1/runs/one/at/1')).status).toBe(200)
    expect((await call('GET', '/v1/runs/one/inspect')).status).toBe(200)
    expect((await call('POST', '/v1/runs/one/undo')).body).toEqual({ effects: [] })
    expect(await call('POST', '/v1/runs/one/retry')).toMatchObject({ status: 409, body: { code: 'retry.rejected' } })
    expect(await call('POST', '/v1/runs/one/step')).toMatchObject({ status: 409, body: { code: 'run.over' } })
    expect(await call('POST', '/v1/runs/one/edit', { inputs: { x: 1 } })).toMatchObject({ status: 409 })
    const found = async (query: string) =>
      (await call('GET', `/v1/runs?${query}`)).body.items.map(({ id }: { id: string }) => id)
    expect(await found('team=Echo&search=x&tags=fork%3Aone')).toEqual(['two'])
    expect(await found('status=completed&order=oldest&agent=Echo&maxCost=0.5&tags=none&tags=other')).toEqual([])
    expect((await call('GET', '/v1/runs?search=!')).status).toBe(400)
    expect((await call('GET', '/v1/usage')).body).toMatchObject({
      items: [
        { run: 'two', title: 'x' },
        { run: 'one', title: 'x' },
      ],
      total: { usage: { inputTokens: 0 } },
    })
  })
  it('A run over HTTP stops at breakpoints, and is evaluated with a change.', async () => {
    const { call, url } = await servers.start()
    await call('POST', '/v1/runs', { task: 1, agent: 'Asking', id: 'held' })
    expect((await call('POST', '/v1/runs/held/breakpoints', { breakOn: ['error', { agent: 'Asking' }] })).status).toBe(
      200,
    )
    expect((await call('POST', '/v1/runs/held/breakpoints', { breakOn: { on: 'error' } })).status).toBe(400)
    for (const id of ['one', 'two']) {
      await call('POST', '/v1/runs', { task: id, agent: 'Echo', id })
      await call('GET', `/v1/runs/${id}/result?wait=20s`)
    }
    const evaluated = async (body: object) => {
      const headers = { 'content-type': 'application/json' }
      return fetch(`${url}/v1/evaluations`, { method: 'POST', headers, body: JSON.stringify(body) })
    }
    const asked = { id: 'again', runs: { agent: 'Echo' }, change: {}, score: 'exact' }
    const text = await (await evaluated(asked)).text()
    expect(text.match(/^event: .*$/gm)).toEqual(['event: progress', 'event: progress', 'event: evaluation'])
    expect(JSON.parse(/^event: evaluation\ndata: (.*)$/m.exec(text)?.[1] ?? '')).toMatchObject({
      runs: [{ run: 'two', status: 'scored' }, { run: 'one' }],
      total: { scored: 2, same: 2, candidate: { quality: 1 } },
    })
    const schema = { type: 'object', required: ['received'] }
    const fits = await (await evaluated({ runs: ['one'], change: {}, score: { schema } })).text()
    expect(fits).toContain('"quality":1')
    const unlike = await evaluated({ ...asked, score: 'citations' })
    expect([unlike.status, ((await unlike.json()) as { code: string }).code]).toEqual([409, 'evaluation.repeated'])
    expect((await evaluated({ ...asked, score: { named: 'none' } })).status).toBe(400)
  })
})

describe('schedules over HTTP', () => {
  it('A schedule over HTTP is created, shown, paused, triggered and deleted.', async () => {
    const { call } = await servers.start({ teams: { solo: { agents: [echo], flows: ['Echo -> End'] } } })
    const spec = { id: 'nightly', team: 'solo', task: 'news', every: '0 3 * * *', timeZone: 'Europe/Berlin' }
    expect(await call('POST', '/v1/schedules', spec)).toMatchObject({
      status: 201,
      body: { id: 'nightly', team: 'solo' },
    })
    expect((await call('GET', '/v1/schedules')).body.items).toMatchObject([{ id: 'nightly' }])
    expect((await call('POST', '/v1/schedules/nightly/pause')).body).toMatchObject({ state: 'paused' })
    expect((await call('POST', '/v1/schedules/nightly/resume')).body.next).toHaveLength(5)
    const { run } = (await call('POST', '/v1/schedules/nightly/trigger')).body
    expect((await call('GET', `/v1/runs/${encodeURIComponent(run)}/result?wait=20s`)).body.response).toEqual({
      received: 'news',
    })
    expect((await call('DELETE', '/v1/schedules/nightly')).body).toEqual({ deleted: true })
    expect((await call('GET', '/v1/schedules/nightly')).status).toBe(404)
  })
})

describe('context over HTTP', () => {
  it('A context entry over HTTP is written only over the expected version.', async () => {
    const { call } = await servers.start()
    const put = await call('PUT', '/v1/context/entries/a%2Fb', { value: { paid: true }, topics: ['orders'] })
    expect(put).toMatchObject({ status: 200, body: { key: 'a/b', version: 1 } })
    const got = await call('GET', '/v1/context/entries/a%2Fb')
    expect(got.body).toMatchObject({ value: { paid: true }, owner: 'host' })
    const ifMatch = { 'if-match': got.headers.get('etag') ?? '' }
    expect((await call('PUT', '/v1/context/entries/a%2Fb', { value: null }, ifMatch)).status).toBe(200)
    const late = await call('PUT', '/v1/context/entries/a%2Fb', { value: 3 }, ifMatch)
    expect(late).toMatchObject({ status: 412, body: { code: 'context.conflict' } })
    const absent = await call('PUT', '/v1/context/entries/a%2Fb', { value: 3 }, { 'if-none-match': '*' })
    expect(absent.status).toBe(412)
    expect((await call('GET', '/v1/context/entries?topic=orders')).body.items).toHaveLength(1)
    expect((await call('GET', '/v1/context/keys?prefix=a')).body).toEqual({ items: ['a/b'] })
    expect((await call('GET', '/v1/context/values/a%2Fb')).body).toEqual({ key: 'a/b', value: null })
    const history = await call('GET', '/v1/context/entries/a%2Fb/history')
    expect(history.body.items.map(({ version }: { version: number }) => version)).toEqual([1, 2])
    expect((await call('DELETE', '/v1/context/entries/a%2Fb')).body).toEqual({ deleted: true })
    expect((await call('DELETE', '/v1/context/entries/a%2Fb')).body).toEqual({ deleted: false })
    const missing = await call('GET', '/v1/context/values/a%2Fb')
    expect(missing).toMatchObject({ status: 404, body: { code: 'context.missing' } })
  })
  it('The context over HTTP takes batches, subscriptions and topics with policies, and reports its size.', async () => {
    const { call } = await servers.start()
    const operations = [
      { type: 'push', key: 'a', value: 1, topics: ['t'] },
      { type: 'get', key: 'a' },
      { type: 'delete', key: 'b' },
    ]
    const { body } = await call('POST', '/v1/context/batch', { operations, atomic: true })
    expect(body.results).toMatchObject([{ version: 1 }, { found: true, value: 1 }, { deleted: false }])
    const asSupport = { 'troupe-agent': 'Support' }
    expect((await call('GET', '/v1/context/keys', undefined, asSupport)).body.items).toEqual([])
    await call('POST', '/v1/context/subscribe', { topics: ['t'] }, asSupport)
    expect((await call('GET', '/v1/context/subscriptions', undefined, asSupport)).body).toEqual({ topics: ['t'] })
    expect((await call('GET', '/v1/context/keys', undefined, asSupport)).body.items).toEqual(['a'])
    expect((await call('PUT', '/v1/topics/t/policy', { subscribe: [] })).status).toBe(200)
    expect((await call('GET', '/v1/context/keys', undefined, asSupport)).body.items).toEqual([])
    expect((await call('GET', '/v1/topics')).body.items).toMatchObject([{ topic: 't' }])
    expect((await call('GET', '/v1/context/stats')).body).toMatchObject({ entries: 1 })
    expect((await call('GET', '/v1/context/stats', undefined, asSupport)).status).toBe(403)
    await call('POST', '/v1/context/unsubscribe', { topics: ['t'] }, asSupport)
    expect((await call('DELETE', '/v1/topics/t')).body).toMatchObject({ entriesDeleted: 1 })
    expect((await call('DELETE', '/v1/context/entries')).body).toEqual({ removed: 0 })
  })
})

describe('messages over HTTP', () => {
  it('A message over HTTP is sent, received, nacked, acknowledged and redriven.', async () => {
    const { call } = await servers.start({ messaging: { maxAttempts: 2 } })
    const sent = await call('POST', '/v1/messages', { type: 'note', payload: { n: 1 }, to: 'Stock' })
    expect(sent).toMatchObject({ status: 201, body: { from: 'host', to: 'Stock', type: 'note' } })
    expect((await call('GET', '/v1/mailboxes')).body.items).toEqual(['Stock'])
    expect((await call('GET', '/v1/mailboxes/Stock')).body).toMatchObject({ waiting: 1, unread: 1 })
    expect((await call('GET', '/v1/mailboxes/Stock/messages?unreadOnly=true')).body.items).toHaveLength(1)
    expect((await call('POST', '/v1/mailboxes/Stock/read', { ids: [sent.body.id] })).body).toEqual({ marked: 1 })
    const receive = async () => (await call('POST', '/v1/mailboxes/Stock/receive', { wait: '20s' })).body.deliveries[0]
    const first = await receive()
    expect(first).toMatchObject({ attempt: 1, message: { payload: { n: 1 } } })
    expect((await call('POST', '/v1/mailboxes/Stock/renew', { delivery: first.delivery })).status).toBe(200)
    await call('POST', '/v1/mailboxes/Stock/nack', { delivery: first.delivery, reason: 'later' })
    const stale = await call('POST', '/v1/mailboxes/Stock/ack', { delivery: first.delivery })
    expect(stale).toMatchObject({ status: 409, body: { code: 'lease.lost' } })
    const second = await receive()
    await call('POST', '/v1/mailboxes/Stock/nack', { delivery: second.delivery, reason: 'never' })
    const dead = await call('GET', '/v1/mailboxes/Stock/dead-letters')
    expect(dead.body.items).toMatchObject([{ reason: 'never', message: { id: sent.body.id } }])
    expect((await call('GET', '/v1/mailboxes?limit=1')).body).toEqual({ items: ['Stock'], deadLetters: 1 })
    const asStock = { 'troupe-agent': 'Stock' }
    expect((await call('GET', '/v1/mailboxes', undefined, asStock)).body).toEqual({ items: ['Stock'], deadLetters: 1 })
    expect((await call('POST', `/v1/mailboxes/Stock/dead-letters/${sent.body.id}/redrive`)).status).toBe(200)
    const third = await receive()
    expect((await call('POST', '/v1/mailboxes/Stock/ack', { delivery: third.delivery })).status).toBe(200)
    expect((await call('GET', '/v1/mailboxes/Stock')).body).toMatchObject({ waiting: 0, dead: 0 })
  })
  it('Requests, replies, broadcasts and publications are available over HTTP.', async () => {
    const { call } = await servers.start()
    const asked = call('POST', '/v1/messages/request', { type: 'ask', payload: 'left?', to: 'Stock', timeout: '20s' })
    const { body } = await call('POST', '/v1/mailboxes/Stock/receive', { wait: '20s' })
    const { delivery } = body.deliveries[0]
    expect((await call('POST', '/v1/mailboxes/Stock/reply', { delivery, value: 3 })).status).toBe(200)
    expect((await asked).body).toEqual({ reply: 3 })
    await call('POST', '/v1/context/subscribe', { topics: ['news'] }, { 'troupe-agent': 'Sales' })
    const published = await call('POST', '/v1/messages/publish', { type: 'n', payload: 1, topic: 'news' })
    expect(published.body.outcomes).toMatchObject([{ to: 'Sales', success: true }])
    const all = await call('POST', '/v1/messages/broadcast', { type: 'n', payload: 1, to: ['Sales', 'Stock'] })
    expect(all.body.outcomes).toMatchObject([{ to: 'Sales' }, { to: 'Stock' }])
  })
  it('A key that is bound to an agent over HTTP reads no other mailbox and uses no other sender name.', async () => {
    const { troupe, call, url } = await servers.start({}, { authentication: 'required' })
    const { key } = await troupe.apiKeys.create({ name: 'k', users: ['ada'], agent: 'Stock' })
    const stock = caller(url, { authorization: `Bearer ${key}` })
    expect((await call('GET', '/v1/mailboxes')).status).toBe(401)
    expect((await stock('GET', '/v1/mailboxes')).body).toEqual({ items: ['Stock'], deadLetters: 0 })
    expect((await stock('GET', '/v1/mailboxes/Sales/messages')).body).toMatchObject({ code: 'access.denied' })
    const asSales = await stock('GET', '/v1/mailboxes', undefined, { 'troupe-agent': 'Sales' })
    expect(asSales).toMatchObject({ status: 403, body: { code: 'request.forbidden' } })
    expect((await stock('POST', '/v1/messages', { type: 'n', payload: 1, to: 'Sales' })).body.from).toBe('Stock')
  })
})

describe('a request with an Idempotency-Key', () => {
  it('A request with an Idempotency-Key is answered as at first, and rejected with another body.', async () => {
    const { troupe, call } = await servers.start()
    const once = { 'idempotency-key': 'order-17' }
    const first = await call('POST', '/v1/messages', { type: 'n', payload: 1, to: 'Stock' }, once)
    const repeated = await call('POST', '/v1/messages', { payload: 1, to: 'Stock', type: 'n' }, once)
    expect(repeated).toMatchObject({ status: first.status, body: first.body })
    expect(repeated.headers.get('idempotency-replayed')).toBe('true')
    expect((await troupe.user('default').agent('Stock').mailbox.counts()).waiting).toBe(1)
    const other = await call('POST', '/v1/messages', { type: 'n', payload: 2, to: 'Stock' }, once)
    expect(other).toMatchObject({ status: 422, body: { code: 'request.reused' } })
    const otherRequest = await call('POST', '/v1/runs', { task: 1, agent: 'Echo' }, once)
    expect(otherRequest.status).toBe(422)
  })
  it('A request with an Idempotency-Key is carried out once, however often it is sent at the same time.', async () => {
    const { call } = await servers.start()
    const all = await Promise.all(
      Array.from({ length: 8 }, () =>
        call('POST', '/v1/runs', { task: 1, agent: 'Echo' }, { 'idempotency-key': 'a-run' }),
      ),
    )
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([201, ...all.slice(1).map((one) => one.status)]))
    for (const { status, body } of all) if (status !== 201) expect(body.code).toBe('request.running')
    expect((await call('GET', '/v1/runs')).body.items).toHaveLength(1)
  })
  it('A request with an Idempotency-Key may be repeated after a failure, and is rejected for a secret that is shown once.', async () => {
    const { call } = await servers.start()
    const once = { 'idempotency-key': 'k' }
    expect((await call('POST', '/v1/runs/none/cancel', {}, once)).status).toBe(404)
    expect((await call('POST', '/v1/runs/none/cancel', {}, once)).status).toBe(404)
    const key = await call('POST', '/v1/api-keys', { name: 'n', users: ['ada'] }, { 'idempotency-key': 'k2' })
    expect(key).toMatchObject({ status: 400, body: { code: 'request.invalid' } })
  })
})

describe('the server', () => {
  it('The server describes itself in OpenAPI, and answers health and readiness.', async () => {
    const { call } = await servers.start()
    expect((await call('GET', '/health')).body).toEqual({ status: 'ok' })
    expect((await call('GET', '/ready')).body).toEqual({ status: 'ready' })
    const { body } = await call('GET', '/v1/openapi.json')
    expect(Object.keys(body.paths)).toContain('/v1/runs/{run}/result')
  })
  it("The server gives metrics and the doctor's report only to keys for all users with that operation.", async () => {
    const { call, troupe, url } = await servers.start({}, { key: 'k'.repeat(32) })
    const host = caller(url, { 'x-api-key': 'k'.repeat(32) })
    const { text, headers } = await host('GET', '/metrics')
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(text).toMatch(/^# (HELP|TYPE) /m)
    expect((await host('GET', '/v1/health')).body).toMatchObject({
      status: expect.any(String),
      checks: expect.any(Array),
    })
    const report = await host('GET', '/v1/doctor?production=true')
    expect(report).toMatchObject({ status: 200, body: { status: 'fail', production: true } })
    const ids = report.body.checks.map(({ id }: { id: string }) => id)
    expect(ids).toContain('encryption.rest')
    // Whose folder this is, is not for callers to see.
    expect(ids.filter((id: string) => id.startsWith('project.'))).toEqual([])
    expect((await call('GET', '/metrics')).status).toBe(401)
    const { key } = await troupe.apiKeys.create({ name: 'n', users: ['ada'], role: 'admin' })
    const ada = caller(url, { 'x-api-key': key })
    for (const path of ['/metrics', '/v1/health', '/v1/doctor', '/v1/api-keys'])
      expect(await ada('GET', path)).toMatchObject({ status: 403, body: { code: 'request.forbidden' } })
    const scrape = await troupe.apiKeys.create({
      name: 's',
      users: 'all',
      role: 'readonly',
      operations: ['metrics.read'],
    })
    expect((await caller(url, { 'x-api-key': scrape.key })('GET', '/metrics')).status).toBe(200)
    expect((await caller(url, { 'x-api-key': scrape.key })('GET', '/v1/doctor')).status).toBe(403)
  })
  it('The server answers errors as problem details, with the nearest option and no stack.', async () => {
    const { call } = await servers.start()
    const wrong = await call('POST', '/v1/runs', { task: 1, topolgy: 'x' })
    expect(wrong).toMatchObject({ status: 400, body: { code: 'option.unknown', hint: 'Did you mean topology?' } })
    expect(wrong.headers.get('content-type')).toContain('application/problem+json')
    expect(wrong.body.request).toBe(wrong.headers.get('x-request-id'))
    // What is misspelt comes before what is missing because of it.
    const misspelt = await call('POST', '/v1/runs', { tsk: 1 })
    expect(misspelt.body).toMatchObject({ code: 'option.unknown', hint: 'Did you mean task?' })
    expect((await call('POST', '/v1/runs', {})).body.detail).toBe('The request is invalid: body/task: it is missing.')
    const bare = await call('PUT', '/v1/context/entries/k', { value: 1, ttl: '5' })
    expect(bare.body.detail).toBe(
      'The request is invalid: body/ttl: it must be a duration such as 250ms, 30s, 5m, 1h or 1d.',
    )
    const query = await call('GET', '/v1/runs?limt=1')
    expect(query.body).toMatchObject({ code: 'option.unknown', hint: 'Did you mean limit?' })
    const within = await call('POST', '/v1/runs/none/fork', { at: 1, edit: { modle: 'm' } })
    expect(within.body).toMatchObject({ code: 'option.unknown', hint: 'Did you mean model?' })
    const optional = await call('POST', '/v1/runs/none/retry', { budgt: {} })
    expect(optional.body).toMatchObject({ code: 'option.unknown', hint: 'Did you mean budget?' })
    const without = await call('POST', '/v1/runs/none/verify-replay', { zzz: 1 })
    expect(without.body).toMatchObject({ code: 'option.unknown', hint: 'Did you mean to leave it out?' })
    expect(await call('GET', '/v1/nothing')).toMatchObject({ status: 404, body: { code: 'route.missing' } })
    expect(await call('GET', '/v1/runs/none')).toMatchObject({ status: 404, body: { code: 'run.unknown' } })
    expect(wrong.text).not.toMatch(/\.ts:\d/)
  })
  it('The log names the request id of each request, and of what the request started.', async () => {
    const lines: string[] = []
    const writer = defineAgent({
      name: 'Writer',
      run: async (_, ctx) => {
        await ctx.context.push('of.the.run', 1)
        return finish('done')
      },
    })
    const { call } = await servers.start({
      agents: [writer],
      log: { level: 'debug', format: 'json', destination: { write: (line) => void lines.push(line) } },
    })
    const about = (key: string) => lines.map((line) => JSON.parse(line)).find((line) => line.key === key)
    const put = await call('PUT', '/v1/context/entries/direct', { value: 1 })
    expect(about('direct')).toMatchObject({
      log: 'context',
      userId: 'default',
      requestId: put.headers.get('x-request-id'),
    })
    const started = await call('POST', '/v1/runs', { task: 1, agent: 'Writer', id: 'r' })
    await call('GET', '/v1/runs/r/result?wait=20s')
    const requestId = started.headers.get('x-request-id')
    expect(about('of.the.run')).toMatchObject({ requestId, runId: 'r', agent: 'Writer', trace: expect.any(String) })
  })
  it('A run that is started with the header traceparent is in the trace of its caller; an invalid header is ignored.', async () => {
    const { call, troupe } = await servers.start({ agents: [defineAgent({ name: 'Echo', run: async (text) => text })] })
    const [trace, span] = ['a'.repeat(32), 'b'.repeat(16)]
    const start = (id: string, traceparent: string) =>
      call('POST', '/v1/runs', { task: 1, agent: 'Echo', id }, { traceparent })
    expect(await start('r', `00-${trace}-${span}-01`)).toMatchObject({ status: 201 })
    expect(await start('other', 'nonsense')).toMatchObject({ status: 201 })
    for (const id of ['r', 'other']) await call('GET', `/v1/runs/${id}/result?wait=20s`)
    const { traces } = troupe.user('default')
    const run = { name: 'invoke_workflow', parent: span, status: 'ok' }
    expect(await traces.get('r')).toMatchObject({ traceId: trace, roots: [run] })
    expect((await traces.get('other'))?.roots).toMatchObject([{ name: 'invoke_workflow' }])
  })
  it('The server lists present workers and the version of each build.', async () => {
    const { call, troupe } = await servers.start()
    await troupe.user('default').start(new Worker('Stock', { role: 'storage', topics: ['orders'] }))
    await troupe.user('eve').start(new Worker('Hers'))
    const { items } = (await call('GET', '/v1/presence')).body
    expect(items).toEqual([
      { id: expect.any(String), name: 'Stock', role: 'storage', topics: ['orders'], processId: expect.any(String) },
    ])
    expect((await call('GET', '/v1/versions')).body).toMatchObject({ build: expect.any(String), staleRuns: [] })
  })
  it('A second server on an owned database is rejected with the address of the first one.', async () => {
    const { mkdtempSync } = await import('node:fs')
    const { tmpdir } = await import('node:os')
    const storage = `sqlite:${mkdtempSync(`${tmpdir()}/troupe-server-`)}/troupe.db`
    const { url, close, troupe } = await servers.start({ storage })
    await expect(servers.start({ storage })).rejects.toMatchObject({ details: { address: url } })
    await close()
    const error = await servers.start({ storage }).catch((thrown: unknown) => thrown)
    expect(error).not.toHaveProperty('details.address')
    await troupe.close()
  })
})
