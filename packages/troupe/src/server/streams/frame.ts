/** Formats one server-sent event as the HTML standard defines it. */
export interface Frame {
  /** The id that a reconnecting client sends as Last-Event-ID. */
  readonly id?: string
  readonly event: string
  readonly data: unknown
}

/** Names and ids contain no line break, and JSON escapes the line breaks of data. */
export const encodeFrame = ({ id, event, data }: Frame): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
