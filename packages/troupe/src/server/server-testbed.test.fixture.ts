/** A troupe behind a real server on a free port, and a client of it. */
import type { FastifyInstance } from 'fastify'
import { defineAgent, finish } from '../agents/index.ts'
import type { TroupeConfig } from '../configuration/index.ts'
import { createTroupe, type Troupe } from '../startup/index.ts'
import { type ServerOptions, serve } from './index.ts'

export const echo = defineAgent({ name: 'Echo', run: async (input) => ({ received: input }) })
export const asking = defineAgent({
  name: 'Asking',
  run: async (_, ctx) => finish(await ctx.ask({ kind: 'choice', text: 'Which?', options: ['red', 'blue'] })),
})

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // What a test expects of it says what it is.
  // biome-ignore lint/suspicious/noExplicitAny: any JSON
  readonly body: any
}
export type CallServer = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>

export const caller =
  (url: string, always: Readonly<Record<string, string>> = {}): CallServer =>
  async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...always, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== '' ? JSON.parse(text) : undefined,
    }
  }

export interface Served {
  readonly troupe: Troupe
  readonly url: string
  readonly call: CallServer
  readonly app: FastifyInstance
  readonly close: () => Promise<void>
  readonly link: (scope?: Parameters<Troupe['apiKeys']['link']>[0]) => Promise<string>
}

/** Closes what it opened, the last first. */
export class Servers {
  readonly #open: (() => Promise<void>)[] = []

  async start(config: Partial<TroupeConfig> = {}, options: ServerOptions = {}): Promise<Served> {
    const troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [echo, asking], ...config })
    this.#open.push(() => troupe.close())
    const server = await serve(troupe, { port: 0, ...options })
    this.#open.push(() => server.close())
    const { url, app } = server
    return { troupe, url, app, call: caller(url), close: () => server.close(), link: (scope) => server.link(scope) }
  }

  async close(): Promise<void> {
    for (const close of this.#open.splice(0).reverse()) await close()
  }
}

export interface Event {
  readonly id: string | undefined
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: any JSON
  readonly data: any
}

/** Follows a stream, as an EventSource does; ends with the server or the signal. */
export async function* follow(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): AsyncGenerator<Event> {
  const response = await fetch(url, { headers, ...(signal ? { signal } : {}) })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  let text = ''
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
      const event = field('event')
      if (event) yield { id: field('id'), event, data: JSON.parse(field('data') ?? 'null') }
    }
  }
}

/** Waits until it holds; fails after 20 s, saying what it was. */
export async function until<T>(what: string, check: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (let attempts = 0; attempts < 1_000; attempts++) {
    const found = await check()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`not within 20 s: ${what}`)
}
