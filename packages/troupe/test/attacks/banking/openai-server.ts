/** The obedient model behind the protocol that providers of models speak: a stand-in for a real one in tests of the command. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { instructionsIn, textsOf } from '../obedient-model.ts'

interface Message {
  readonly role: string
  readonly content?: unknown
  readonly tool_call_id?: string
  readonly tool_calls?: readonly { readonly function: { readonly name: string; readonly arguments: string } }[]
}

/** Carries out the instructions of a conversation one by one, and then repeats what it read. */
function answerTo(messages: readonly Message[]): object {
  const done = new Set(
    messages.flatMap(({ tool_calls: calls = [] }) =>
      calls.map(({ function: { name, arguments: args } }) => `${name} ${args}`),
    ),
  )
  const texts = messages.filter(({ role }) => role !== 'assistant').flatMap(({ content }) => textsOf(content ?? ''))
  const next = instructionsIn(texts).find(({ tool, args }) => !done.has(`${tool} ${args}`))
  if (!next) return { role: 'assistant', content: texts.join(' ') }
  const call = {
    id: `call-${done.size}`,
    index: 0,
    type: 'function',
    function: { name: next.tool, arguments: next.args },
  }
  return { role: 'assistant', content: null, tool_calls: [call] }
}

export async function openObedientServer() {
  let requests = 0
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    requests++
    const asked = JSON.parse(text) as { readonly messages: readonly Message[]; readonly stream?: boolean }
    const message = answerTo(asked.messages)
    const reason = 'tool_calls' in message ? 'tool_calls' : 'stop'
    const body = (choice: object) => ({
      id: `answer-${requests}`,
      object: asked.stream ? 'chat.completion.chunk' : 'chat.completion',
      created: 0,
      model: 'obedient',
      choices: [{ index: 0, ...choice }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    })
    if (!asked.stream) {
      response.writeHead(200, { 'content-type': 'application/json' })
      return void response.end(JSON.stringify(body({ message, finish_reason: reason })))
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const choice of [
      { delta: message, finish_reason: null },
      { delta: {}, finish_reason: reason },
    ])
      response.write(`data: ${JSON.stringify(body(choice))}\n\n`)
    response.end('data: [DONE]\n\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests: () => requests,
    close: () => {
      server.closeAllConnections()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
