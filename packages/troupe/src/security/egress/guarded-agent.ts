/**
 * Connections whose address is checked when they are made: a name is resolved once, its address is checked, and the
 * connection is made to this address. A name that changes its address in between has no effect.
 */
import { lookup as systemLookup } from 'node:dns/promises'
import type { Agent, buildConnector } from 'undici'
import { failure } from '../../core/index.ts'
import { readAddress } from './address.ts'
import type { EgressRules } from './egress-rules.ts'

/** The addresses of a name. */
export type Lookup = (hostname: string) => Promise<readonly string[]>

export const lookupAll: Lookup = async (hostname) =>
  (await systemLookup(hostname, { all: true })).map(({ address }) => address)

export interface GuardedAgentOptions {
  readonly rules: EgressRules
  readonly lookup: Lookup
  /** The time within which a connection must be made. */
  readonly timeoutMs: number
  /** To one host at once. */
  readonly connections: number
  readonly keepAliveMs: number
}

export async function createGuardedAgent(options: GuardedAgentOptions): Promise<Agent> {
  const { rules, lookup, timeoutMs, connections, keepAliveMs } = options
  const { Agent: UndiciAgent, buildConnector: build } = await import('undici')
  const connect = build({ timeout: timeoutMs, allowH2: false })
  const guarded: buildConnector.connector = (options, callback) => {
    addressOf(rules, lookup, options.hostname).then(
      (address) => {
        const servername = options.protocol === 'https:' ? (options.servername ?? options.hostname) : undefined
        connect(
          {
            ...options,
            hostname: address,
            ...(servername === undefined ? {} : { servername }),
          } as buildConnector.Options,
          callback,
        )
      },
      (error: Error) => callback(error, null),
    )
  }
  return new UndiciAgent({
    connect: guarded,
    allowH2: false,
    connections,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
  })
}

/** All addresses of a name are checked: one that may not be is reason enough to mistrust the name. */
async function addressOf(rules: EgressRules, lookup: Lookup, hostname: string): Promise<string> {
  const addresses = readAddress(hostname) ? [hostname] : await lookup(hostname)
  for (const address of addresses) rules.checkAddress(hostname, address)
  const [first] = addresses
  if (first === undefined) throw failure('egress.denied', { host: hostname, problem: 'it has no address' })
  return first
}
