/** A response with a bounded body: a longer one ends with an error, compressed or not. */
import { failure } from '../../core/index.ts'

interface Bounds {
  readonly url: string
  readonly maxBytes: number
  readonly redirected: boolean
  /** Called when the body has ended, was cancelled or failed. */
  readonly ended: () => void
}

const bodiless: readonly number[] = [204, 205, 304]

export function boundedResponse(response: Response, { url, maxBytes, redirected, ended }: Bounds): Response {
  const { status, statusText, headers } = response
  const tooLarge = () => failure('egress.too_large', { host: new URL(url).host, limit: maxBytes })
  // The answer to HEAD has the length of a body, and no body.
  if (response.body && Number(headers.get('content-length') ?? 0) > maxBytes) {
    void response.body.cancel().catch(() => {})
    ended()
    throw tooLarge()
  }
  const body = response.body && !bodiless.includes(status) ? counted(response.body, maxBytes, tooLarge, ended) : null
  if (!body) ended()
  const bounded = new Response(body, { status, statusText, headers: [...headers] })
  Object.defineProperties(bounded, { url: { value: url }, redirected: { value: redirected } })
  return bounded
}

function counted(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  tooLarge: () => Error,
  ended: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader()
  let bytes = 0
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) {
          ended()
          return controller.close()
        }
        bytes += value.byteLength
        if (bytes > maxBytes) throw tooLarge()
        controller.enqueue(value as Uint8Array<ArrayBuffer>)
      } catch (error) {
        ended()
        controller.error(error)
        await reader.cancel(error).catch(() => {})
      }
    },
    async cancel(reason) {
      ended()
      await reader.cancel(reason)
    },
  })
}
