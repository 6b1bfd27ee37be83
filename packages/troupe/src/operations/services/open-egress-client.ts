/** The outgoing connections of a troupe: the client of its tools, and one for each address of its configuration. */
import { objectOf, systemClock } from '../../core/index.ts'
import { type Egress, type EgressOptions, type EgressParts, type Fetch, openEgress } from '../../security/index.ts'

/**
 * Returns a `fetch` with restricted targets: hosts by a list, addresses checked at the connection and at each redirect,
 * answers limited in size and time.
 * @throws ValidationError naming the option
 * @example
 * const egress = createEgress({ allow: ['api.example.com', '*.example.org:443'], timeout: '10s' })
 * const response = await egress.fetch('https://api.example.com/v1/orders')
 * await egress.close()
 */
export const createEgress = (options: EgressOptions = {}, parts: Partial<EgressParts> = {}): Egress =>
  openEgress(options, { clock: systemClock, ...objectOf('createEgress', parts as never) })

export interface EgressClient {
  /** The client of tools, effects and other work of agents. */
  readonly egress: Egress
  /**
   * Returns a `fetch` for only the host and port of a URL of the configuration, for example of a model, a webhook or a
   * collector. Its address may be private, because the configuration names it. It may be link-local, or a metadata
   * service of a cloud, only if the URL is that address itself.
   */
  readonly fetchTo: (url: string) => Fetch
  /**
   * Returns a `fetch` for a server that agents use, for example of MCP. It follows the `allow` list of tools if there
   * is one, and in production; otherwise it is as `fetchTo`.
   */
  readonly fetchFor: (url: string) => Fetch
  close(): Promise<void>
}

/** The limits of model calls, which stream long answers; `models.limits` bounds their concurrency. */
const generous = { maxBytes: 256_000_000, timeout: '1h', maxRedirects: 3, connections: 10_000 } as const
/** The limits of connections to private networks. */
const privateAddresses = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '::1/128',
  'fc00::/7',
]

export interface EgressClientParts extends Pick<EgressParts, 'clock' | 'rejected' | 'lookup'> {
  /** Without a list, tools have no outgoing connections. */
  readonly production: boolean
}

export function openEgressClient(
  options: EgressOptions | undefined,
  { production, ...parts }: EgressClientParts,
): EgressClient {
  const rules = { ...(production ? { allow: [] } : {}), ...options }
  const egress = openEgress(rules, parts)
  const servers = rules.allow && openEgress({ ...rules, ...generous }, parts)
  const named = new Map<string, Egress>()
  const fetchTo = (url: string): Fetch => {
    const { protocol, hostname, port } = new URL(url)
    const hostAndPort = `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
    const found = named.get(hostAndPort) ?? openEgress({ ...generous, allow: [hostAndPort], privateAddresses }, parts)
    named.set(hostAndPort, found)
    return found.fetch
  }
  return {
    egress,
    fetchTo,
    fetchFor: (url) => servers?.fetch ?? fetchTo(url),
    async close() {
      await Promise.all([egress, servers, ...named.values()].map((one) => one?.close()))
    },
  }
}
