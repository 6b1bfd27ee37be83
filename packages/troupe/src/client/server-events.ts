/** Reads server-sent events, as https://html.spec.whatwg.org/multipage/server-sent-events.html has them. */
/** One event of a stream; `data` is read from JSON. */
export interface ServerEvent<T = unknown> {
  readonly id: string | undefined
  readonly event: string
  readonly data: T
}

/** Returns the events of the body of an answer, one by one. */
export async function* serverEvents<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent<T>> {
  let fields: { id?: string; event?: string; data: string[] } = { data: [] }
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

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    yield* lines
  }
}
