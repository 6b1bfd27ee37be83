import { afterAll, expect, it, onTestFinished } from 'vitest'
import { ConflictError, ExternalServiceError, failure, NotFoundError, ValidationError } from '../core/index.ts'
import { createFetch } from '../server/index.ts'
import { asking, echo, Servers } from '../server/server-testbed.test.fixture.ts'
import { formatApprovalArguments, markApprovalText } from './approval-texts.ts'
import { createClient } from './create-client.ts'

const servers = new Servers()
afterAll(() => servers.close())

const open = async () => {
  const served = await servers.start({ agents: [echo, asking] })
  return { ...served, client: createClient({ url: served.url, user: 'ada' }) }
}
const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
const busy = () =>
  json({ detail: 'Busy.', code: 'server.draining', name: 'CapacityError', status: 503, retryable: true }, 503, {
    'retry-after': '0',
  })

/** A fetch that gives these answers in turn, and what it was asked. */
function scripted(...answers: readonly (Response | Error)[]) {
  const requests: { readonly url: string; readonly init: RequestInit }[] = []
  const fetch = async (url: string, init: RequestInit) => {
    requests.push({ url, init })
    const answer = answers[requests.length - 1]
    if (answer instanceof Response) return answer
    throw answer ?? new TypeError('fetch failed')
  }
  const header = (n: number, name: string) => new Headers(requests[n]?.init.headers).get(name)
  return { fetch, requests, header }
}

it('A client calls operations over a socket, for a user whose name is in any script.', async () => {
  const { url } = await open()
  const client = createClient({ url: `${url}/`, user: 'Zoë 名' })
  await client.call('context.push', { path: { key: 'a/b c' }, body: { value: 1 } })
  expect(await client.call('context.get', { path: { key: 'a/b c' } })).toMatchObject({ key: 'a/b c', value: 1 })
  expect(await client.call('context.list', { query: { limit: 1 } })).toMatchObject({ items: [{ key: 'a/b c' }] })
  expect(await createClient({ url, user: 'ada' }).call('context.list')).toEqual({ items: [] })
})

it('A client calls and follows an app in the same process, without a socket.', async () => {
  const { app } = await open()
  const client = createClient({ fetch: createFetch(app), user: 'ada' })
  const { run } = await client.call('runs.start', { body: { agent: 'Echo', task: 'tea' } })
  const types: string[] = []
  for await (const { data } of client.stream('runs.events', { path: { run } })) types.push(data.type)
  expect(types.at(0)).toBe('run.started')
  expect(types.at(-1)).toBe('run.completed')
  expect(await client.call('runs.result', { path: { run } })).toMatchObject({ response: { received: 'tea' } })
})

it('createFetch takes what fetch takes: a text, a URL or a Request, with a body and a signal.', async () => {
  const { app } = await open()
  const fetch = createFetch(app)
  const headers = { 'troupe-user': 'ada', 'content-type': 'application/json' }
  const put = new Request('http://localhost/v1/context/entries/k', { method: 'PUT', headers, body: '{"value":1}' })
  expect((await fetch(put)).status).toBe(200)
  const got = await fetch(new URL('http://localhost/v1/context/entries/k'), { headers: { 'troupe-user': 'ada' } })
  expect(await got.json()).toMatchObject({ key: 'k', value: 1 })
  const bytes = new TextEncoder().encode('{"value":"é"}')
  expect((await fetch('/v1/context/entries/k', { method: 'PUT', headers, body: bytes })).status).toBe(200)
  expect(await (await fetch(new Request('http://localhost/v1/context/entries/k', { headers }))).json()).toMatchObject({
    value: 'é',
  })
  const aborted = fetch(new Request('http://localhost/v1/agents', { headers, signal: AbortSignal.abort() }))
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
})

it('createFetch takes the Request of a framework that is a Proxy, as that of Next.js.', async () => {
  const { app } = await open()
  const fetch = createFetch(app)
  const proxied = (method: string, body?: string) => {
    const headers = { 'troupe-user': 'ada', 'content-type': 'application/json' }
    const request = new Request('http://localhost/v1/context/entries/k', { method, headers, ...(body ? { body } : {}) })
    return new Proxy(request, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
  expect((await fetch(proxied('PUT', '{"value":1}'))).status).toBe(200)
  const got = await fetch(proxied('GET'), { params: Promise.resolve({ path: ['k'] }) } as RequestInit)
  expect(await got.json()).toMatchObject({ key: 'k', value: 1 })
})

it('createFetch lets a caller cancel the body of an answer or stream before its bytes have arrived.', async () => {
  const { app } = await open()
  const fetch = createFetch(app)
  const uncaught: string[] = []
  const onUncaught = ({ message }: Error) => uncaught.push(message)
  process.on('uncaughtException', onUncaught)
  onTestFinished(() => void process.off('uncaughtException', onUncaught))
  for (const path of ['/v1/agents', '/v1/context/watch', '/v1/runs/none']) {
    const { body } = await fetch(path, { headers: { 'troupe-user': 'ada' } })
    await body?.cancel()
  }
  expect(await createClient({ fetch, user: 'ada' }).call('agents.list')).toMatchObject({ items: [{}, {}] })
  expect(uncaught).toEqual([])
})

it('A client throws the error of the class, the code and the status that the server reports.', async () => {
  const { client } = await open()
  const missing = await client.call('runs.get', { path: { run: 'none' } }).catch((error: unknown) => error)
  expect(missing).toBeInstanceOf(NotFoundError)
  expect(missing).toMatchObject({ name: 'NotFoundError', code: 'run.unknown', status: 404, retryable: false })
  await client.call('context.push', { path: { key: 'k' }, body: { value: 1 } })
  const stale = client.call('context.push', { path: { key: 'k' }, body: { value: 2, ifVersion: 7 } })
  await expect(stale).rejects.toThrow(ConflictError)
  const invalid = client.call('runs.list', { query: { limit: 0 } })
  await expect(invalid).rejects.toThrow(ValidationError)
  const rejected = await client.call('runs.start', { body: { task: 1, topology: {} } }).catch((error: unknown) => error)
  expect(rejected).toMatchObject({ hint: expect.any(String) })
})

it('A client sends no request whose path lacks a value, which would be that of another operation.', async () => {
  const { fetch, requests } = scripted()
  const client = createClient({ url: 'http://a', fetch })
  for (const path of [{}, { key: undefined as never }])
    await expect(client.call('context.delete', { path } as never)).rejects.toThrow(
      'context.delete.key is not valid: the path of the operation needs it.',
    )
  expect(requests).toEqual([])
})

it('A client reads the entry of the empty key.', async () => {
  const { client } = await open()
  await client.call('context.push', { path: { key: '' }, body: { value: 'nameless' } })
  expect(await client.call('context.get', { path: { key: '' } })).toMatchObject({ key: '', value: 'nameless' })
})

it('A client reads all pages of a list, and no more of them than it is asked for.', async () => {
  const { client } = await open()
  for (const key of ['a', 'b', 'c', 'd', 'e'])
    await client.call('context.push', { path: { key }, body: { value: key } })
  const keys = async (max?: number) => {
    const found: string[] = []
    for await (const key of client.pages('context.keys', {
      query: { limit: 2 },
      ...(max === undefined ? {} : { max }),
    }))
      found.push(key)
    return found
  }
  expect(await keys()).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(await keys(3)).toEqual(['a', 'b', 'c'])
})

it('A stream continues after its last event when the connection breaks.', async () => {
  const { url, client } = await open()
  const { run } = await client.call('runs.start', { body: { agent: 'Echo', task: 1 } })
  await client.call('runs.result', { path: { run }, query: { wait: '10s' } })
  const asked: (string | null)[] = []
  const cutting = createClient({
    url,
    user: 'ada',
    fetch: async (address, init) => {
      asked.push(new Headers(init.headers).get('last-event-id'))
      const answer = await fetch(address, init)
      if (asked.length > 1 || !answer.body) return answer
      const [first] = (await answer.text()).split('id: 2\n')
      return new Response(`${first}id: 2\nevent: half`, { headers: answer.headers })
    },
  })
  const seqs: number[] = []
  for await (const { data } of cutting.stream('runs.events', { path: { run } })) seqs.push(data.seq)
  expect(asked.slice(0, 2)).toEqual([null, '1'])
  expect(seqs).toEqual(seqs.map((_, i) => i + 1))
  expect(seqs.length).toBeGreaterThan(3)
})

it('A stream of an ended run ends without a pause, and pauses between other reconnections.', async () => {
  const events = () => new Response('id: 1\ndata: {}\n\n', { headers: { 'content-type': 'text/event-stream' } })
  const read = async (...answers: readonly (Response | Error)[]) => {
    const began = performance.now()
    const { fetch, requests } = scripted(...answers)
    const stream = createClient({ url: 'http://a', fetch }).stream('runs.events', { path: { run: 'r' } })
    let count = 0
    for await (const _ of stream) count++
    return { events: count, requests: requests.length, isPaused: performance.now() - began > 450 }
  }
  const end = new Response(null, { status: 204 })
  expect(await read(events(), end)).toEqual({ events: 1, requests: 2, isPaused: false })
  expect(await read(events(), events(), end)).toEqual({ events: 2, requests: 3, isPaused: true })
  expect(await read(new TypeError('cut'), end)).toEqual({ events: 0, requests: 2, isPaused: true })
})

it('A stream that the server refuses throws the problem, and is not opened again.', async () => {
  const { url, client } = await open()
  const asked: string[] = []
  const counting = createClient({
    url,
    user: 'ada',
    fetch: (address, init) => {
      asked.push(address)
      return fetch(address, init)
    },
  })
  await expect(counting.stream('runs.events', { path: { run: 'none' } }).next()).rejects.toThrow(NotFoundError)
  expect(asked).toHaveLength(1)
  await expect(client.text('audit.export').next()).resolves.toMatchObject({ done: expect.any(Boolean) })
})

it('A client sends a request again where that is safe, and a POST only under one Idempotency-Key.', async () => {
  const reading = scripted(busy(), new TypeError('cut'), json({ items: [] }))
  await createClient({ url: 'http://a', fetch: reading.fetch }).call('runs.list')
  expect(reading.requests).toHaveLength(3)
  expect(reading.header(0, 'idempotency-key')).toBeNull()
  const starting = scripted(busy(), json({ run: 'r' }))
  await createClient({ url: 'http://a', fetch: starting.fetch }).call('runs.start', { body: { task: 1 } })
  expect(starting.header(0, 'idempotency-key')).toMatch(/^[\da-f-]{16,}$/)
  expect(starting.header(1, 'idempotency-key')).toBe(starting.header(0, 'idempotency-key'))
  const creating = scripted(busy(), json({ id: 'k', key: 's' }))
  const created = createClient({ url: 'http://a', fetch: creating.fetch }).call('apiKeys.create', {
    body: { name: 'ci', users: 'all' },
  })
  await expect(created).rejects.toMatchObject({ code: 'server.draining' })
  expect(creating.requests).toHaveLength(1)
})

it('A client that may not retry sends no Idempotency-Key of its own.', async () => {
  const { fetch, header, requests } = scripted(busy())
  const client = createClient({ url: 'http://a', fetch, retries: 0 })
  await expect(client.call('runs.start', { body: { task: 1 } })).rejects.toMatchObject({ status: 503 })
  expect(header(0, 'idempotency-key')).toBeNull()
  expect(requests).toHaveLength(1)
})

it('A client says which server cannot be reached, and which answers are none of Troupe.', async () => {
  const unreached = createClient({ url: 'http://a', fetch: scripted().fetch, retries: 0 }).call('runs.list')
  await expect(unreached).rejects.toThrow(ExternalServiceError)
  await expect(unreached).rejects.toMatchObject({
    code: 'server.unreachable',
    message: expect.stringContaining('http://a'),
  })
  const proxy = scripted(new Response('<h1>no</h1>', { status: 404 }))
  await expect(createClient({ url: 'http://a', fetch: proxy.fetch }).call('runs.list')).rejects.toMatchObject({
    code: 'server.unknown',
    status: 404,
  })
})

it('A client rejects a page of a website as an answer of another server.', async () => {
  const ofWebsite = () => new Response('<!DOCTYPE html>', { headers: { 'content-type': 'text/html' } })
  const of = (answer: Response) => createClient({ url: 'http://a', fetch: scripted(answer).fetch })
  const unknown = { code: 'server.unknown', message: expect.stringContaining('GET /v1/runs') }
  await expect(of(ofWebsite()).call('runs.list')).rejects.toMatchObject(unknown)
  await expect(of(json({})).pages('runs.list').next()).rejects.toMatchObject(unknown)
})

it('A client repeats a request whose answer breaks off, and reports the server if it breaks off again.', async () => {
  const cut = () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"items":['))
          controller.error(new TypeError('terminated'))
        },
      }),
    )
  const { fetch, requests } = scripted(cut(), json({ items: [] }))
  expect(await createClient({ url: 'http://a', fetch }).call('runs.list')).toEqual({ items: [] })
  expect(requests.length).toBe(2)
  const always = () => createClient({ url: 'http://a', retries: 0, reconnects: 0, fetch: scripted(cut()).fetch })
  const unreachable = { code: 'server.unreachable', message: 'http://a cannot be reached: terminated.' }
  await expect(always().call('runs.list')).rejects.toMatchObject(unreachable)
  await expect(always().text('audit.export').next()).rejects.toMatchObject(unreachable)
  await expect(always().stream('context.watch').next()).rejects.toMatchObject(unreachable)
})

it('A client rejects a part of a path that a URL does not carry.', async () => {
  const { fetch, requests } = scripted()
  const client = createClient({ url: 'http://a', fetch })
  for (const key of ['.', '..', 'half \ud800'])
    await expect(client.call('context.get', { path: { key } })).rejects.toThrow(/context\.get\.key is not valid/)
  expect(requests).toEqual([])
})

it('A client rejects a key and headers that no request carries, and does not show the key.', async () => {
  const isShort = ({ message }: Error) => !message.includes('planted')
  const options = [
    { key: 'planted\n1' },
    { key: 'planted 名' },
    { headers: { authorization: 'planted\n1' } },
    { headers: { 'a b': '1' } },
  ]
  for (const one of options)
    expect(() => createClient({ url: 'http://a', ...one })).toThrow(
      expect.toSatisfy((error: unknown) => error instanceof ValidationError && isShort(error)),
    )
  const { fetch, requests } = scripted()
  const client = createClient({ url: 'http://a', fetch, key: 'Schlüssel', user: 'Zoë 名' })
  await expect(client.call('runs.list', { headers: { a: 'b\nc' } })).rejects.toThrow(/runs\.list\.headers is not valid/)
  const started = client.call('runs.start', { body: { task: 1 }, idempotencyKey: '名' })
  await expect(started).rejects.toThrow(/runs\.start\.idempotencyKey is not valid/)
  expect(() => client.stream('context.watch', { lastEventId: 'a\nb' })).toThrow(/lastEventId is not valid/)
  expect(requests).toEqual([])
})

it('A client rejects a URL at which no server can be, and does not show its password.', () => {
  for (const url of ['notaurl', 'localhost:8000', 'ftp://a', 'http://a?b=1', 'http://a#b', ' http://a b'])
    expect(() => createClient({ url })).toThrow(`, got ${url}.`)
  expect(() => createClient({ url: 'http://ada:planted@a' })).toThrow(
    expect.toSatisfy(({ message }: Error) => message.includes('createClient.url') && !message.includes('planted')),
  )
  for (const url of ['', '/', '/troupe', 'http://127.0.0.1:8000/', 'https://a.example/troupe', 'http://[::1]:8000'])
    createClient({ url })
})

it('A request rejects a user and an agent that no header carries, instead of naming another user.', async () => {
  const { fetch, requests } = scripted()
  for (const name of ['a\nb', 'a\u0000', ' ada', 'ada ', 'half \ud800']) {
    const client = createClient({ url: 'http://a', fetch, user: name })
    await expect(client.call('runs.list')).rejects.toThrow(/createClient\.user is not valid/)
    await expect(client.pages('runs.list').next()).rejects.toThrow(/createClient\.user is not valid/)
    await expect(client.stream('context.watch').next()).rejects.toThrow(/createClient\.user is not valid/)
    const asAgent = createClient({ url: 'http://a', fetch, agent: name })
    await expect(asAgent.call('runs.list')).rejects.toThrow(/createClient\.agent is not valid/)
  }
  expect(requests).toEqual([])
})

it('A client ends a request and its pauses with the signal.', async () => {
  const stop = new AbortController()
  const { fetch, requests } = scripted(busy(), busy(), busy())
  const client = createClient({ url: 'http://a', fetch, signal: stop.signal })
  const called = client.call('runs.list')
  stop.abort(new Error('enough'))
  await expect(called).rejects.toThrow('enough')
  expect(requests.length).toBeLessThan(3)
})

it('A stream of a client ends its request at `return`, also while it waits for an event.', async () => {
  const { url, client: starter } = await open()
  const { run } = await starter.call('runs.start', { body: { agent: 'Asking', task: 1 } })
  let aborted = false
  const fetched: typeof fetch = async (address, init) => {
    init?.signal?.addEventListener('abort', () => {
      aborted = true
    })
    return fetch(address, init)
  }
  const client = createClient({
    url,
    user: 'ada',
    fetch: fetched as (url: string, init: RequestInit) => Promise<Response>,
  })
  const events = client.stream('runs.events', { path: { run } })
  await events.next()
  const rest = (async () => {
    for (;;) if ((await events.next()).done) return
  })()
  await new Promise((resolve) => setTimeout(resolve, 300))
  await Promise.all([events.return(), rest])
  expect(aborted).toBe(true)
})

it('A probe that finds a server not ready answers with its own form.', async () => {
  const { fetch } = scripted(json({ status: 'not ready' }, 503))
  expect(await createClient({ url: 'http://a', fetch }).call('probes.ready')).toEqual({ status: 'not ready' })
})

it('The client marks the texts of an approval as the server does, and rejects arguments that JSON does not carry.', () => {
  expect(markApprovalText('pay\u200b now\np\u0430y')).toBe('pay\\u{200b} now\np\\u{430}y (mixes Latin and Cyrillic)')
  expect(formatApprovalArguments({ text: 'a long text', to: 'Bob' })).toBe(
    '{\n  "to": "Bob",\n  "text": "a long text"\n}',
  )
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  for (const wrong of [undefined, () => 1, 1n, cycle])
    expect(() => formatApprovalArguments(wrong)).toThrow(expect.objectContaining({ code: 'validation.failed' }))
  expect(() => markApprovalText(1 as never)).toThrow(expect.objectContaining({ code: 'validation.failed' }))
})

it('A client reports why a server in the same process could not be opened.', async () => {
  const error = failure('storage.full', { path: 'shop.db' })
  const unopened = createClient({ fetch: () => Promise.reject(error), retries: 0 })
  await expect(unopened.call('operations.health')).rejects.toBe(error)
})
