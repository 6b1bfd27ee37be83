/** Reads server-sent events, as https://html.spec.whatwg.org/multipage/server-sent-events.html has them. */
import { fieldOf, isInstance } from '../core/index.ts'
import { wrongArgument } from './check-client-request.ts'
import type { ServerEvent } from './client.ts'

/** Returns the events of the body of an answer, one by one. */
export async function* serverEvents<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent<T>> {
  let fields: { id?: string; event?: string; data: string[] } = { data: [] }
  checkBody(body)
  for await (const line of linesOf(body)) {
    if (line === '') {
      if (fields.data.length > 0)
        yield { id: fields.id, event: fields.event ?? 'message', data: JSON.parse(fields.data.join('\n')) as T }
      fields = { data: [] }
      continue
    }
    const { name = '', value = '' } = /^(?<name>[^:]*):? ?(?<value>.*)$/s.exec(line)?.groups ?? {}
    if (name === 'data') fields.data.push(value)
    if (name === 'id' || name === 'event') fields[name] = value
  }
}

function checkBody(body: unknown): void {
  if (typeof fieldOf(body, Symbol.asyncIterator) !== 'function')
    throw wrongArgument('The body of serverEvents', 'it is not an async iterable of bytes')
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    if (!isInstance(chunk, Uint8Array)) throw wrongArgument('A chunk of serverEvents', 'it is not a Uint8Array')
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    yield* lines
  }
}
