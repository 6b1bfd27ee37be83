/** Sends requests to an app in the same process, without a socket. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'

/** Status codes without a body. */
const withoutBody = new Set([204, 304])

/**
 * Creates a `fetch` that carries requests to an app in this process; the address in a URL is ignored. Give it to
 * `createClient` of `troupe/client`, or call it in the route handler of another framework with its `Request`. It ignores what
 * is no option of `fetch`, such as the `params` of Next.js.
 * @example
 * import Fastify from 'fastify'
 * import { createClient } from 'troupe/client'
 * const app = Fastify({ routerOptions: { maxParamLength: 4_096 } })
 * await app.register(troupePlugin, { troupe })
 * const client = createClient({ fetch: createFetch(app) })
 */
export const createFetch =
  (app: FastifyInstance) =>
  async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = requestOf(input, init)
    const { pathname, search, host } = new URL(request.url)
    // The signal of `request` follows that of the caller only until the request is collected as garbage.
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined)
    const upload = await openUpload(request)
    // The app would answer all the same, and the error of its answer would end the process.
    if (signal?.aborted) upload?.cancel()
    signal?.throwIfAborted()
    const answer = await app
      .inject({
        method: request.method as 'GET',
        url: pathname + search,
        headers: { host, ...upload?.headers, ...Object.fromEntries(request.headers) },
        ...(upload ? { payload: upload.payload } : {}),
        ...(signal ? { signal } : {}),
        payloadAsStream: true,
      })
      .finally(() => upload?.cancel())
    const sent = Object.entries(answer.headers).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, String(one)]),
    )
    // `Readable.toWeb` throws outside of any call if bytes arrive after the caller has cancelled the body.
    const stream = withoutBody.has(answer.statusCode) ? null : bytesOf(answer.stream())
    return new Response(stream, { status: answer.statusCode, headers: sent })
  }

/** Reads a Request instead of copying it: that of Next.js is a Proxy, which cannot be copied. */
function requestOf(input: string | URL | Request, init: RequestInit | undefined): Request {
  if (!(input instanceof Request)) return new Request(new URL(input, 'http://localhost'), init)
  const { method, headers, url, body } = input
  return new Request(url, { method, headers: [...headers], ...(body ? { body, duplex: 'half' } : {}), ...init })
}

/**
 * Returns the body of a request as a stream, so that the app can reject one that is too large before it has come; undefined for
 * an empty body. `cancel` rejects the rest.
 */
async function openUpload({ body, headers }: Request) {
  const reader = body?.getReader()
  const first = await reader?.read()
  if (!reader || !first || first.done) return undefined
  async function* chunks(from: ReadableStreamDefaultReader<Uint8Array>, begin: Uint8Array) {
    yield begin
    for (let next = await from.read(); !next.done; next = await from.read()) yield next.value
  }
  return {
    payload: Readable.from(chunks(reader, first.value), { objectMode: false }),
    headers: headers.has('content-length') ? {} : { 'transfer-encoding': 'chunked' },
    cancel: () => void reader.cancel().catch(() => {}),
  }
}

const bytesOf = (answer: Readable): ReadableStream<Uint8Array> =>
  ReadableStream.from(answer) as ReadableStream<Uint8Array>
