/**
 * Serves the recorded outputs as they are, each under a path of its own: to the first question of a turn, and as often as
 * it is asked again. What follows a result of a tool, and every later turn, is answered well.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Output } from './recorded-output.ts'
import { saneAnswer } from './valid-answer.ts'

export interface Server {
  readonly url: (index: number) => string
  /** The bodies of the requests for one output, in order. */
  readonly asked: (index: number) => readonly Body[]
  close(): Promise<void>
}
export interface Body {
  readonly stream?: boolean
  readonly messages?: readonly { readonly role: string; readonly content?: unknown }[]
  readonly input?: readonly { readonly type?: string; readonly role?: string; readonly content?: unknown }[]
}

export async function openServer(outputs: readonly Output[]): Promise<Server> {
  const asked = new Map<number, Body[]>()
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const [, index = '', path = ''] = /^\/(\d+)(\/.*)$/.exec(request.url ?? '') ?? []
      const output = outputs[Number(index)] as Output
      const body = JSON.parse(Buffer.concat(parts).toString()) as Body
      const before = asked.get(Number(index)) ?? []
      asked.set(Number(index), [...before, body])
      if (isMalformed(output, body)) void play(output, response)
      else {
        const stream = body.stream === true
        const type = stream ? 'text/event-stream' : 'application/json'
        response.writeHead(200, { 'content-type': type }).end(saneAnswer(path, stream))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: (index) => `http://127.0.0.1:${port}/${index}/v1`,
    asked: (index) => asked.get(index) ?? [],
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function isMalformed(output: Output, body: Body): boolean {
  const last = JSON.stringify((body.messages ?? body.input)?.at(-1) ?? '')
  if (last.includes('And now?')) return false
  return output.always === true || !/"role":"tool"|"tool_result"|"function_call_output"/.test(last)
}

async function play(output: Output, response: ServerResponse): Promise<void> {
  const type = output.type ?? (output.stream ? 'text/event-stream' : 'application/json')
  response.writeHead(output.status ?? 200, { 'content-type': type })
  const { of = '', times = 0 } = output.repeat ?? {}
  const body = output.bytes === undefined ? (output.body ?? '').replace('REPEAT', () => of.repeat(times)) : ''
  const bytes = output.bytes === undefined ? Buffer.from(body) : Buffer.from(output.bytes, 'base64')
  if (output.endless === undefined) return void response.end(bytes)
  response.write(bytes)
  for (let n = 0; !response.destroyed; n += 50) {
    let more = ''
    for (let i = n; i < n + 50; i++) more += output.endless.replaceAll('COUNT', String(i))
    if (more === '' || !response.write(more)) await pause(1)
    else await pause(0)
  }
}
