/** A troupe, wherever it is, by the operations of its server: so a command is written once. */
import { type Client, createClient } from '../../client/index.ts'

/** Carries requests to a server: over a socket, or without one to a troupe opened here. */
export interface Transport extends AsyncDisposable {
  /** The location of the troupe, for messages and links. */
  readonly location: string
  /** True if the troupe is reached over a connection, which may break. A server continues runs without followers. */
  readonly remote: boolean
  /** The URL of the server, with the path under which it is mounted. */
  readonly url: string
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
}

export interface CliClient extends Client, AsyncDisposable, Pick<Transport, 'location' | 'remote'> {}

export interface CliClientOptions {
  /** An API key of the server. */
  readonly key: string | undefined
  readonly user: string | undefined
  readonly agent: string | undefined
  readonly signal: AbortSignal
}

export function createCliClient(transport: Transport, { key, user, agent, signal }: CliClientOptions): CliClient {
  const { location, remote, url, fetch } = transport
  const client = createClient({
    url,
    fetch,
    signal,
    // Scripts decide about retries themselves; only an interrupted stream reconnects automatically.
    retries: 0,
    reconnects: remote ? 4 : 0,
    headers: { 'troupe-error-texts': 'show' },
    ...(key === undefined ? {} : { key }),
    ...(user === undefined ? {} : { user }),
    ...(agent === undefined ? {} : { agent }),
  })
  return Object.assign(client, {
    location,
    remote,
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  })
}
