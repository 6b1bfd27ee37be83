/** The port of outgoing HTTP. */
export type FetchPort = (
  url: string,
  init: {
    /** The HTTP method. */
    readonly method: string
    /** The request headers. */
    readonly headers: Readonly<Record<string, string>>
    /** The request body; none if absent. */
    readonly body?: string
    /** Aborts the request. */
    readonly signal?: AbortSignal
  },
) => Promise<{
  /** True for a status from 200 to 299. */
  readonly ok: boolean
  /** The HTTP status. */
  readonly status: number
  /** Resolves with the body as text. */
  text(): Promise<string>
}>
