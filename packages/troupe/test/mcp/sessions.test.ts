/** Servers over HTTP with sessions, as those of 2025 have them: forgotten, refusing, and saying too much. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { mcpTools } from '../../src/protocols/index.ts'
import { createTroupe } from '../../src/startup/index.ts'
import type { Tool } from '../../src/tools/index.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

interface Asked {
  readonly id?: number
  readonly method: string
  readonly params: { readonly protocolVersion?: string; readonly name?: string }
}
type Answering = (response: ServerResponse, asked: Asked) => void

const bodyOf = async (request: IncomingMessage): Promise<Asked> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString() || '{}')
}

/** Knows the sessions that it has begun, until they are cleared; each of its tools answers as it is told to. */
async function sessionServer(tools: Readonly<Record<string, Answering>>) {
  const sessions = new Set<string>()
  let begun = 0
  const server = createServer(async (request, response) => {
    // Each request makes its own connection, so that one to a server that has gone is refused.
    response.setHeader('connection', 'close')
    if (request.method !== 'POST') return response.writeHead(405).end()
    const asked = await bodyOf(request)
    const { id, method, params } = asked
    const reply = (fields: object, headers = {}) =>
      response
        .writeHead(200, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify({ jsonrpc: '2.0', id, ...fields }))
    if (method === 'server/discover') return reply({ error: { code: -32601, message: 'Method not found' } })
    if (method === 'initialize') {
      const session = `session ${++begun}`
      sessions.add(session)
      const { protocolVersion } = params
      const serverInfo = { name: 'other', version: '1' }
      return reply(
        { result: { protocolVersion, capabilities: { tools: {} }, serverInfo } },
        { 'mcp-session-id': session },
      )
    }
    if (id === undefined) return response.writeHead(202).end()
    if (!sessions.has(String(request.headers['mcp-session-id']))) return response.writeHead(404).end()
    const listed = Object.keys(tools).map((name) => ({ name, description: name, inputSchema: { type: 'object' } }))
    if (method === 'tools/list') return reply({ result: { tools: listed } })
    return tools[params.name ?? '']?.(response, asked)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    server.close()
    server.closeAllConnections()
  }
  open.push({ close })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, sessions, close }
}

const toolsOf = async (url: string, timeout: '1s' | '10s' | '1h' = '10s') => {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  open.push(troupe)
  const { tools } = await mcpTools(troupe, { name: 'other', server: { url }, timeout, resultLimit: 1_024 })
  const byName = new Map(tools.map((tool) => [tool.name, tool]))
  return (name: string, signal = new AbortController().signal) =>
    (byName.get(`other_${name}`) as Tool).execute({}, { fetch, key: 'k', signal })
}

const answering =
  (text: string): Answering =>
  (response, { id }) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } }))

const startStream = (response: ServerResponse) =>
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()

test('An expired MCP session is renewed, and the call is made in the new one.', async () => {
  const { url, sessions } = await sessionServer({ echo: answering('heard') })
  const call = await toolsOf(url)
  expect(await call('echo')).toBe('heard')
  sessions.clear()
  expect(await call('echo')).toBe('heard')
  expect([...sessions]).toEqual(['session 2'])
})

test('An MCP call that a server rejects, or that never reached it, has not happened.', async () => {
  const { url, close } = await sessionServer({
    busy: (response) => response.writeHead(429).end('later'),
    broken: (response) => response.writeHead(502).end('bad gateway'),
  })
  const call = await toolsOf(url)
  await expect(call('busy')).rejects.toMatchObject({
    code: 'mcp.unreachable',
    message: expect.stringContaining('it refused the request with HTTP 429'),
  })
  await expect(call('broken')).rejects.toMatchObject({ code: 'outcome.unknown' })
  await close()
  await expect(call('busy')).rejects.toMatchObject({ code: 'mcp.unreachable' })
})

test('An MCP call whose response is complete without its answer has an unknown outcome at once.', async () => {
  const json = (body: unknown): Answering => {
    return (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const { url } = await sessionServer({
    accepted: (response) => response.writeHead(202).end(),
    empty: json([]),
    foreign: json({ jsonrpc: '2.0', id: 4711, result: { content: [] } }),
    batch: (response, { id }) =>
      json([
        { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } },
        { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'in a batch' }] } },
      ])(response, { id, method: '', params: {} } as Asked),
  })
  // A call that waits longer than the test may take waits for its timeout.
  const call = await toolsOf(url, '1h')
  for (const name of ['accepted', 'empty', 'foreign'])
    await expect(call(name), name).rejects.toMatchObject({ code: 'outcome.unknown' })
  expect(await call('batch')).toBe('in a batch')
})

test.each([
  ['is cancelled before its response', '1h', () => {}],
  ['is cancelled within its stream', '1h', startStream],
  ['is timed out before its response', '1s', () => {}],
  ['is timed out within its stream', '1s', startStream],
] as const)('An MCP call that %s ends its HTTP request.', async (_, timeout, begin) => {
  const controller = new AbortController()
  const ended = Promise.withResolvers<void>()
  const mute: Answering = (response) => {
    response.on('close', () => ended.resolve())
    begin(response)
    if (timeout === '1h') controller.abort()
  }
  const { url } = await sessionServer({ mute })
  const call = await toolsOf(url, timeout)
  await expect(call('mute', controller.signal)).rejects.toThrow()
  await ended.promise
})

test('An MCP server whose first response is complete without an answer cannot be reached.', async () => {
  const server = createServer((_, response) => response.writeHead(202).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push({ close: async () => void server.close().closeAllConnections() })
  const { port } = server.address() as AddressInfo
  await expect(toolsOf(`http://127.0.0.1:${port}/mcp`, '1h')).rejects.toMatchObject({
    code: 'mcp.unreachable',
    message: expect.stringContaining('HTTP 202'),
  })
})

test('An MCP message over HTTP is bounded, and a stream of many is not.', async () => {
  const sse = { 'content-type': 'text/event-stream' }
  const note = `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(2_000) } })}\n\n`
  const { url } = await sessionServer({
    endless: (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(' '.repeat(5_000)),
    chatty: (response, { id }) => {
      const result = { content: [{ type: 'text', text: 'at last' }] }
      response.writeHead(200, sse).write(note.repeat(10))
      response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`)
    },
  })
  const call = await toolsOf(url)
  expect(await call('chatty')).toBe('at last')
  await expect(call('endless')).rejects.toMatchObject({
    code: 'outcome.unknown',
    cause: { code: 'egress.too_large' },
  })
})

test('An MCP server that never answers does not delay the close of the troupe.', async () => {
  const server = createServer(() => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const asked = once(server, 'request')
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  const connecting = mcpTools(troupe, { name: 'mute', server: { url } }).catch((error: unknown) => error)
  await asked
  await troupe.close()
  expect(await connecting).toMatchObject({ code: 'mcp.unreachable' })
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})
