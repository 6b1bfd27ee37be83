import { generateKeyPairSync } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { SignJWT } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import { partsOf } from '../../startup/index.ts'
import { type Event, follow, Servers, until } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

async function take(events: AsyncIterable<Event>, count: number): Promise<Event[]> {
  const seenEvents: Event[] = []
  for await (const event of events) {
    seenEvents.push(event)
    if (seenEvents.length === count) break
  }
  return seenEvents
}

describe('the events of a run', () => {
  it('The events of a run arrive in order, end with the run, and resume after Last-Event-ID or `from`.', async () => {
    const { call, url } = await servers.start()
    await call('POST', '/v1/runs', { id: 'r', task: 1, agent: 'Echo' })
    const all = await take(follow(`${url}/v1/runs/r/events`), 1_000)
    expect(all[0]).toMatchObject({ id: '1', event: 'run.started' })
    expect(all.at(-1)).toMatchObject({ event: 'run.completed', data: { run: 'r', user: 'default' } })
    expect(all.map(({ id }) => Number(id))).toEqual(all.map((_, i) => i + 1))
    const rest = await take(follow(`${url}/v1/runs/r/events`, { 'last-event-id': '2' }), 1_000)
    expect(rest).toEqual(all.slice(2))
    expect(await take(follow(`${url}/v1/runs/r/events?from=2`), 1_000)).toEqual(rest)
  })
  it('The events of a run reach a reader that connected before them, and another reader that disconnects does not matter.', async () => {
    const { call, url } = await servers.start()
    await call('POST', '/v1/runs', { id: 'r', task: 1, agent: 'Asking' })
    const [first, second] = [follow(`${url}/v1/runs/r/events`), follow(`${url}/v1/runs/r/events`)]
    const asked = async (events: AsyncIterable<Event>) => {
      for await (const { event, data } of events) if (event === 'question.asked') return data.question as string
    }
    const question = await asked(first)
    await call('POST', '/v1/runs/r/answers', { question, value: 'red' })
    expect((await take(second, 1_000)).at(-1)).toMatchObject({ event: 'run.completed' })
  })
  it('The events of a run are rejected before the stream begins if the run or the position does not exist.', async () => {
    const { call } = await servers.start()
    expect(await call('GET', '/v1/runs/none/events')).toMatchObject({ status: 404, body: { code: 'run.unknown' } })
    expect(await call('GET', '/v1/runs/none/live')).toMatchObject({ status: 404, body: { code: 'run.unknown' } })
    await call('POST', '/v1/runs', { id: 'r', task: 1, agent: 'Asking' })
    for (const id of ['-1', '1; drop', 'NaN', '1e9', '9'.repeat(40), '١'].slice(0, 5))
      expect(await call('GET', '/v1/runs/r/events', undefined, { 'last-event-id': id })).toMatchObject({
        status: 400,
        body: { code: 'request.invalid' },
      })
    expect((await call('GET', '/v1/runs/r/events?from=1&from=2')).status).toBe(400)
  })
  it('The events of a run are rejected for a position that is ahead of the run.', async () => {
    const { call, url } = await servers.start()
    await call('POST', '/v1/runs', { id: 'r', task: 1, agent: 'Asking' })
    const followed = follow(`${url}/v1/runs/r/events`)
    for await (const { event } of followed) if (event === 'question.asked') break
    const { body } = await call('GET', '/v1/runs/r/inspect')
    const rejected = {
      status: 400,
      body: { code: 'validation.failed', detail: expect.stringContaining('newest event') },
    }
    const ahead = String(body.seq + 1)
    expect(await call('GET', `/v1/runs/r/events?from=${ahead}`)).toMatchObject(rejected)
    expect(await call('GET', '/v1/runs/r/events', undefined, { 'last-event-id': ahead })).toMatchObject(rejected)
    // Whoever has all of it is not.
    const { status } = await fetch(`${url}/v1/runs/r/events?from=${body.seq}`, { method: 'HEAD' })
    expect(status).toBe(200)
    await call('POST', '/v1/runs', { id: 'over', task: 1, agent: 'Echo' })
    await call('GET', '/v1/runs/over/result?wait=20s')
    expect(await call('GET', '/v1/runs/over/events', undefined, { 'last-event-id': '900' })).toMatchObject(rejected)
  })
  it('A stream of events with untilWaiting ends where the run waits, and after an answer with the run.', async () => {
    const { call, url } = await servers.start()
    await call('POST', '/v1/runs', { id: 'r', task: 1, agent: 'Asking' })
    const first = await take(follow(`${url}/v1/runs/r/events?untilWaiting=true`), 1_000)
    const [asked, waiting] = [first.find(({ event }) => event === 'question.asked'), first.at(-1)]
    expect(waiting).toMatchObject({ event: 'run.waiting', data: { reason: 'question' } })
    const from = { 'last-event-id': waiting?.id ?? '' }
    expect((await fetch(`${url}/v1/runs/r/events?untilWaiting=true`, { headers: from })).status).toBe(204)
    await call('POST', '/v1/runs/r/answers', { question: asked?.data.question, value: 'red' })
    const rest = await take(follow(`${url}/v1/runs/r/events?untilWaiting=true`, from), 1_000)
    expect(rest.at(-1)?.event).toBe('run.completed')
  })
  it('The event streams answer a HEAD request with their headers.', async () => {
    const { call, url } = await servers.start()
    await call('POST', '/v1/runs', { id: 'r', task: 1, agent: 'Asking' })
    for (const path of ['/v1/runs/r/events', '/v1/runs/r/live', '/v1/context/watch']) {
      const { status, headers } = await fetch(url + path, { method: 'HEAD' })
      expect({ status, type: headers.get('content-type') }).toEqual({
        status: 200,
        type: 'text/event-stream; charset=utf-8',
      })
    }
    expect((await fetch(`${url}/v1/runs/none/events`, { method: 'HEAD' })).status).toBe(404)
  })
})

describe('watching the context', () => {
  const push = (
    call: (method: string, path: string, body?: unknown) => Promise<unknown>,
    key: string,
    value: unknown,
  ) => call('PUT', `/v1/context/entries/${key}`, { value })

  it('A watch of the context reports each change once, across connections that break.', async () => {
    const { call, url } = await servers.start()
    let last: string | undefined
    const seen: unknown[] = []
    for (let round = 0; round < 5; round++) {
      const stream = follow(`${url}/v1/context/watch?pattern=k*`, last === undefined ? {} : { 'last-event-id': last })
      const opened = (await stream.next()).value as Event
      expect(opened.event).toBe('open')
      last ??= opened.id
      for (let i = 0; i < 3; i++) await push(call, `k${i}`, round * 3 + i)
      await push(call, 'other', 0)
      for (let i = 0; i < 3; i++) {
        const { value } = (await stream.next()) as { value: Event }
        last = value.id
        seen.push(value.data.value)
      }
      await stream.return(undefined)
      // While nobody listens.
      if (round < 4) await push(call, 'k9', `between ${round}`)
      if (round < 4) {
        const resumed = follow(`${url}/v1/context/watch?pattern=k*`, { 'last-event-id': last ?? '' })
        const [found] = (await take(resumed, 2)).filter(({ event }) => event === 'put')
        last = found?.id
        seen.push(found?.data.value)
      }
    }
    expect(seen).toEqual([
      0,
      1,
      2,
      'between 0',
      3,
      4,
      5,
      'between 1',
      6,
      7,
      8,
      'between 2',
      9,
      10,
      11,
      'between 3',
      12,
      13,
      14,
    ])
  })
  it('A watch of the context sends a resync for a position that does not exist any more.', async () => {
    const { call, url } = await servers.start()
    await push(call, 'k', 1)
    // Somebody else follows already, from where it is now.
    const other = follow(`${url}/v1/context/watch`)
    await other.next()
    const [open, resync] = await take(follow(`${url}/v1/context/watch`, { 'last-event-id': '900' }), 2)
    expect([open?.event, resync]).toEqual([
      'open',
      { id: '1', event: 'resync', data: { type: 'resync', revision: 1, position: '1' } },
    ])
    // One ahead, in the middle of it: what is written next is not what was told then.
    const [, resumed] = await take(follow(`${url}/v1/context/watch`, { 'last-event-id': '2.1' }), 2)
    expect(resumed).toEqual(resync)
    await other.return(undefined)
  })
  it('A watch of the context resumes in the middle of a batch.', async () => {
    const { call, url } = await servers.start()
    const stream = follow(`${url}/v1/context/watch`)
    await stream.next()
    const operations = ['a', 'b', 'c'].map((key) => ({ type: 'push', key, value: key }))
    await call('POST', '/v1/context/batch', { operations, atomic: true })
    const { value } = (await stream.next()) as { value: Event }
    expect(value.data).toMatchObject({ key: 'a' })
    await stream.return(undefined)
    const rest = await take(follow(`${url}/v1/context/watch`, { 'last-event-id': value.id ?? '' }), 3)
    expect(rest.map(({ event, data }) => data.key ?? event)).toEqual(['open', 'b', 'c'])
    expect((await call('GET', '/v1/context/watch', undefined, { 'last-event-id': '1.x' })).status).toBe(400)
  })
  it('A watch of the context misses nothing for a reader that falls behind the shared feed.', async () => {
    const { url, troupe } = await servers.start()
    const { context } = troupe.user('default')
    const [slow, quick] = [follow(`${url}/v1/context/watch`), follow(`${url}/v1/context/watch`)]
    await Promise.all([slow.next(), quick.next()])
    const keys = Array.from({ length: 3_000 }, (_, i) => `k${String(i).padStart(4, '0')}`)
    const text = 'x'.repeat(5_000)
    const events = take(quick, keys.length)
    for (let i = 0; i < keys.length; i += 100) {
      const batch = keys.slice(i, i + 100).map((key) => ({ type: 'push' as const, key, value: text }))
      await context.batch(batch, { atomic: true })
    }
    // All of it was read for both.
    await events
    const received = await take(slow, keys.length)
    expect(received.map(({ data }) => data.key)).toEqual(keys)
  })
  it('A watch of the context shows an agent only what it may read.', async () => {
    const { call, url } = await servers.start()
    const stream = follow(`${url}/v1/context/watch`, { 'troupe-agent': 'Sales' })
    await stream.next()
    await call('PUT', '/v1/context/entries/a', { value: 1, subscribers: ['Support'] })
    await call('PUT', '/v1/context/entries/b', { value: 2, subscribers: ['Sales'] })
    expect((await stream.next()).value).toMatchObject({ data: { key: 'b' } })
    await stream.return(undefined)
  })
  it('A watch of the context reads the feed once, however many streams are open.', async () => {
    const { call, url, troupe } = await servers.start()
    const { storage } = troupe[partsOf].stores
    const streams = Array.from({ length: 200 }, () => follow(`${url}/v1/context/watch`))
    await Promise.all(streams.map((stream) => stream.next()))
    const feed = storage.feed.bind(storage)
    let reads = 0
    Object.assign(storage, {
      feed: (...args: Parameters<typeof feed>) => {
        reads++
        return feed(...args)
      },
    })
    await push(call, 'k', 1)
    const received = await Promise.all(streams.map((stream) => stream.next()))
    expect(received.every(({ value }) => (value as Event).data.key === 'k')).toBe(true)
    expect(reads).toBeLessThan(5)
    await Promise.all(streams.map((stream) => stream.return(undefined)))
  })
})

describe('a stream', () => {
  /** Asks for a stream and takes nothing of it. */
  const deaf = (url: string, path: string) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n\r\n`)
    socket.on('error', () => {})
    return socket.pause()
  }

  it('A stream buffers little for a reader that reads nothing, and closes after 30 s.', async () => {
    const clock = createVirtualClock()
    const { url, troupe, app } = await servers.start({ clock })
    const sockets: Socket[] = []
    app.server.on('connection', (socket) => sockets.push(socket))
    const socket = deaf(url, '/v1/context/watch')
    const [theirs] = await until('it is connected', () => (sockets.length > 0 ? sockets : undefined))
    await until('it is answered', () => (theirs?.bytesWritten ?? 0) > 0)
    const { context } = troupe.user('default')
    const text = 'x'.repeat(100_000)
    // 30 MB: what sockets of this machine take is a part of it.
    for (let i = 0; i < 300; i++) await context.push(`k${i % 10}`, text)
    await until('it waits for its reader', () => theirs?.writableNeedDrain)
    expect(theirs?.writableLength).toBeLessThan(1_000_000)
    await clock.advance('30s')
    await until('it is let go', () => theirs?.destroyed)
    socket.destroy()
  })
  it('A stream over MCP closes for a reader that reads nothing too.', async () => {
    const clock = createVirtualClock()
    const { url, troupe, app } = await servers.start({ clock })
    const sockets: Socket[] = []
    app.server.on('connection', (socket) => sockets.push(socket))
    const keys = Array.from({ length: 50 }, (_, i) => `${i}`.padEnd(1_000, 'k'))
    const resourceSubscriptions = keys.map((key) => `troupe://context/${key}`)
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'deaf', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const method = 'subscriptions/listen'
    const params = { _meta, notifications: { resourceSubscriptions } }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const head = [
      'POST /mcp HTTP/1.1',
      `host: ${new URL(url).host}`,
      'content-type: application/json',
      'accept: application/json, text/event-stream',
      'mcp-protocol-version: 2026-07-28',
      `mcp-method: ${method}`,
      `content-length: ${body.length}`,
    ]
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
      .on('error', () => {})
      .pause()
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    const [theirs] = await until('it is connected', () => (sockets.length > 0 ? sockets : undefined))
    await until('it is answered', () => (theirs?.bytesWritten ?? 0) > 0)
    const { context } = troupe.user('default')
    for (let i = 0; i < 200 && !theirs?.writableNeedDrain; i++)
      await context.batch(keys.map((key) => ({ type: 'push', key, value: i })))
    await until('it waits for its reader', () => theirs?.writableNeedDrain)
    for (let i = 0; i < 8; i++) await clock.advance('5s')
    await until('it is let go', () => theirs?.destroyed)
    socket.destroy()
  })
  it('A stream sends heartbeats while nothing happens, and ends when the server closes.', async () => {
    const { url, close } = await servers.start({}, { heartbeat: '50ms' })
    let text = ''
    const response = await fetch(`${url}/v1/context/watch`)
    const reading = (async () => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) text += Buffer.from(chunk)
    })()
    await until('it beats', () => text.includes(': still here'))
    await close()
    await reading
    expect(response.headers.get('content-type')).toContain('text/event-stream')
  })
  it('A stream whose key is revoked ends with a problem, and other streams continue.', async () => {
    const { troupe, url } = await servers.start({}, { key: 'k'.repeat(32), heartbeat: '20ms' })
    const opened = async () => {
      const { id, key } = await troupe.apiKeys.create({ name: 'a', users: ['ada'] })
      const ends = new AbortController()
      const response = await fetch(`${url}/v1/context/watch`, { headers: { 'x-api-key': key }, signal: ends.signal })
      const over = response.text().catch(() => '')
      return { id, over, end: () => ends.abort() }
    }
    const [revoked, valid] = [await opened(), await opened()]
    await troupe.apiKeys.revoke(revoked.id)
    expect(await revoked.over).toMatch(/event: problem\ndata: .*"code":"request\.anonymous".*\n\n$/)
    expect(await Promise.race([valid.over, Promise.resolve('open')])).toBe('open')
    valid.end()
    await valid.over
  })
  it('A stream ends when its token expires, and streams of other tokens continue.', async () => {
    const clock = createVirtualClock()
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'EdDSA' }] } as never
    const names = { issuer: 'https://issuer.test', audience: 'troupe' }
    const { url } = await servers.start({ clock }, { jwt: { ...names, algorithms: ['EdDSA'], keys } })
    const opened = async (seconds: number) => {
      const token = await new SignJWT({ sub: 'ada', iss: names.issuer, aud: names.audience })
        .setProtectedHeader({ alg: 'EdDSA' })
        .setExpirationTime(Math.floor(clock.now() / 1_000) + seconds)
        .sign(privateKey)
      const reading = { over: false }
      const response = await fetch(`${url}/v1/context/watch`, { headers: { authorization: `Bearer ${token}` } })
      response
        .text()
        .catch(() => {})
        .finally(() => {
          reading.over = true
        })
      return reading
    }
    // Whichever of them is asked for first.
    const [early, lasting, late] = [await opened(60), await opened(3_600), await opened(60)]
    for (let i = 0; i < 10; i++) await clock.advance('15s')
    await until('both are over', () => early.over && late.over)
    expect(lasting.over).toBe(false)
  })
  it('A stream that ends with its token releases its place among the streams of its caller.', async () => {
    const clock = createVirtualClock()
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'EdDSA' }] } as never
    const jwt = { issuer: 'https://issuer.test', audience: 'troupe', algorithms: ['EdDSA' as const], keys }
    const { url } = await servers.start({ clock }, { jwt, maxStreams: 1 })
    const open = async () => {
      const token = await new SignJWT({ sub: 'ada', iss: jwt.issuer, aud: jwt.audience })
        .setProtectedHeader({ alg: 'EdDSA' })
        .setExpirationTime(Math.floor(clock.now() / 1_000) + 60)
        .sign(privateKey)
      return fetch(`${url}/v1/context/watch`, { headers: { authorization: `Bearer ${token}` } })
    }
    const first = await open()
    expect((await open()).status).toBe(429)
    for (let i = 0; i < 10; i++) await clock.advance('15s')
    expect(await first.text()).toContain('request.anonymous')
    const next = await until('the place is free', async () => {
      const found = await open()
      return found.status === 200 ? found.body : undefined
    })
    await next.cancel()
  })
  it('A stream carries live parts of a run.', async () => {
    const { LlmAgent } = await import('../../startup/index.ts')
    const { MockModel } = await import('../../testing/index.ts')
    const model = new MockModel({ responses: [{ text: 'one two three', latency: '1s' }] })
    const writer = new LlmAgent({ name: 'Writer', instructions: 'Write.', model })
    const { call, url } = await servers.start({ agents: [writer] })
    await call('POST', '/v1/runs', { id: 'r', task: 'write' })
    const parts = await take(follow(`${url}/v1/runs/r/live`), 1)
    expect(parts[0]).toMatchObject({ event: 'part', data: { agent: 'Writer' } })
    await call('GET', '/v1/runs/r/result?wait=20s')
    expect((await call('GET', '/v1/runs/r/live')).status).toBe(204)
  })
})
