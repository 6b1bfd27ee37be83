/** The ways by which text comes in over the network: from callers of the API, and from MCP servers that an agent uses. */
import { defineMcpTools } from '../../src/protocols/index.ts'
import { builtInTools } from '../../src/tools.ts'
import { type Channel, callFirst, generate, line, Note } from './channel-parts.ts'
import { scheduledRun } from './channels.ts'
import { type McpSlot, returnedByCalls, slots } from './hostile-mcp.ts'
import { send } from './target-user.ts'

/** What a program with an API key of the user sends in; no route takes labels. */
const throughHttp =
  (method: string, path: string, body: (text: string) => object, taint?: readonly []): Channel =>
  async (scene, text, testbed) => {
    const agent = scene.victim(callFirst('get_context', { key: 'notes' }), {
      tools: Object.values(builtInTools('get_context')),
    })
    const topology = line(agent)
    await scene.ada.schedules.create({ id: 'inbox', topology, onMessage: { type: Note } } as never)
    const { key } = await testbed.troupe.apiKeys.create({
      name: 'p',
      users: [scene.userId],
      agent: 'Partner',
      role: 'contributor',
      ...(taint ? { taint } : {}),
    })
    const headers = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' }
    const { status, text: answer } = await send(testbed.url, method, path, { key, body: body(text), headers })
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${answer}`)
    if (path === '/v1/messages') return scheduledRun(scene, [])
    return generate(scene, agent)
  }
const audience = 'everyone'
/** The owner declared that what the key writes is as good as the owner's own word. */
export const trustedChannels: Readonly<Record<string, Channel>> = {
  'entry put with a trusted key': throughHttp('PUT', '/v1/context/entries/notes', (value) => ({ value, audience }), []),
}
export const httpChannels: Readonly<Record<string, Channel>> = {
  'entry put over HTTP': throughHttp('PUT', '/v1/context/entries/notes', (value) => ({ value, audience })),
  'batch over HTTP': throughHttp('POST', '/v1/context/batch', (value) => ({
    operations: [{ type: 'push', key: 'notes', value, audience }],
  })),
  'message over HTTP': throughHttp('POST', '/v1/messages', (payload) => ({ type: 'note', payload, to: 'inbox' })),
  'entry pushed by a client of MCP': throughHttp('POST', '/mcp', (value) => ({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'push_context', arguments: { key: 'notes', value, audience } },
  })),
}

let servers = 0
/** The answer of a call of an MCP server's tool, or what it says before any call. */
const throughMcp =
  (slot: McpSlot): Channel =>
  (scene, text, { mcp }) => {
    const name = `mcp${++servers}`
    mcp.offers.set(`/${name}`, slots[slot](text))
    const source = defineMcpTools({ name, server: { url: `${mcp.url}/${name}` }, effect: 'read' })
    const first = returnedByCalls.has(slot) ? callFirst(`${name}_look`) : ''
    return generate(scene, scene.victim(first, { tools: [source] }))
  }
export const mcpChannels = Object.fromEntries(
  Object.keys(slots).map((slot) => [`MCP ${slot}`, throughMcp(slot as McpSlot)]),
) as Readonly<Record<string, Channel>>
