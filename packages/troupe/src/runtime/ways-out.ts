/** What goes out of a troupe: the one client of its tools, and one for each place that its configuration names itself. */
import { type Clock, systemClock, type TroupeError } from '../core/index.ts'
import {
  type Egress,
  type EgressOptions,
  type EgressParts,
  type Fetch,
  createEgress as openEgress,
} from '../security/index.ts'

/**
 * A `fetch` that goes where it may and nowhere else: hosts by a list, addresses checked when the connection is made,
 * redirects each anew, answers bounded in size and time.
 * @throws ValidationError naming the option
 * @example
 * const egress = createEgress({ allow: ['api.example.com', '*.example.org:443'], timeout: '10s' })
 * const response = await egress.fetch('https://api.example.com/v1/orders')
 * await egress.close()
 */
export const createEgress = (options: EgressOptions = {}, parts: Partial<EgressParts> = {}): Egress =>
  openEgress(options, { clock: systemClock, ...parts })

export interface WaysOut {
  /** Of tools, effects and whatever else an agent causes. */
  readonly egress: Egress
  /**
   * To one place that the host's own code or configuration names, and no other: a model's url, a webhook. The address may
   * be private, for whoever wrote the url has named it.
   */
  readonly fetchTo: (url: string) => Fetch
  close(): Promise<void>
}

/** Models stream for as long as they are given, and say much. */
const generous = { maxBytes: 256_000_000, timeout: '1h', maxRedirects: 0 } as const
const anyAddress = ['0.0.0.0/0', '::/0']

/** @param production without a list nothing goes out */
export function openWaysOut(
  options: EgressOptions | undefined,
  { clock, production, refused }: { clock: Clock; production: boolean; refused?: (error: TroupeError) => void },
): WaysOut {
  const told = { clock, ...(refused ? { refused } : {}) }
  const egress = openEgress({ ...(production ? { allow: [] } : {}), ...options }, told)
  const named = new Map<string, Egress>()
  return {
    egress,
    fetchTo(url) {
      const { protocol, hostname, port, host } = new URL(url)
      const place = `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
      const found = named.get(host) ?? openEgress({ ...generous, allow: [place], privateAddresses: anyAddress }, told)
      named.set(host, found)
      return found.fetch
    },
    async close() {
      await Promise.all([egress, ...named.values()].map((one) => one.close()))
    },
  }
}
