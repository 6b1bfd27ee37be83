/** Formats one server-sent event as the HTML standard defines it. */
import { jsonInParts, type WorkInParts } from '../../core/index.ts'

export interface Frame {
  /** The id that a reconnecting client sends as Last-Event-ID. */
  readonly id?: string
  readonly event: string
  readonly data: unknown
}

/** Names and ids contain no line break, and JSON escapes the line breaks of data. */
export function* encodeFrame({ id, event, data }: Frame): WorkInParts<string> {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${yield* jsonInParts(data)}\n\n`
}
