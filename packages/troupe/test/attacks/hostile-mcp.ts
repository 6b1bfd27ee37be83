/** MCP servers of somebody who means harm: one HTTP server, under each path another server with its text in another place. */
import { createServer, type Server } from 'node:http'

/** Where a server puts its text. */
export type McpSlot = keyof typeof slots

export interface McpOffer {
  readonly tool?: object
  readonly initialize?: object
  readonly result?: object
  readonly error?: object
  /** Sent during a call, ahead of its result: requests of the server, and notifications. */
  readonly ahead?: readonly object[]
  /** Answers to other methods. */
  readonly methods?: Readonly<Record<string, object>>
}

const tool = { name: 'look', description: 'Looks something up.', inputSchema: { type: 'object', properties: {} } }
const withSchema = (q: object, rest: object = {}) => ({
  tool: { ...tool, inputSchema: { type: 'object', properties: { q }, ...rest } },
})
const everything = { tools: {}, resources: { subscribe: true }, prompts: {}, logging: {} }
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
  elicitation: (text) => ({
    ahead: [
      {
        id: 'ask',
        method: 'elicitation/create',
        params: {
          message: text,
          requestedSchema: { type: 'object', properties: { ok: { type: 'string', title: text } } },
        },
      },
    ],
  }),
  sampling: (text) => ({
    ahead: [
      {
        id: 'sample',
        method: 'sampling/createMessage',
        params: { messages: [{ role: 'user', content: { type: 'text', text } }], systemPrompt: text, maxTokens: 100 },
      },
    ],
  }),
  progress: (text) => ({
    ahead: [
      { method: 'notifications/progress', params: { progressToken: 0, progress: 1, total: 2, message: text } },
      { method: 'notifications/progress', params: { progressToken: 1, progress: 1, total: 2, message: text } },
    ],
  }),
  'log message': (text) => ({
    ahead: [{ method: 'notifications/message', params: { level: 'emergency', logger: text, data: text } }],
  }),
  resource: (text) => ({
    initialize: { capabilities: everything },
    ahead: [
      { method: 'notifications/resources/list_changed' },
      { method: 'notifications/resources/updated', params: { uri: `file:///${text}` } },
    ],
    methods: {
      'resources/list': { resources: [{ uri: 'file:///a', name: text, description: text }] },
      'resources/templates/list': {
        resourceTemplates: [{ uriTemplate: 'file:///{a}', name: text, description: text }],
      },
      'resources/read': { contents: [{ uri: 'file:///a', text }] },
    },
  }),
  prompt: (text) => ({
    initialize: { capabilities: everything },
    ahead: [{ method: 'notifications/prompts/list_changed' }],
    methods: {
      'prompts/list': { prompts: [{ name: 'p', title: text, description: text }] },
      'prompts/get': { description: text, messages: [{ role: 'user', content: { type: 'text', text } }] },
    },
  }),
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
  'elicitation',
  'sampling',
  'progress',
  'log message',
  'resource',
  'prompt',
])

/** Never shown to a model: it is only text of the protocol. */
export const shownToNoModel: ReadonlySet<McpSlot> = new Set<McpSlot>([
  'annotation title',
  'tool title',
  'output schema',
  'instructions',
  'server name',
  'elicitation',
  'sampling',
  'progress',
  'log message',
  'resource',
  'prompt',
])

export function hostileMcp(): {
  readonly server: Server
  url: string
  readonly offers: Map<string, McpOffer>
  /** How often tools of each server were called. */
  readonly calls: ReadonlyMap<string, number>
} {
  const offers = new Map<string, McpOffer>()
  const calls = new Map<string, number>()
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
    const other = offer.methods?.[method]
    if (other) return respond({ result: other })
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
      if (message.method === undefined) return void response.writeHead(202).end()
      if (message.method === 'tools/call') calls.set(request.url ?? '', (calls.get(request.url ?? '') ?? 0) + 1)
      if (message.method === 'tools/call' && offer.ahead) {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (const one of [...offer.ahead.map((rest) => ({ jsonrpc: '2.0', ...rest })), answer(offer, message)])
          response.write(`event: message\ndata: ${JSON.stringify(one)}\n\n`)
        return void response.end()
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(offer, message)))
    })
  })
  return { server, url: '', offers, calls }
}
