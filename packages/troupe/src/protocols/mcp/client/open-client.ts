/** Opens a connection to a server with the official client, and logs the standard error of a program. */
import type { Client, jsonSchemaValidator, Transport } from '@modelcontextprotocol/client'
import { type Clock, TroupeError, truncateText, version, whenAborted } from '../../../core/index.ts'
import type { Log } from '../../../observability/index.ts'
import type { Fetch, Secrets, SecretText } from '../../../security/index.ts'
import { answeredFetch } from './answered-fetch.ts'
import { boundMessages } from './bound-messages.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { limitReconnections, type ReconnectionLimit } from './limit-reconnections.ts'
import { loadClientSdk } from './load-client-sdk.ts'
import type { McpProgram, McpServerConfig } from './mcp-server-config.ts'
import { programTransport } from './program-transport.ts'

export interface OpenClientOptions {
  readonly server: McpServerConfig
  readonly clock: Clock
  readonly secrets: Pick<Secrets, 'reveal'>
  readonly log: Log
  /** Returns the `fetch` for a URL. */
  readonly fetchFor: (url: string) => Fetch
  readonly timeoutMs: number
  /** The highest size of a message. A larger one ends the connection of a program, or the answer over HTTP. */
  readonly messageBytes: number
  /** Cancels connecting. */
  readonly signal: AbortSignal
  readonly listed: (deliver: () => void) => void
  readonly changed: () => void
  readonly closed: () => void
}

/** The highest number of logged bytes of a program's standard error; the rest is dropped. */
const stderrBytes = 65_536
const lineLength = 1_000
/** The time limit for negotiating the protocol: programs of the older protocol may not answer. */
const probeMs = 5_000

/** The client checks no results, because it would do so on the main thread; the evaluator checks them. */
const unchecked: jsonSchemaValidator = {
  getValidator: () => (value) => ({ valid: true, data: value as never, errorMessage: undefined }),
}

export async function openClient(options: OpenClientOptions): Promise<Client> {
  const { server, timeoutMs, signal } = options
  const sdk = await loadClientSdk()
  const isProgram = 'command' in server
  const client = new sdk.Client(
    { name: 'troupe', version },
    {
      versionNegotiation: {
        mode: 'auto',
        ...(isProgram ? { probe: { timeoutMs: Math.min(probeMs, timeoutMs) } } : {}),
      },
      listChanged: { tools: { autoRefresh: false, onChanged: options.changed } },
      jsonSchemaValidator: unchecked,
    },
  )
  const watchedFetch = watched(options.fetchFor)
  const reconnections = limitReconnections(options.clock, () => void client.close())
  const transport = isProgram
    ? await programOf(server, options)
    : await addressOf(sdk, { ...options, ...watchedFetch, reconnections }, server)
  client.onclose = options.closed
  client.onerror = (error) => {
    reconnections.onError(error)
    options.log.debug('a connection to an MCP server failed', { error })
  }
  let left: Promise<void> | undefined
  const leave = () => {
    // A second `close` would return before the program has ended.
    left ??= transport.close().catch(() => {})
    return left
  }
  const stopWatching = whenAborted(signal, leave)
  try {
    signal.throwIfAborted()
    await client.connect(transport, { timeout: timeoutMs, signal })
    boundMessages(transport, { onList: options.listed, onMessage: reconnections.onMessage })
  } catch (error) {
    await leave()
    throw watchedFetch.rejection() ?? error
  } finally {
    stopWatching()
  }
  return client
}

/** Remembers a rejected target, because the package replaces the error with its own. */
function watched(fetchFor: OpenClientOptions['fetchFor']) {
  let rejected: TroupeError | undefined
  const watching =
    (fetch: Fetch): Fetch =>
    async (input, init) => {
      try {
        return await fetch(input, init)
      } catch (error) {
        if (error instanceof TroupeError && error.code === 'egress.denied') rejected = error
        throw error
      }
    }
  return { rejection: () => rejected, fetchFor: (url: string) => watching(fetchFor(url)) }
}

async function revealed(
  { secrets }: OpenClientOptions,
  texts: Readonly<Record<string, SecretText>> = {},
): Promise<Record<string, string>> {
  const pairs = Object.entries(texts).map(async ([name, text]) => [name, await secrets.reveal(text)] as const)
  return Object.fromEntries(await Promise.all(pairs))
}

async function addressOf(
  sdk: typeof import('@modelcontextprotocol/client'),
  options: OpenClientOptions & { readonly reconnections: ReconnectionLimit },
  server: Exclude<McpServerConfig, McpProgram>,
): Promise<Transport> {
  const headers = await revealed(options, server.headers)
  // Redirects stay within the origin, so that no other server gets the headers.
  const fetch = answeredFetch(boundedFetch(options.fetchFor(server.url), options.messageBytes))
  return new sdk.StreamableHTTPClientTransport(new URL(server.url), {
    fetch,
    requestInit: { headers },
    reconnectionScheduler: options.reconnections.schedule,
  })
}

async function programOf(server: McpProgram, options: OpenClientOptions): Promise<Transport> {
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio')
  const { command, args = [], cwd } = server
  const transport = new (programTransport(StdioClientTransport))({
    command,
    args: [...args],
    env: await revealed(options, server.env),
    stderr: 'pipe',
    maxBufferSize: options.messageBytes,
    ...(cwd === undefined ? {} : { cwd }),
  })
  let left = stderrBytes
  transport.stderr?.on('data', (chunk: Buffer) => {
    if (left <= 0) return
    const text = chunk.subarray(0, left).toString()
    left -= chunk.length
    for (const line of text.split('\n'))
      if (line.trim() !== '')
        options.log.debug('an MCP server wrote to standard error', { line: truncateText(line, lineLength) })
  })
  return transport
}
