import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CallServer, type Served, Servers, until } from '../server-testbed.test.fixture.ts'

describe('a hostile client', () => {
  const servers = new Servers()
  let served: Served
  let call: CallServer
  beforeAll(async () => {
    served = await servers.start({}, { requestTimeout: '2s', bodyLimit: 100_000, heartbeat: '1s' })
    call = served.call
  })
  afterAll(() => servers.close())

  /** Sends bytes as they are; resolves with all that comes back. */
  const raw = (bytes: string, keepAlive = false) =>
    new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(served.url).port), '127.0.0.1')
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk
        if (!keepAlive) socket.end()
      })
      socket.on('close', () => resolve(text))
      // A server that has heard enough may close while we still speak.
      socket.on('error', () => resolve(text))
      socket.write(bytes)
    })
  const { host } = { host: '127.0.0.1' }
  const stillServes = async () => expect((await call('GET', '/health')).status).toBe(200)

  it('A hostile client reaches no file by a name that looks like a path.', async () => {
    const paths = ['../../etc/passwd', '..\\..\\x', '%2e%2e%2f', '....//', '/etc/passwd', 'a/../../b', '~', '...']
    for (const path of paths) {
      const entry = await call('GET', `/v1/context/values/${encodeURIComponent(path)}`)
      expect(entry).toMatchObject({ status: 404, body: { code: 'context.missing' } })
      expect((await call('GET', `/v1/runs/${encodeURIComponent(path)}`)).status).toBe(404)
    }
    for (const path of ['/v1/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '//etc/passwd'])
      expect(await raw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toContain('404')
  })
  it('A hostile client reaches no prototype by a key or a name.', async () => {
    for (const body of [
      '{"value":{"__proto__":{"admin":true}}}',
      '{"value":{"constructor":{"prototype":{"admin":true}}}}',
      '{"__proto__":{"value":1}}',
    ])
      expect(await call('PUT', '/v1/context/entries/p', body)).toMatchObject({ status: 400 })
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
    const named = await call('PUT', '/v1/context/entries/__proto__', { value: 1 })
    expect(named.status).toBe(200)
    expect((await call('GET', '/v1/context/values/__proto__')).body).toEqual({ key: '__proto__', value: 1 })
    for (const name of ['__proto__', 'constructor', 'toString'])
      expect((await call('POST', '/v1/runs', { task: 1, team: name })).body.code).toBe('team.unknown')
  })
  it('A hostile client is rejected if its headers or its body are too large.', async () => {
    const headers = await raw(`GET /health HTTP/1.1\r\nHost: ${host}\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
    expect(headers).toContain('application/problem+json')
    expect(JSON.parse(headers.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status: 431, code: 'request.headers' })
    const unknown = await raw('FOO /health HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(JSON.parse(unknown.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status: 400, code: 'request.invalid' })
    const body = await call('PUT', '/v1/context/entries/a', { value: 'x'.repeat(100_001) })
    expect(body).toMatchObject({ status: 413, body: { code: 'request.too_large' } })
    await stillServes()
  })
  it('A hostile client is disconnected if it sends its request too slowly.', async () => {
    const slow = await raw(`POST /v1/runs HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n`, true)
    expect(slow === '' || slow.includes('request.timeout')).toBe(true)
    const half = `POST /v1/runs HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`
    const answer = await raw(half, true)
    expect(answer === '' || answer.includes('request.timeout')).toBe(true)
    await stillServes()
  })
  it('A hostile client adds no line to a header or a stream.', async () => {
    const id = encodeURIComponent('x\r\nset-cookie: a=b\r\n\r\n<script>')
    const started = await call('POST', '/v1/runs', { id: decodeURIComponent(id), task: 1, agent: 'Echo' })
    expect(started.headers.get('set-cookie')).toBeNull()
    const got = await call('GET', `/v1/runs/${id}/events`)
    expect(got.headers.get('set-cookie')).toBeNull()
    expect(got.text.split('\n').filter((line) => line !== '' && !/^(:|id:|event:|data:)/.test(line))).toEqual([])
    const smuggled = `POST /v1/runs HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`
    expect(await raw(smuggled)).toContain('400')
  })
  it('A hostile client is rejected if its body is not JSON or not declared as JSON.', async () => {
    const type = (value: string, body = '{"task":1}') => call('POST', '/v1/runs', body, { 'content-type': value })
    for (const value of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/xml',
      'x',
    ])
      expect(await type(value)).toMatchObject({ status: 415, body: { code: 'request.media_type' } })
    for (const body of ['{', '[1,2', 'NaN', '{"a":1}{', "{'a':1}", '\ufeff', 'nul'])
      expect(await type('application/json', body)).toMatchObject({ status: 400, body: { code: 'request.invalid' } })
    const bytes = await fetch(`${served.url}/v1/runs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Uint8Array([0x22, 0xff, 0xfe, 0x22]),
    })
    expect(bytes.status).toBe(400)
  })
  it('A client is rejected if it declares another character set than UTF-8.', async () => {
    const type = (value: string) =>
      call('PUT', '/v1/context/entries/set', '{"value":"é"}', { 'content-type': `application/json${value}` })
    for (const value of [';charset="UTF-8"', '; Charset=utf8', '; version=1', ''])
      expect((await type(value)).status).toBe(200)
    for (const value of ['; charset=utf-16', ';charset=latin1', ';charset=utf-8;charset=utf-16', '; charset=']) {
      const answer = await type(value)
      expect(answer).toMatchObject({ status: 415, body: { code: 'request.media_type' } })
      expect(answer.body.hint).toContain('UTF-8')
    }
  })
  it('A hostile client is rejected if it names itself twice.', async () => {
    for (const [name, value] of [
      ['troupe-user', 'default'],
      ['Troupe-Agent', 'Echo'],
      ['authorization', 'Bearer x'],
      ['X-API-Key', 'x'],
    ] as const) {
      const twice = `${name}: ${value}\r\n${name.toLowerCase()}: ${value}`
      const answer = await raw(`GET /v1/runs HTTP/1.1\r\nHost: ${host}\r\n${twice}\r\nConnection: close\r\n\r\n`)
      expect(answer).toMatch(/^HTTP\/1.1 400/)
      expect(answer).toContain(`it has the header ${name.toLowerCase()} twice`)
    }
  })
  it('A cache stores no answer of the server, whatever the answer is.', async () => {
    await call('PUT', '/v1/context/entries/cached', { value: 1 })
    for (const path of ['/v1/runs', '/v1/context/entries/cached', '/v1/context/entries/none', '/health', '/v1/nothing'])
      expect((await call('GET', path)).headers.get('cache-control')).toBe('no-store')
  })
  it('A client is rejected if its body is compressed, and learns why.', async () => {
    const send = (encoding: string, body: string | Uint8Array<ArrayBuffer>) =>
      fetch(`${served.url}/v1/runs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-encoding': encoding },
        body,
      })
    const text = '{"agent":"Echo","task":1}'
    for (const answer of [await send('gzip', gzipSync(text)), await send('gzip', text), await send('br', text)]) {
      expect(answer.status).toBe(415)
      expect(await answer.json()).toMatchObject({ hint: expect.stringContaining('without Content-Encoding') })
    }
    expect((await send('identity', text)).status).toBe(201)
  })
  it('A hostile client is rejected if its JSON is nested too deeply.', async () => {
    for (const body of [
      '['.repeat(90_000),
      `{"value":${'['.repeat(40_000)}${']'.repeat(40_000)}}`,
      '{"a":'.repeat(10_000),
    ])
      expect((await call('PUT', '/v1/context/entries/deep', body)).status).toBe(400)
    const deepest = `{"value":${'['.repeat(500)}${']'.repeat(500)}}`
    expect((await call('PUT', '/v1/context/entries/deep', deepest)).status).toBe(200)
    await stillServes()
  })
  it('A hostile client is rejected if it repeats or malforms a query option.', async () => {
    for (const query of [
      'limit=1&limit=2',
      'limit[]=1',
      'cursor=a&cursor=b',
      'limit=1e1',
      'limit=-1',
      'limit=0',
      'limit=',
    ])
      expect((await call('GET', `/v1/runs?${query}`)).status).toBe(400)
    expect((await call('GET', '/v1/runs?cursor=%7B%7D')).body.code).toBe('cursor.invalid')
    const twice = await raw(`GET /health HTTP/1.1\r\nHost: ${host}\r\nHost: evil.test\r\nConnection: close\r\n\r\n`)
    expect(twice).toContain('400')
  })
  it('A client uses names of any script, and malformed encodings are rejected.', async () => {
    for (const name of ['Grüße', '订单', '🦊', 'عميل', 'a b', '%', '?&#=+;']) {
      const path = `/v1/context/entries/${encodeURIComponent(name)}`
      expect((await call('PUT', path, { value: name })).body.key).toBe(name)
      expect((await call('GET', path)).body.value).toBe(name)
    }
    for (const agent of ['e\u0301', 'a\u0000b'])
      expect((await call('GET', `/v1/mailboxes/${encodeURIComponent(agent)}`)).body).toMatchObject({
        code: 'name.invalid',
      })
    const unreadable = await call('GET', '/v1/runs/%ff%fe')
    expect(unreadable).toMatchObject({ status: 400, body: { code: 'request.invalid' } })
    expect(unreadable.headers.get('content-type')).toContain('application/problem+json')
    expect((await call('PUT', '/v1/context/entries/x', '{"value":"\\ud800"}')).status).toBeLessThan(500)
    expect((await call('GET', `/v1/context/values/${'k'.repeat(2_000)}`)).status).toBe(400)
    const long = await call('GET', `/v1/context/values/${'k'.repeat(5_000)}`)
    expect(long).toMatchObject({ status: 400, body: { code: 'request.invalid' } })
  })
  it('A client names its user in a header in UTF-8, as curl sends it.', async () => {
    const bytesOf = (name: string) => Buffer.from(name, 'utf8').toString('latin1')
    for (const name of ['Grüße', '订单', '🦊']) {
      await call('PUT', '/v1/context/entries/whose', { value: name }, { 'troupe-user': bytesOf(name) })
      expect(await served.troupe.user(name).context.get('whose')).toBe(name)
    }
    // What fetch makes of such a text by itself is no UTF-8.
    await call('PUT', '/v1/context/entries/whose', { value: 1 }, { 'troupe-user': 'Grüße' })
    expect(await served.troupe.user('Grüße').context.get('whose')).toBe(1)
  })
  it('A hostile client is rejected if it uses a foreign host name or origin.', async () => {
    const asHost = (name: string) => raw(`GET /v1/runs HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`)
    for (const name of [
      'evil.test',
      'evil.test:80',
      'localhost.evil.test',
      '127.0.0.1.evil.test',
      '127.0.0.1@evil.test',
    ])
      expect(await asHost(name)).toMatch(/^HTTP\/1.1 403[\s\S]*request\.foreign/)
    for (const name of ['localhost', 'localhost:1', '127.0.0.1', '[::1]:8000'])
      expect(await asHost(name)).toContain(' 200 ')
    for (const origin of ['https://evil.test', 'null', 'http://localhost.evil.test', 'file://'])
      expect((await call('POST', '/v1/runs', { task: 1 }, { origin })).body.code).toBe('request.foreign')
    expect((await call('GET', '/health', undefined, { origin: served.url })).status).toBe(200)
    const preflight = await call('OPTIONS', '/v1/runs', undefined, { origin: 'https://evil.test' })
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
  })
  it('A hostile client learns nothing of the internals, whatever it sends.', async () => {
    const { troupe } = served
    const list = troupe.user('default').orchestra.list
    for (const path of ['/v1/runs', '/v1/context/entries/x']) {
      const { headers } = await call('GET', path)
      expect(headers.get('x-powered-by')).toBeNull()
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain("default-src 'self'")
    }
    expect(list).toBeTypeOf('function')
    for (let i = 0; i < 50; i++) {
      const answer = await raw(
        `${['GET', 'POST', 'TRACE', 'PUT'][i % 4]} /${String.fromCharCode(33 + i)} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      )
      expect(answer).not.toMatch(/\.ts:\d|node_modules|at .* \(/)
    }
    await until('it still serves', async () => (await call('GET', '/ready')).status === 200)
  })
})
