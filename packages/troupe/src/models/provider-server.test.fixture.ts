/** A server on this machine that speaks the protocols of OpenAI (chat and responses) and Anthropic, and fails as told. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../core/index.ts'

export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Ends the connection after so many pieces. */
  | { readonly kind: 'cut'; readonly after: number }
  /** The same, as if the answer were whole. */
  | { readonly kind: 'closed'; readonly after: number }
  | { readonly kind: 'malformed' }
  /** Within the stream, after so many pieces, as its protocol reports it. */
  | { readonly kind: 'reported'; readonly after: number }
  /** Between two pieces, ms. */
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'empty' }

export interface ScriptedResponse {
  readonly text?: string
  readonly tool?: { readonly name: string; readonly args: unknown }
  readonly fault?: Fault
  /** What is sent in place of an answer of the protocol; a list is sent as events of a stream. */
  readonly raw?: object | Events
}

export interface Asked {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: { readonly stream?: boolean; readonly [field: string]: unknown }
}

const usage = { input: 7, output: 3 }
const pieces = (text: string) => text.match(/[\s\S]{1,100000}?(?:\s|$)|[\s\S]{1,100000}/g) ?? []

type Events = readonly (readonly [name: string | undefined, data: unknown])[]

interface Protocol {
  readonly complete: (scripted: ScriptedResponse) => unknown
  readonly stream: (scripted: ScriptedResponse) => Events
  readonly reported: Events[number]
}

const overloaded = 'too many ask'

const chat: Protocol = {
  complete: ({ text, tool }) => ({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'test',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text ?? null,
          ...(tool ? { tool_calls: [{ id: 'call_1', type: 'function', function: functionOf(tool) }] } : {}),
        },
        finish_reason: tool ? 'tool_calls' : 'stop',
      },
    ],
    usage: { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: 10 },
  }),
  stream: ({ text, tool }) => {
    const chunk = (choices: unknown[], more = {}) =>
      [undefined, { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'test', choices, ...more }] as const
    const deltas = tool
      ? [{ role: 'assistant', tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: functionOf(tool) }] }]
      : pieces(text ?? '').map((content) => ({ role: 'assistant', content }))
    return [
      ...deltas.map((delta) => chunk([{ index: 0, delta, finish_reason: null }])),
      chunk([{ index: 0, delta: {}, finish_reason: tool ? 'tool_calls' : 'stop' }]),
      chunk([], { usage: { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: 10 } }),
      [undefined, '[DONE]'],
    ]
  },
  reported: [undefined, { error: { message: overloaded, type: 'server_error', param: null, code: null } }],
}
const functionOf = (tool: NonNullable<ScriptedResponse['tool']>) => ({
  name: tool.name,
  arguments: JSON.stringify(tool.args),
})

const counted = {
  input_tokens: usage.input,
  output_tokens: usage.output,
  total_tokens: 10,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens_details: { reasoning_tokens: 0 },
}
const itemOf = ({ text, tool }: ScriptedResponse) =>
  tool
    ? { type: 'function_call', id: 'fc_1', call_id: 'call_1', status: 'completed', ...functionOf(tool) }
    : {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: text ?? '', annotations: [] }],
      }
const responses: Protocol = {
  complete: (scripted) => ({
    id: 'r',
    object: 'response',
    created_at: 1,
    model: 'test',
    status: 'completed',
    output: [itemOf(scripted)],
    usage: counted,
  }),
  stream: (scripted) => {
    const response = { id: 'r', object: 'response', created_at: 1, model: 'test' }
    const item = itemOf(scripted)
    const begun = scripted.tool ? { ...item, arguments: '' } : { ...item, content: [] }
    const event = (type: string, more: object) => [type, { type, ...more }] as const
    const deltas = scripted.tool
      ? [
          event('response.function_call_arguments.delta', {
            item_id: 'fc_1',
            output_index: 0,
            delta: functionOf(scripted.tool).arguments,
          }),
        ]
      : pieces(scripted.text ?? '').map((delta) =>
          event('response.output_text.delta', { item_id: 'msg_1', output_index: 0, content_index: 0, delta }),
        )
    return [
      event('response.created', { response }),
      event('response.output_item.added', { output_index: 0, item: begun }),
      ...deltas,
      event('response.output_item.done', { output_index: 0, item }),
      event('response.completed', { response: { ...response, usage: counted } }),
    ]
  },
  reported: [
    'error',
    { type: 'error', sequence_number: 9, message: overloaded, code: 'server_is_overloaded', param: null },
  ],
}

const blockOf = ({ text, tool }: ScriptedResponse) =>
  tool ? { type: 'tool_use', id: 'toolu_1', name: tool.name, input: tool.args } : { type: 'text', text: text ?? '' }
const messages: Protocol = {
  complete: (scripted) => ({
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'test',
    content: [blockOf(scripted)],
    stop_reason: scripted.tool ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: usage.input, output_tokens: usage.output },
  }),
  stream: (scripted) => {
    const event = (type: string, more: object) => [type, { type, ...more }] as const
    const begun = scripted.tool ? { ...blockOf(scripted), input: {} } : { type: 'text', text: '' }
    const deltas = scripted.tool
      ? [{ type: 'input_json_delta', partial_json: JSON.stringify(scripted.tool.args) }]
      : pieces(scripted.text ?? '').map((text) => ({ type: 'text_delta', text }))
    return [
      event('message_start', {
        message: {
          id: 'm',
          type: 'message',
          role: 'assistant',
          model: 'test',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: usage.input, output_tokens: 0 },
        },
      }),
      event('content_block_start', { index: 0, content_block: begun }),
      ...deltas.map((delta) => event('content_block_delta', { index: 0, delta })),
      event('content_block_stop', { index: 0 }),
      event('message_delta', {
        delta: { stop_reason: scripted.tool ? 'tool_use' : 'end_turn', stop_sequence: null },
        usage: { output_tokens: usage.output },
      }),
      event('message_stop', {}),
    ]
  },
  reported: ['error', { type: 'error', error: { type: 'overloaded_error', message: overloaded } }],
}

const protocols: Readonly<Record<string, Protocol>> = {
  '/v1/chat/completions': chat,
  '/v1/responses': responses,
  '/v1/messages': messages,
}

/** @param mockReplies what it says to each call in order, the last of it to all that follow */
export async function openProviderServer(mockReplies: readonly ScriptedResponse[]) {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (data) => {
      body += data
    })
    request.on('end', () => {
      const path = request.url ?? ''
      asked.push({ path, headers: request.headers, body: JSON.parse(body) as Asked['body'] })
      const scripted = mockReplies[Math.min(asked.length, mockReplies.length) - 1] ?? {}
      const protocol = protocols[path]
      if (scripted.raw) sendRaw(response, scripted.raw)
      else if (!protocol) response.writeHead(404).end()
      else void answer(response, protocol, scripted, asked.at(-1)?.body.stream === true)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function sendRaw(response: ServerResponse, raw: object | Events): void {
  if (!Array.isArray(raw)) {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(raw))
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const [name, data] of raw as Events)
    response.write(`${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`)
  response.end()
}

async function answer(
  response: ServerResponse,
  protocol: Protocol,
  scripted: ScriptedResponse,
  stream: boolean,
): Promise<void> {
  const { fault } = scripted
  if (fault?.kind === 'status') {
    const error = { type: 'error', error: { type: 'api_error', message: 'told to fail', code: null, param: null } }
    response
      .writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
      .end(JSON.stringify(error))
    return
  }
  if (!stream) {
    const text = JSON.stringify(protocol.complete(scripted))
    response.writeHead(200, { 'content-type': 'application/json' })
    if (fault?.kind === 'slow') await pause(fault.ms)
    if (fault?.kind === 'cut' || fault?.kind === 'closed') {
      response.write(text.slice(0, 20))
      await pause(5)
      return fault.kind === 'cut' ? void response.destroy() : void response.end()
    }
    response.end(fault?.kind === 'malformed' ? text.slice(0, -9) : fault?.kind === 'empty' ? '' : text)
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  if (fault?.kind === 'empty') return void response.end()
  const events = protocol.stream(scripted)
  const sentEvents = fault?.kind === 'reported' ? [...events.slice(0, fault.after), protocol.reported] : events
  for (const [i, [name, data]] of sentEvents.entries()) {
    if ((fault?.kind === 'cut' || fault?.kind === 'closed') && i === fault.after) {
      await pause(5)
      return fault.kind === 'cut' ? void response.destroy() : void response.end()
    }
    const text = typeof data === 'string' ? data : JSON.stringify(data)
    const sent = fault?.kind === 'malformed' && i === 1 ? text.slice(0, -9) : text
    response.write(`${name === undefined ? '' : `event: ${name}\n`}data: ${sent}\n\n`)
    if (fault?.kind === 'slow') await pause(fault.ms)
    if (response.destroyed) return
  }
  response.end()
}

const pause = (ms: number) => new Promise<void>((resolve) => void systemClock.after(ms, resolve))
