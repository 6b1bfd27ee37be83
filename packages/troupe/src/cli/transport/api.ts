/**
 * One way to a troupe, wherever it is: the routes of the server. Over a socket to one that serves, or without one to a
 * troupe opened here. So a command is written once.
 */
import { setTimeout } from 'node:timers/promises'
import { type ServerEvent, serverEvents } from '../../client/index.ts'
import { CliError, commandFailure, exitCodes, exitOfStatus } from '../exit-codes.ts'

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** A status from 400 on that comes with an answer, not with a problem. */
  readonly also?: number
}

export interface ApiResponse {
  readonly status: number
  readonly body: AsyncIterable<Uint8Array>
}

/** Carries a request to the server and its answer back. */
export interface Transport extends AsyncDisposable {
  /** Where it leads, for messages. */
  readonly location: string
  /** Over a connection that may be cut. */
  readonly remote: boolean
  send(
    request: {
      readonly method: string
      readonly url: string
      readonly headers: Record<string, string>
      readonly body?: string
    },
    signal: AbortSignal,
  ): Promise<ApiResponse>
}

interface Page<T> {
  readonly items: readonly T[]
  readonly cursor?: string
}

export class Api implements AsyncDisposable {
  readonly #transport: Transport
  readonly #headers: Readonly<Record<string, string>>
  readonly #signal: AbortSignal

  constructor(
    transport: Transport,
    options: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
  ) {
    this.#transport = transport
    this.#headers = options.headers
    this.#signal = options.signal
  }

  get location(): string {
    return this.#transport.location
  }

  /** A server carries runs on, whether anybody follows them or not. */
  get remote(): boolean {
    return this.#transport.remote
  }

  /** @throws CliError with the problem that the server reports */
  async call<T>(asked: ApiRequest): Promise<T> {
    const { status, body } = await this.#send(asked, this.#signal)
    const text = await textOf(body)
    if (status >= 400 && !(status === asked.also && hasStatus(text))) throw problemOf(status, text, asked)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  /** What is no JSON, piece by piece. @throws CliError with the problem that the server reports */
  async *text(asked: ApiRequest): AsyncGenerator<string> {
    const { status, body } = await this.#send(asked, this.#signal)
    if (status >= 400) throw problemOf(status, await textOf(body), asked)
    const decoder = new TextDecoder()
    for await (const chunk of body) yield decoder.decode(chunk, { stream: true })
  }

  /** The items of all pages, read as they are needed. */
  async *pages<T>(asked: ApiRequest, maxItems = Number.POSITIVE_INFINITY): AsyncGenerator<T> {
    let cursor: string | undefined
    let left = maxItems
    do {
      const query = { ...asked.query, cursor, limit: Math.min(left, 100) }
      const page: Page<T> = await this.call<Page<T>>({ ...asked, query })
      yield* page.items
      left -= page.items.length
      cursor = page.cursor
    } while (cursor !== undefined && left > 0)
  }

  /**
   * Server-sent events, until whoever reads has enough. A connection that is cut, by a proxy or by a server that ends,
   * goes on behind the last event.
   */
  async *events<T>(asked: ApiRequest): AsyncGenerator<ServerEvent<T>> {
    let last: string | undefined
    for (let silent = 0; silent < 5 && !this.#signal.aborted; silent++) {
      if (silent > 0) await setTimeout(500 * silent, undefined, { signal: this.#signal })
      const ends = new AbortController()
      try {
        const headers = { ...asked.headers, ...(last === undefined ? {} : { 'last-event-id': last }) }
        const { status, body } = await this.#send({ ...asked, headers }, AbortSignal.any([this.#signal, ends.signal]))
        if (status >= 400) throw problemOf(status, await textOf(body), asked)
        // Nothing is left.
        if (status === 204) return
        for await (const event of serverEvents<T>(body)) {
          silent = 0
          last = event.id ?? last
          if (event.event === 'problem') throw problemOf(500, JSON.stringify(event.data), asked)
          yield event
        }
      } catch (error) {
        const isCut = error instanceof CliError ? error.exit === exitCodes.unavailable : true
        if (!isCut || silent === 4 || this.#signal.aborted) throw error
      } finally {
        ends.abort()
      }
      if (!this.#transport.remote) return
    }
  }

  #send({ method = 'GET', path, query = {}, body, headers }: ApiRequest, signal: AbortSignal): Promise<ApiResponse> {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
    const request = {
      method,
      url: `${path}${search.size > 0 ? `?${search}` : ''}`,
      headers: {
        ...this.#headers,
        'troupe-error-texts': 'show',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }
    return this.#transport.send(request, signal)
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#transport[Symbol.asyncDispose]()
  }
}

/** One part of a path, whatever is in it. */
export const part = (text: string): string => encodeURIComponent(text)

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function problemOf(status: number, text: string, { method = 'GET', path }: ApiRequest): CliError {
  const problem = readProblem(text)
  if (problem) return new CliError(problem.detail, { ...problem, exit: exitOfStatus(status) })
  return commandFailure('server.unknown', exitOfStatus(status), { request: `${method} ${path}`, status })
}

/** Of a troupe, and not of whatever stands before it. */
function hasStatus(text: string): boolean {
  try {
    return typeof (JSON.parse(text) as { readonly status?: unknown }).status === 'string'
  } catch {
    return false
  }
}

function readProblem(
  text: string,
): { readonly detail: string; readonly code: string; readonly hint?: string } | undefined {
  try {
    const { detail, code, hint } = JSON.parse(text) as Readonly<Record<string, unknown>>
    if (typeof detail !== 'string' || typeof code !== 'string') return undefined
    return { detail, code, ...(typeof hint === 'string' ? { hint } : {}) }
  } catch {
    return undefined
  }
}
