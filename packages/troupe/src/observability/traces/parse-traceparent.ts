/** Reads the header `traceparent` of W3C Trace Context. */
import type { TraceContext } from '../../core/index.ts'

/** Version ff is invalid; a later version than 00 may have more fields. */
const traceparentForm = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:(?<!^00.{53})-[!-~]*)?$/

/** Returns the span of a header `traceparent` of W3C Trace Context; undefined if the header is invalid. */
export function parseTraceparent(header: string): TraceContext | undefined {
  const [, traceId, spanId, flags = ''] = traceparentForm.exec(header) ?? []
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  // The lowest bit of the flags.
  return { traceId, spanId, ...(Number.parseInt(flags, 16) % 2 === 1 ? {} : { isSampled: false }) }
}
