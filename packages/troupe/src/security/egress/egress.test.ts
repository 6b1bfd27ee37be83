import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock, type TroupeError } from '../../core/index.ts'
import { type Egress, type EgressOptions, type EgressParts, openEgress } from './egress.ts'
import { redirected } from './redirects.ts'

type Handle = (request: IncomingMessage, response: ServerResponse) => void

let server: Server
let port: number
let seen: { readonly url: string; readonly host: string; readonly headers: IncomingMessage['headers'] }[] = []
let handle: Handle = (_, response) => void response.end('ok')
const open: Egress[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push({ url: request.url ?? '', host: request.headers.host ?? '', headers: request.headers })
    handle(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})
afterEach(async () => {
  for (const egress of open.splice(0)) await egress.close()
  seen = []
  handle = (_, response) => void response.end('ok')
})

function egressOf(options: EgressOptions = {}, parts: Partial<EgressParts> = {}): Egress {
  const egress = openEgress(options, { clock: systemClock, ...parts })
  open.push(egress)
  return egress
}
/** Every name leads to the server of this test, which the rules allow by its address. */
const local = (options: EgressOptions = {}, parts: Partial<EgressParts> = {}) =>
  egressOf({ privateAddresses: ['127.0.0.1'], ...options }, { lookup: async () => ['127.0.0.1'], ...parts })
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'went out',
    (error: TroupeError) => error.code ?? error.message,
  )

describe('the way out', () => {
  it('The egress fetch sends and returns what the global fetch does.', async () => {
    handle = async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      response.writeHead(201, { 'x-seen': request.method ?? '', 'content-type': 'application/json' })
      response.end(JSON.stringify({ type: request.headers['content-type'], body: Buffer.concat(chunks).toString() }))
    }
    const { fetch } = local({ allow: [`api.example.com:${port}`] })
    const url = `http://api.example.com:${port}/orders?x=1`
    const response = await fetch(url, { method: 'post', body: new URLSearchParams({ a: 'b' }) })
    expect(response.status).toBe(201)
    expect(response.url).toBe(url)
    expect(response.headers.get('x-seen')).toBe('POST')
    expect(await response.json()).toEqual({ type: 'application/x-www-form-urlencoded;charset=UTF-8', body: 'a=b' })
    const secondResponse = await fetch(
      new Request(url, { method: 'PUT', body: 'text', headers: { 'content-type': 'text/x' } }),
    )
    expect(await secondResponse.json()).toEqual({ type: 'text/x', body: 'text' })
    const asOptions = new Request(url, { method: 'DELETE', headers: { 'content-type': 'text/y' } })
    const thirdResponse = await fetch(url, asOptions)
    expect(thirdResponse.headers.get('x-seen')).toBe('DELETE')
    expect(await thirdResponse.json()).toEqual({ type: 'text/y', body: '' })
    expect(seen[0]?.host).toBe(`api.example.com:${port}`)
  })

  it('The egress fetch denies hosts, ports, methods and schemes that are not allowed.', async () => {
    const rejected: string[] = []
    const { fetch } = local(
      { allow: ['a.example.com', `*.example.org:${port}`], methods: ['get'] },
      { rejected: (error) => rejected.push(error.code) },
    )
    for (const url of [
      'https://b.example.com',
      `http://a.example.com:${port}`,
      `http://example.org:${port}`,
      `http://evil-example.org:${port}`,
      `http://x.example.org.evil.com:${port}`,
      `http://user:secret@x.example.org:${port}`,
      'file:///etc/passwd',
      'data:text/plain,x',
      'gopher://x.example.org',
      'no url',
    ])
      expect(await codeOf(fetch(url)), url).toBe('egress.denied')
    expect(await codeOf(fetch(`http://x.example.org:${port}`, { method: 'POST' }))).toBe('egress.denied')
    expect(rejected).toHaveLength(11)
    expect(seen).toEqual([])
    expect((await fetch(`http://x.y.example.org.:${port}/`)).status).toBe(200)
  })

  it('The egress fetch denies every host if its list is empty.', async () => {
    expect(await codeOf(egressOf({ allow: [] }).fetch('https://example.com'))).toBe('egress.denied')
  })

  it('The egress fetch connects to no private address, however it is spelt.', async () => {
    const four = [
      '127.0.0.1',
      '127.255.255.254',
      '0.0.0.0',
      '10.0.0.1',
      '10.255.255.255',
      '172.16.0.1',
      '172.31.255.255',
    ]
    const more = ['192.168.0.1', '169.254.169.254', '100.64.0.1', '100.100.100.200', '192.0.0.192', '198.18.0.1']
    const rest = ['224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255', '168.63.129.16', '192.0.2.1']
    const addresses = [...four, ...more, ...rest]
    const spelt = addresses.flatMap((address) => {
      const parts = address.split('.').map(Number) as [number, number, number, number]
      const number = parts.reduce((sum, part) => sum * 256 + part, 0)
      const hex = (value: number) => `0x${value.toString(16)}`
      return [
        address,
        `${address}.`,
        String(number),
        hex(number),
        `0${number.toString(8)}`,
        parts.map((part) => `0${part.toString(8)}`).join('.'),
        parts.map(hex).join('.'),
        `${parts[0]}.${parts[1]}.${parts[2] * 256 + parts[3]}`,
        `[::ffff:${address}]`,
        `[::${address}]`,
        `[64:ff9b::${address}]`,
      ]
    })
    const six = [
      '[::1]',
      '[::]',
      '[fe80::1]',
      '[fc00::1]',
      '[fd00:ec2::254]',
      '[ff02::1]',
      '[2002:7f00:1::]',
      '[2001:db8::1]',
    ]
    const hosts = [...new Set([...spelt, ...six, '127.1', '①②⑦.0.0.1', '127。0。0。1', '０x7f.1'])]
    expect(hosts.length).toBeGreaterThan(150)
    const { fetch } = egressOf()
    for (const host of hosts) expect(await codeOf(fetch(`http://${host}:${port}/`)), host).toBe('egress.denied')
    // The same where a name leads there.
    for (const address of [...addresses, '::1', '::', 'fe80::1', 'fd00::1', '::ffff:10.0.0.1', '64:ff9b::a00:1']) {
      const named = egressOf({ allow: [`a.example.com:${port}`] }, { lookup: async () => ['93.184.216.34', address] })
      expect(await codeOf(named.fetch(`http://a.example.com:${port}/`)), address).toBe('egress.denied')
    }
    expect(seen).toEqual([])
  })

  it('The egress fetch connects to a private address only if the options name it.', async () => {
    const { fetch } = egressOf({ allow: [`127.0.0.1:${port}`] })
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
    expect((await fetch(`http://0x7f000001:${port}/`)).status).toBe(200)
    expect(await codeOf(fetch(`http://127.0.0.2:${port}/`))).toBe('egress.denied')
    const block = egressOf({ privateAddresses: ['127.0.0.0/30'] }, { lookup: async () => ['127.0.0.4'] })
    expect((await block.fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
    expect(await codeOf(block.fetch(`http://inside.example.com:${port}/`))).toBe('egress.denied')
  })

  it('The egress fetch connects to the address that it checked, so that DNS rebinding gains nothing.', async () => {
    let asked = 0
    const rebinding = egressOf(
      { allow: [`a.example.com:${port}`], privateAddresses: ['127.0.0.1'] },
      { lookup: async () => (++asked === 1 ? ['127.0.0.1'] : ['127.0.0.2']) },
    )
    handle = (_, response) => response.writeHead(200, { connection: 'close' }).end('ok')
    expect((await rebinding.fetch(`http://a.example.com:${port}/`)).status).toBe(200)
    expect(asked).toBe(1)
    expect(await codeOf(rebinding.fetch(`http://a.example.com:${port}/`))).toBe('egress.denied')
    expect(asked).toBe(2)
  })

  it('The egress fetch tries the next address of a name if an address does not answer.', async () => {
    const privateAddresses = ['127.0.0.0/8', '::1']
    for (const first of ['::1', '127.0.0.2']) {
      const { fetch } = egressOf({ privateAddresses }, { lookup: async () => [first, '127.0.0.1'] })
      expect(await (await fetch(`http://localhost:${port}/`)).text(), first).toBe('ok')
    }
    const { fetch } = egressOf({ privateAddresses }, { lookup: async () => ['::1', '127.0.0.2'] })
    await expect(fetch(`http://localhost:${port}/`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  })

  it('The egress fetch checks each redirect, and follows a limited number.', async () => {
    const to: Record<string, string> = {
      '/inside': 'http://169.254.169.254/latest/meta-data/',
      '/other': `http://b.example.com:${port}/end`,
      '/file': 'file:///etc/passwd',
      '/loop': '/loop',
      '/once': '/end',
    }
    handle = (request, response) => {
      const location = to[request.url ?? '']
      response.writeHead(location === undefined ? 200 : 302, location === undefined ? {} : { location }).end('here')
    }
    const { fetch } = local({ allow: [`a.example.com:${port}`] })
    const at = (path: string, init: RequestInit = {}) => fetch(`http://a.example.com:${port}${path}`, init)
    const response = await at('/once')
    expect([response.redirected, response.url, await response.text()]).toEqual([
      true,
      `http://a.example.com:${port}/end`,
      'here',
    ])
    for (const path of ['/inside', '/other', '/file', '/loop'])
      expect(await codeOf(at(path)), path).toBe('egress.denied')
    expect(seen.filter(({ url }) => url === '/loop')).toHaveLength(6)
    expect(await codeOf(at('/once', { redirect: 'error' }))).toBe('egress.denied')
    expect((await at('/once', { redirect: 'manual' })).status).toBe(302)
  })

  it('The egress fetch sends no credentials to another origin after a redirect.', async () => {
    handle = (request, response) =>
      request.url === '/end'
        ? void response.end('here')
        : void response.writeHead(307, { location: `http://b.example.com:${port}/end` }).end()
    const { fetch } = local({ allow: [`*.example.com:${port}`] })
    const headers = { authorization: 'Bearer x', cookie: 'a=b', 'x-api-key': 'k', accept: 'text/plain' }
    await fetch(`http://a.example.com:${port}/`, { method: 'POST', body: 'sent', headers })
    const [first, second] = seen.map((request) => request.headers)
    expect(first).toMatchObject({ authorization: 'Bearer x', 'x-api-key': 'k' })
    expect(second).toMatchObject({ accept: 'text/plain', host: `b.example.com:${port}` })
    for (const name of ['authorization', 'cookie', 'x-api-key']) expect(second).not.toHaveProperty(name)
  })

  it('The egress fetch follows no redirect from https to http, and sends no one-time body twice.', () => {
    const at = { url: new URL('https://a.example.com/'), method: 'POST', headers: new Headers(), body: null }
    const to = (location: string, status = 307) => new Response(null, { status, headers: { location } })
    expect(() => redirected(at, to('http://a.example.com/'))).toThrow(/https to http/)
    expect(() => redirected({ ...at, body: new ReadableStream() }, to('/x'))).toThrow(/twice/)
    expect(redirected({ ...at, body: 'x' }, to('/x', 303))).toMatchObject({ method: 'GET', body: null })
  })

  it('The egress fetch limits the bytes of a response, compressed or not, with a declared length or not.', async () => {
    handle = (request, response) => {
      const text = 'x'.repeat(100_000)
      if (request.url === '/said') return void response.writeHead(200, { 'content-length': 100_000 }).end(text)
      if (request.url === '/packed')
        return void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text))
      response.write(text.slice(0, 50_000))
      response.end(text.slice(50_000))
    }
    const { fetch } = local({ maxBytes: 60_000 })
    const read = async (path: string) => (await fetch(`http://a.example.com:${port}${path}`)).text()
    for (const path of ['/said', '/packed', '/parts']) expect(await codeOf(read(path)), path).toBe('egress.too_large')
    const enough = local({ maxBytes: 100_000 })
    expect((await (await enough.fetch(`http://a.example.com:${port}/packed`)).text()).length).toBe(100_000)
  })

  it('The egress fetch returns the answer to HEAD for a body beyond its limit.', async () => {
    handle = (_, response) => void response.writeHead(200, { 'content-length': 100_000 }).end()
    const { fetch } = local({ maxBytes: 60_000 })
    const response = await fetch(`http://a.example.com:${port}/`, { method: 'HEAD' })
    expect([response.headers.get('content-length'), await response.text()]).toEqual(['100000', ''])
  })

  it('The egress fetch times out at the start and at the end of a response, and ends with its signal.', async () => {
    handle = (request, response) => {
      if (request.url === '/begun') response.write('begun')
    }
    const { fetch } = local({ timeout: '250ms' })
    const at = (path: string) => fetch(`http://a.example.com:${port}${path}`)
    expect(await codeOf(at('/silent'))).toBe('timeout')
    expect(await codeOf(at('/begun').then((response) => response.text()))).toBe('timeout')
    const stop = new AbortController()
    stop.abort(new Error('stopped'))
    expect(await codeOf(local().fetch(`http://a.example.com:${port}/silent`, { signal: stop.signal }))).toBe('stopped')
  })

  it('The egress fetch limits its connections to a host, and reuses them for waiting requests.', async () => {
    const held: ServerResponse[] = []
    handle = (_, response) => void held.push(response)
    for (const [options, expected] of [
      [{}, 20],
      [{ connections: 3 }, 3],
    ] as const) {
      const { fetch } = local(options)
      const asked = Array.from({ length: 25 }, async (_, i) => (await fetch(`http://shop.example:${port}/${i}`)).text())
      const answered = Promise.all(asked)
      await expect.poll(() => held.length).toBe(expected)
      let [done, peak] = [0, 0]
      while (done < 25) {
        peak = Math.max(peak, held.length)
        for (const response of held.splice(0)) {
          response.end('ok')
          done++
        }
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      expect(await answered).toEqual(Array(25).fill('ok'))
      expect(peak).toBe(expected)
    }
  })

  it('The egress fetch retains an idle connection for the next request for a limited time.', async () => {
    // It says nothing of its own, which would go before.
    server.keepAliveTimeout = 0
    const sockets = new Set<object>()
    handle = ({ socket }, response) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      response.end('ok')
    }
    const twice = async (options: EgressOptions) => {
      const { fetch } = local(options)
      for (let i = 0; i < 2; i++) {
        await (await fetch(`http://shop.example:${port}/`)).text()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    await twice({})
    await twice({ keepAlive: '50ms' })
    expect(sockets.size).toBe(2)
    await expect.poll(() => sockets.size).toBe(1)
  })

  it('The egress fetch rejects invalid options when it is created.', () => {
    for (const options of [
      { alow: [] },
      { allow: 'a.example.com' },
      { allow: ['https://a.example.com'] },
      { allow: ['a.example.com/path'] },
      { allow: ['*'] },
      { privateAddresses: ['inside'] },
      { methods: [5] },
      { maxBytes: 0 },
      { maxRedirects: -1 },
      { timeout: 5 },
      { connections: 0 },
      { keepAlive: '0s' },
    ])
      expect(() => openEgress(options as never, { clock: systemClock }), JSON.stringify(options)).toThrow(/egress/)
  })
})
