/** Requests of the page: its session is a cookie, the user a header. */
import { createParser } from 'eventsource-parser'
import { offline, Problem } from './problem.ts'

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
  readonly signal?: AbortSignal
}
export interface Page<T> {
  readonly items: readonly T[]
  readonly cursor?: string
}
export interface Sent<T> {
  readonly id: string | undefined
  readonly event: string
  readonly data: T
}

export type Client = ReturnType<typeof createClient>

/**
 * @param user whose data it is about; undefined where the session is for one
 * @param onAuthenticated of each answer, whether it knew who asks
 */
export function createClient(user: string | undefined, onAuthenticated: (signedIn: boolean) => void) {
  async function send(path: string, { method = 'GET', query = {}, body, signal }: Asked, more: Record<string, string>) {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
    const headers = {
      // A header takes bytes: those of its UTF-8, for a name may be in any script.
      ...(user === undefined ? {} : { 'troupe-user': String.fromCharCode(...new TextEncoder().encode(user)) }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...more,
    }
    const answer = await fetch(search.size > 0 ? `${path}?${search}` : path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    }).catch((error: Error) => {
      throw signal?.aborted ? error : offline()
    })
    // Others are open to everybody.
    if (path.startsWith('/v1/')) onAuthenticated(answer.status !== 401)
    if (answer.ok) return answer
    throw new Problem(answer.status, ((await answer.json().catch(() => ({}))) ?? {}) as object)
  }

  return {
    user,
    async call<T>(path: string, asked: Asked = {}): Promise<T> {
      const answer = await send(path, asked, {})
      return (answer.status === 204 ? undefined : await answer.json()) as T
    },
    /** Until the stream ends or the signal aborts. */
    async stream<T>(
      path: string,
      {
        signal,
        after,
        query,
        onEvent,
        opened,
      }: {
        readonly signal: AbortSignal
        readonly after?: string | undefined
        readonly query?: Asked['query']
        readonly onEvent: (sent: Sent<T>) => void
        /** Once the server has taken it. */
        readonly opened: () => void
      },
    ): Promise<void> {
      const more = after === undefined ? {} : { 'last-event-id': after }
      const { body } = await send(path, { signal, ...(query ? { query } : {}) }, more)
      opened()
      const parser = createParser({
        onEvent: ({ id, event = 'message', data }) => onEvent({ id, event, data: JSON.parse(data) as T }),
      })
      const decoder = new TextDecoder()
      for await (const chunk of body ?? []) parser.feed(decoder.decode(chunk, { stream: true }))
    },
  }
}

export const part = encodeURIComponent
