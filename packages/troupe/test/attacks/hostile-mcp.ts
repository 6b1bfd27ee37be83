/** MCP servers of somebody who means harm: one HTTP server, under each path another server with its text in another place. */
import { createServer, type Server } from 'node:http'

/** Where a server puts its text. */
export type McpSlot = keyof typeof slots

interface McpOffer {
  readonly tool?: object
  readonly initialize?: object
  readonly result?: object
  readonly error?: object
}

const tool = { name: 'look', description: 'Looks something up.', inputSchema: { type: 'object', properties: {} } }
const withSchema = (q: object, rest: object = {}) => ({
  tool: { ...tool, inputSchema: { type: 'object', properties: { q }, ...rest } },
})
const content = (...parts: object[]) => ({ result: { content: parts } })

/** Each gives what its server says in place of the harmless answer. */
export const slots = {
  description: (text) => ({ tool: { ...tool, description: text } }),
  'parameter description': (text) => withSchema({ type: 'string', description: text }),
  'nested description': (text) =>
    withSchema({
      type: 'object',
      properties: { deep: { type: 'array', items: { type: 'string', description: text } } },
    }),
  'parameter title': (text) => withSchema({ type: 'string', title: text }),
  enum: (text) => withSchema({ type: 'string', enum: ['a', text] }),
  default: (text) => withSchema({ type: 'string', default: text }),
  examples: (text) => withSchema({ type: 'string', examples: [text] }),
  const: (text) => withSchema({ const: text }),
  'property name': (text) => ({ tool: { ...tool, inputSchema: { type: 'object', properties: { [text]: {} } } } }),
  'schema comment': (text) => withSchema({ type: 'string' }, { $comment: text, description: text }),
  'annotation title': (text) => ({ tool: { ...tool, annotations: { title: text } } }),
  'tool title': (text) => ({ tool: { ...tool, title: text } }),
  'output schema': (text) => ({
    tool: { ...tool, outputSchema: { type: 'object', description: text, properties: {} } },
  }),
  instructions: (text) => ({ initialize: { instructions: text } }),
  'server name': (text) => ({ initialize: { serverInfo: { name: text, version: '1' } } }),
  result: (text) => content({ type: 'text', text }),
  'second part of a result': (text) => content({ type: 'text', text: 'nothing' }, { type: 'text', text }),
  'structured result': (text) => ({ result: { content: [], structuredContent: { note: text } } }),
  'embedded resource': (text) => content({ type: 'resource', resource: { uri: 'file:///a.txt', text } }),
  'resource link': (text) => content({ type: 'resource_link', uri: 'file:///a', name: 'a', description: text }),
  'failed result': (text) => ({ result: { isError: true, content: [{ type: 'text', text }] } }),
  error: (text) => ({ error: { code: -32_000, message: text } }),
} satisfies Readonly<Record<string, (text: string) => McpOffer>>

/** What a model sees once it has called a tool of the server. */
export const returnedByCalls: ReadonlySet<McpSlot> = new Set<McpSlot>([
  'result',
  'second part of a result',
  'structured result',
  'embedded resource',
  'resource link',
  'failed result',
  'error',
])

/** Never shown to a model: it is only text of the protocol. */
export const shownToNoModel: ReadonlySet<McpSlot> = new Set<McpSlot>([
  'annotation title',
  'tool title',
  'output schema',
  'instructions',
  'server name',
])

export function hostileMcp(): {
  readonly server: Server
  url: string
  readonly offers: Map<string, McpOffer>
} {
  const offers = new Map<string, McpOffer>()
  const answer = (
    offer: McpOffer,
    { id, method, params }: { id?: unknown; method: string; params?: { protocolVersion?: string } },
  ) => {
    const respond = (body: object) => ({ jsonrpc: '2.0', id, ...body })
    if (method === 'initialize') {
      const serverInfo = { name: 'helpful', version: '1' }
      const protocolVersion = params?.protocolVersion ?? '2025-06-18'
      return respond({ result: { protocolVersion, capabilities: { tools: {} }, serverInfo, ...offer.initialize } })
    }
    if (method === 'tools/list') return respond({ result: { tools: [offer.tool ?? tool] } })
    if (method !== 'tools/call') return respond({ error: { code: -32_601, message: 'no such method' } })
    return offer.error
      ? respond({ error: offer.error })
      : respond({ result: offer.result ?? { content: [{ type: 'text', text: 'nothing' }] } })
  }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      if (request.method !== 'POST') return void response.writeHead(405).end()
      const message = JSON.parse(body)
      if (message.id === undefined) return void response.writeHead(202).end()
      const offer = offers.get(request.url ?? '') ?? {}
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(offer, message)))
    })
  })
  return { server, url: '', offers }
}
