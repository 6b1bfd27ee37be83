/**
 * A client of a Troupe server, over a socket or in the same process. It needs nothing of Node, so that a page can use it;
 * a request is sent again only where that cannot do its work twice.
 */
import { endable, TroupeError } from '../core/index.ts'
import { checkClientOptions, checkClientRequest, checkHeaderNames, jsonTextOf } from './check-client-request.ts'
import type { Client, ClientRequestOptions, PageOptions, ServerEvent, StreamOptions } from './client.ts'
import { errorOf, unknownAnswer, unreachable } from './client-error.ts'
import { operationPaths } from './generated/operation-paths.ts'
import { retryAfterOf } from './retry-after-of.ts'
import { serverEvents } from './server-events.ts'

/** The options of `createClient`. */
export interface ClientOptions {
  /**
   * The http or https URL of the server, with the path at which it is mounted; in a page also a path that begins with
   * `/`. The origin of the page by default.
   */
  readonly url?: string
  /** An API key. A page whose session is a cookie needs none. */
  readonly key?: string
  /** The id of the user whose data is used. A key that belongs to one user needs none. */
  readonly user?: string
  /** The name of the agent as which the calls are made; the application by default. */
  readonly agent?: string
  /** Headers of each request; none by default. */
  readonly headers?: Readonly<Record<string, string>>
  /** Ends all requests of this client. */
  readonly signal?: AbortSignal
  /** The number of retries after a temporary failure, if a repetition is safe; 2 by default. */
  readonly retries?: number
  /** The number of reconnections of a stream without an event in between; 4 by default. */
  readonly reconnects?: number
  /** Sends requests; the `fetch` of the platform by default. `createFetch(app)` of `troupe/server` needs no socket. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
}

interface AnyRequest extends PageOptions, StreamOptions {
  readonly path?: Readonly<Record<string, string | number>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
}
/** A request as it was at the call: it may be sent again, and the caller may have changed it by then. */
interface CapturedRequest extends Omit<AnyRequest, 'body'> {
  /** The body as JSON. */
  readonly text: string | undefined
}
type OperationName = keyof typeof operationPaths

/** Waits between attempts: 250 ms, doubled each time, 8 s at most. */
const pauseMs = (attempt: number): number => Math.min(250 * 2 ** attempt, 8_000)
const longestPauseMs = 30_000
const passing = new Set([408, 429, 502, 503, 504])
const perPage = 100

/**
 * Creates a client. It holds no connection: there is nothing to close.
 * @throws ValidationError for an option that is not allowed
 * @example
 * import { createClient } from 'troupe/client'
 * const client = createClient({ url: 'http://127.0.0.1:8000', key: process.env.TROUPE_API_KEY ?? '', user: 'ada' })
 * const { items } = await client.call('runs.list', { query: { status: 'waiting' } })
 * for (const { id, title } of items) console.log(id, title)
 */
export function createClient(options: ClientOptions = {}): Client {
  checkClientOptions(options)
  // The types of the document are for callers; internally all operations have the same type.
  return new FetchClient(options) as unknown as Client
}

class FetchClient {
  readonly #options: ClientOptions
  readonly #root: string
  /** The Retry-After delay of each error, as long as the error is referenced. */
  readonly #waits = new WeakMap<TroupeError, number>()
  readonly #fetch: NonNullable<ClientOptions['fetch']>

  constructor(options: ClientOptions) {
    this.#options = { ...options, ...(options.headers ? { headers: { ...options.headers } } : {}) }
    this.#root = (options.url ?? '').replace(/(?<!\/)\/+$/, '')
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init))
  }

  async call(name: OperationName, request: AnyRequest = {}): Promise<unknown> {
    return this.#call(name, capturedRequest(name, request))
  }

  async #call(name: OperationName, request: CapturedRequest): Promise<unknown> {
    return this.#retried(name, request, async (answer) => {
      const text = await this.#textOf(answer, request)
      return text === '' ? undefined : parsed(text, name, answer)
    })
  }

  text(name: OperationName, request: AnyRequest = {}): AsyncGenerator<string, void> {
    return this.#text(name, capturedRequest(name, request))
  }

  async *#text(name: OperationName, request: CapturedRequest): AsyncGenerator<string, void> {
    const answer = await this.#retried(name, request, (found) => found)
    const decoder = new TextDecoder()
    for await (const chunk of this.#chunksOf(answer, request)) yield decoder.decode(chunk, { stream: true })
  }

  pages(name: OperationName, options: AnyRequest = {}): AsyncGenerator<unknown, void> {
    return this.#pages(name, capturedRequest(name, options))
  }

  async *#pages(name: OperationName, options: CapturedRequest): AsyncGenerator<unknown, void> {
    const { max = Number.POSITIVE_INFINITY, ...request } = options
    let left = max
    let cursor: unknown
    while (left > 0) {
      const { limit = Math.min(left, perPage) } = request.query ?? {}
      const query = { ...request.query, limit, ...(cursor === undefined ? {} : { cursor }) }
      const page = (await this.#call(name, { ...request, query })) as Page | undefined
      if (!Array.isArray(page?.items)) throw unknownAnswer(requestOf(name), 200)
      for (const item of page.items.slice(0, left)) yield item
      left -= page.items.length
      cursor = page.cursor
      if (cursor === undefined) return
    }
  }

  stream(name: OperationName, request: AnyRequest = {}): AsyncGenerator<ServerEvent, void> {
    const captured = capturedRequest(name, request)
    return endable(captured.signal, (signal) => this.#stream(name, { ...captured, signal }))
  }

  async *#stream(name: OperationName, request: CapturedRequest): AsyncGenerator<ServerEvent, void> {
    const { reconnects = 4 } = this.#options
    const signal = this.#signalOf(request)
    let lastEventId = request.lastEventId
    // Reconnecting repeats the request, which would repeat the effect of another method.
    const attempts = methodOf(name) === 'GET' ? reconnects + 1 : 1
    // The first end of a complete stream is usually that of its source, which the next request confirms at once.
    let ends = 0
    for (let silent = 0; silent < attempts && signal?.aborted !== true; silent++) {
      if (silent > 0 && ends !== 1) await pause(pauseMs(silent), signal)
      const headers = { ...request.headers, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) }
      try {
        const answer = await this.#send(name, { ...request, headers })
        request.onOpen?.()
        // Nothing is left.
        if (answer.status === 204) return
        for await (const event of serverEvents<unknown>(this.#chunksOf(answer, request))) {
          if (event.event === 'problem') throw errorOf(JSON.stringify(event.data)) ?? unknownAnswer(name, 500)
          silent = 0
          lastEventId = event.id ?? lastEventId
          yield event
        }
        ends++
      } catch (error) {
        ends = Math.max(ends, 2)
        if (signal?.aborted || !isCut(error) || silent === attempts - 1) throw error
      }
    }
  }

  /** @param read reads the answer, since the connection may break meanwhile */
  async #retried<T>(
    name: OperationName,
    request: CapturedRequest,
    read: (answer: Response) => T | Promise<T>,
  ): Promise<T> {
    const { retries = 2 } = this.#options
    const key = request.idempotencyKey ?? (retries > 0 && takesKey(name) ? randomKey() : undefined)
    const isSafe = methodOf(name) !== 'POST' || key !== undefined
    const headers = { ...request.headers, ...(key === undefined ? {} : { 'idempotency-key': key }) }
    for (let attempt = 0; ; attempt++) {
      try {
        return await read(await this.#send(name, { ...request, headers }))
      } catch (error) {
        const signal = this.#signalOf(request)
        if (signal?.aborted) throw signal.reason
        if (!isSafe || attempt >= retries || !isPassing(error)) throw error
        await pause(Math.min(this.#waits.get(error as TroupeError) ?? pauseMs(attempt), longestPauseMs), signal)
      }
    }
  }

  /** @throws TroupeError for every answer that is not the operation's */
  async #send(name: OperationName, request: CapturedRequest): Promise<Response> {
    const { key, user, agent, headers = {} } = this.#options
    checkHeaderNames({ user, agent })
    const signal = this.#signalOf(request)
    const { text } = request
    const url = this.#root + urlOf(name, request)
    const answer = await this.#fetch(url, {
      method: methodOf(name),
      redirect: 'error',
      headers: {
        ...(key ? { authorization: `Bearer ${key}` } : {}),
        ...(user === undefined ? {} : { 'troupe-user': inHeader(user) }),
        ...(agent === undefined ? {} : { 'troupe-agent': inHeader(agent) }),
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
        ...request.headers,
      },
      ...(text === undefined ? {} : { body: text }),
      ...(signal ? { signal } : {}),
    }).catch((error: unknown) => this.#broken(error, request))
    if (answer.ok || isProbe(name, answer)) return answer
    const error = errorOf(await this.#textOf(answer, request)) ?? unknownAnswer(requestOf(name), answer.status)
    const after = retryAfterOf(answer.headers)
    if (after !== undefined) this.#waits.set(error, after)
    throw error
  }

  #textOf(answer: Response, request: CapturedRequest): Promise<string> {
    return answer.text().catch((error: unknown) => this.#broken(error, request))
  }

  async *#chunksOf({ body }: Response, request: CapturedRequest): AsyncGenerator<Uint8Array> {
    try {
      yield* chunksOf(body)
    } catch (error) {
      this.#broken(error, request)
    }
  }

  /**
   * @throws `server.unreachable` for a connection that breaks, unless the caller has ended it; the error of a server in the
   * same process that could not be opened
   */
  #broken(error: unknown, request: CapturedRequest): never {
    if (error instanceof TroupeError) throw error
    throw this.#signalOf(request)?.aborted ? error : unreachable(this.#root || 'The server', error)
  }

  #signalOf({ signal }: ClientRequestOptions): AbortSignal | undefined {
    const { signal: all } = this.#options
    return signal && all ? AbortSignal.any([signal, all]) : (signal ?? all)
  }
}

/** @throws ValidationError */
function capturedRequest(name: OperationName, request: AnyRequest): CapturedRequest {
  checkClientRequest(name, request)
  const { path, query, headers, body, ...rest } = request
  return {
    ...rest,
    ...(path ? { path: { ...path } } : {}),
    ...(query ? { query: { ...query } } : {}),
    ...(headers ? { headers: { ...headers } } : {}),
    text: body === undefined ? undefined : jsonTextOf(`The body of ${name}`, body),
  }
}

interface Page {
  readonly items: readonly unknown[]
  readonly cursor?: string
}

const methodOf = (name: OperationName): string => operationPaths[name].slice(0, operationPaths[name].indexOf(' '))
const pathOf = (name: OperationName): string => operationPaths[name].slice(operationPaths[name].indexOf(' ') + 1)
const requestOf = (name: OperationName): string => `${methodOf(name)} ${pathOf(name)}`

/** @throws `server.unknown` for a text of another server, such as the page of a website */
function parsed(text: string, name: OperationName, { status }: Response): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw unknownAnswer(requestOf(name), status)
  }
}

/** A page that is not served over TLS has no randomUUID. */
const randomKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join('-')

/** The server stores no answer that holds a secret. */
const takesKey = (name: OperationName): boolean => methodOf(name) === 'POST' && !/^(apiKeys|links)\./.test(name)

/** A probe that finds something wrong answers with its own form. */
const isProbe = (name: OperationName, { headers }: Response): boolean =>
  name.startsWith('probes.') && /^application\/json\b/.test(headers.get('content-type') ?? '')

function urlOf(name: OperationName, { path = {}, query = {} }: AnyRequest): string {
  const search = new URLSearchParams()
  for (const [field, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) search.append(field, String(one))
  const filled = pathOf(name).replace(/\{(\w+)\}/g, (_, field: string) => encodeURIComponent(path[field] ?? ''))
  return search.size > 0 ? `${filled}?${search}` : filled
}

/** A name of any script: its bytes in UTF-8, of which a header takes each as one character. */
const inHeader = (name: string): string => String.fromCharCode(...new TextEncoder().encode(name))

const statusOf = (error: unknown): number | undefined => {
  const { status } = (error ?? {}) as { readonly status?: unknown }
  return typeof status === 'number' ? status : undefined
}
/** Whether the error is temporary. `request.running` means that a request with the same key is in progress. */
const isPassing = (error: unknown): boolean =>
  passing.has(statusOf(error) ?? 0) || (error as Partial<TroupeError>).code === 'request.running'
/** A stream is cut by an error of the connection, which has no status, or by a server that is not ready. */
const isCut = (error: unknown): boolean => statusOf(error) === undefined || isPassing(error)

async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  if (!reader) return
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** @throws the reason of the signal */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}
