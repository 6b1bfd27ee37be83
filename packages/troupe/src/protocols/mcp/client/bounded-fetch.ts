/** Limits the size of answers over HTTP in bytes; in a stream, the limit applies to each message. */
import { failure } from '../../../core/index.ts'
import type { Fetch } from '../../../security/index.ts'
import { copiedResponse } from './copied-response.ts'

const lineFeed = 10
const carriageReturn = 13

function counting(limit: number, isStream: boolean, tooLarge: () => Error): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0
  let isLineEmpty = true
  const count = (byte: number) => {
    bytes++
    if (byte === lineFeed) {
      // A blank line ends a message.
      if (isLineEmpty) bytes = 0
      isLineEmpty = true
    } else if (byte !== carriageReturn) isLineEmpty = false
  }
  return new TransformStream({
    transform(chunk, controller) {
      if (isStream) chunk.forEach(count)
      else bytes += chunk.length
      if (bytes > limit) throw tooLarge()
      controller.enqueue(chunk)
    },
  })
}

/** @param limit bytes of one message */
export const boundedFetch =
  (fetch: Fetch, limit: number): Fetch =>
  async (input, init) => {
    const response = await fetch(input, init)
    const { body, headers, url } = response
    if (!body) return response
    const isStream = headers.get('content-type')?.startsWith('text/event-stream') ?? false
    const tooLarge = () => failure('egress.too_large', { host: new URL(url).host, limit })
    return copiedResponse(response, body.pipeThrough(counting(limit, isStream, tooLarge)))
  }
