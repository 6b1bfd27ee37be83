/** The limits of `/mcp`, which are those of the other routes: failed sign-ins, requests, bodies and open streams. */
import { afterEach, expect, it } from 'vitest'
import { caller, Servers } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())
const methods = ['POST', 'GET', 'DELETE'] as const
const key = 'k'.repeat(32)
const bearer = (value: string) => ({ authorization: `Bearer ${value}` })

it.each(methods)('The failed sign-ins of an address at /mcp are limited with %s.', async (method) => {
  const { url } = await servers.start({}, { authentication: 'required', key, rateLimit: { max: 3, window: '1h' } })
  const call = caller(url)
  const statuses = []
  for (let i = 0; i < 5; i++) statuses.push((await call(method, '/mcp', undefined, bearer(`guess${i}`))).status)
  expect(statuses).toEqual([401, 401, 401, 429, 429])
  expect((await call('GET', '/v1/context/entries', undefined, bearer('guess'))).status).toBe(429)
})

it('The requests of a key at /mcp count with its other requests.', async () => {
  const { url, troupe } = await servers.start({}, { authentication: 'required', rateLimit: { max: 3, window: '1h' } })
  const { key: own } = await troupe.apiKeys.create({ name: 'k', users: ['ada'] })
  const call = caller(url, bearer(own))
  for (const path of ['/mcp', '/v1/schedules', '/mcp']) expect((await call('GET', path)).status).not.toBe(429)
  expect((await call('GET', '/mcp')).status).toBe(429)
})

it('A body for /mcp has the largest size of the server, and is read of an authenticated caller only.', async () => {
  const { url } = await servers.start({}, { authentication: 'required', key, bodyLimit: 10_000 })
  const call = caller(url)
  const body = { jsonrpc: '2.0', id: 1, method: 'ping', params: { text: 'x'.repeat(10_000) } }
  expect((await call('POST', '/mcp', body)).status).toBe(401)
  expect((await call('POST', '/mcp', body, bearer(key))).status).toBe(413)
})

it('The subscriptions of a caller over MCP count as its open streams.', async () => {
  const { url, call } = await servers.start({}, { maxStreams: 1 })
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'watcher', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const method = 'subscriptions/listen'
  const params = { _meta, notifications: { resourceSubscriptions: ['troupe://context/a'] } }
  const message = { jsonrpc: '2.0', id: 1, method, params }
  const listen = (signal: AbortSignal, body: unknown = message) =>
    fetch(`${url}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
      },
      body: JSON.stringify(body),
      signal,
    }).then(({ status }) => status)
  const first = new AbortController()
  expect(await listen(first.signal)).toBe(200)
  const never = new AbortController().signal
  expect([await listen(never), await listen(never, [message])]).toEqual([429, 429])
  expect((await call('GET', '/v1/context/watch')).status).toBe(429)
  first.abort()
  const other = new AbortController()
  await expect.poll(() => listen(other.signal)).toBe(200)
  other.abort()
})
