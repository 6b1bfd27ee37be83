/** One event of a stream of server-sent events, as the HTML standard writes it. */
export interface Frame {
  /** What a client that comes back names as Last-Event-ID. */
  readonly id?: string
  readonly event: string
  readonly data: unknown
}

/** No name and no id of ours holds a line break; data is JSON, in which none stands bare. */
export const encodeFrame = ({ id, event, data }: Frame): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
