/** A server on this machine that gives scripted answers as OpenAI's Responses API does, streamed or not. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ScriptedAnswer {
  readonly text?: string
  readonly tool?: { readonly name: string; readonly args: unknown }
}

const response = { id: 'r', object: 'response', created_at: 1, model: 'test' }
const usage = { input_tokens: 7, output_tokens: 3, total_tokens: 10 }

const callOf = ({ tool }: ScriptedAnswer) => tool && { name: tool.name, arguments: JSON.stringify(tool.args) }

function itemOf(answer: ScriptedAnswer) {
  const call = callOf(answer)
  const part = { type: 'output_text', text: answer.text ?? '', annotations: [] }
  return call
    ? { type: 'function_call', id: 'f', call_id: 'c', status: 'completed', ...call }
    : { type: 'message', id: 'm', role: 'assistant', status: 'completed', content: [part] }
}

function eventsOf(answer: ScriptedAnswer) {
  const call = callOf(answer)
  const item = itemOf(answer)
  const begun = call ? { ...item, arguments: '' } : { ...item, content: [] }
  const delta = call
    ? { type: 'response.function_call_arguments.delta', item_id: 'f', output_index: 0, delta: call.arguments }
    : { type: 'response.output_text.delta', item_id: 'm', output_index: 0, content_index: 0, delta: answer.text ?? '' }
  return [
    { type: 'response.created', response },
    { type: 'response.output_item.added', output_index: 0, item: begun },
    delta,
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { ...response, usage } },
  ]
}

/** @param answers to the requests in their order */
export async function openScriptedModel(answers: readonly ScriptedAnswer[]) {
  const requests: string[] = []
  const server = createServer(async (request, reply) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    requests.push(body)
    const answer = answers[requests.length - 1] ?? {}
    if (JSON.parse(body).stream !== true) {
      const answered = { ...response, status: 'completed', output: [itemOf(answer)], usage }
      reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answered))
      return
    }
    reply.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const event of eventsOf(answer)) reply.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    reply.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
