/** What one caller may hold of a server: connections, streams, and requests to the routes that ask for no key. */
import { connect, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { isProxy } from './server-options.ts'
import { caller, Servers } from './server-testbed.test.fixture.ts'

const servers = new Servers()
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await servers.close()
})

const open = (url: string) => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => {})
  socket.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  return new Promise<string>((resolve) =>
    socket.once('data', (data) => resolve(String(data).slice(0, 15))).once('close', () => resolve('closed')),
  )
}

it('A server limits the open connections of an address, but not of a trusted proxy.', async () => {
  const { url } = await servers.start({}, { maxConnectionsPerAddress: 3 })
  for (let i = 0; i < 3; i++) expect(await open(url)).toBe('HTTP/1.1 200 OK')
  expect(await open(url)).toBe('closed')
  sockets[0]?.destroy()
  await expect.poll(() => open(url)).toBe('HTTP/1.1 200 OK')
  const proxied = await servers.start({}, { maxConnectionsPerAddress: 1, trustProxy: ['127.0.0.0/8'] })
  for (let i = 0; i < 5; i++) expect(await open(proxied.url)).toBe('HTTP/1.1 200 OK')
})

it('A trusted proxy is matched by its address or range, mapped addresses included.', () => {
  const found = isProxy(['10.0.0.0/8', '127.0.0.1', '::1'])
  expect(['10.1.2.3', '127.0.0.1', '::ffff:10.1.2.3', '::1'].map(found)).toEqual(Array(4).fill(true))
  expect(['11.0.0.1', '127.0.0.2', '::2', '', 'x'].map(found)).toEqual(Array(5).fill(false))
})

it('A server limits the open streams of each key separately.', async () => {
  const { troupe, url } = await servers.start({}, { authentication: 'required', maxStreams: 2 })
  const bearer = async () => ({
    authorization: `Bearer ${(await troupe.apiKeys.create({ name: 'k', users: ['ada'] })).key}`,
  })
  const [one, other] = [await bearer(), await bearer()]
  const ends = new AbortController()
  const watch = (headers: Record<string, string>, { signal } = ends) =>
    fetch(`${url}/v1/context/watch`, { headers, signal }).then(({ status }) => status)
  const first = new AbortController()
  expect([await watch(one, first), await watch(one), await watch(other)]).toEqual([200, 200, 200])
  expect(await watch(one)).toBe(429)
  first.abort()
  await expect.poll(() => watch(one)).toBe(200)
  ends.abort()
})

it('A server begins no work for a stream above the limit.', async () => {
  let scored = 0
  const score = () => {
    scored++
    return 1
  }
  const { url, call } = await servers.start({ evaluation: { scores: { score } } }, { maxStreams: 1 })
  await call('POST', '/v1/runs', { agent: 'Echo', task: 1, id: 'past' })
  await call('GET', '/v1/runs/past/result?wait=20s')
  const ends = new AbortController()
  await fetch(`${url}/v1/context/watch`, { signal: ends.signal })
  const request = { runs: ['past'], change: {}, score: { named: 'score' } }
  expect((await call('POST', '/v1/evaluations', request)).body.code).toBe('capacity.exceeded')
  expect(scored).toBe(0)
  ends.abort()
})

it('A server limits routes without authentication by address.', async () => {
  const { url } = await servers.start({}, { authentication: 'required', rateLimit: { max: 2, window: '1h' } })
  const call = caller(url)
  for (const path of ['/health', '/ready', '/v1/openapi.json']) {
    const statuses = new Set<number>()
    for (let i = 0; i < 25; i++) statuses.add((await call('GET', path)).status)
    expect([...statuses], path).toContain(429)
  }
  expect((await call('GET', '/ready')).headers.get('retry-after')).toMatch(/^\d+$/)
})
