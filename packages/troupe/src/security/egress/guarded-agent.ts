/**
 * Connections whose address is checked when they are made: a name is resolved once, its addresses are checked, and the
 * connection is made to one of them. If an address does not answer, Node tries the next one, as the global `fetch` does. A
 * name that changes its address in between has no effect.
 */
import { lookup as systemLookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
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
  const checkedLookup: LookupFunction = (hostname, { all }, callback) => {
    addressesOf(rules, lookup, hostname).then(
      (addresses) => {
        const [first] = addresses
        if (all === true) callback(null, addresses)
        else callback(null, first.address, first.family)
      },
      (error: Error) => callback(error, ''),
    )
  }
  const connect = build({ timeout: timeoutMs, allowH2: false, autoSelectFamily: true, lookup: checkedLookup })
  const guarded: buildConnector.connector = (options, callback) => {
    // A connection to an address has no lookup.
    try {
      if (readAddress(options.hostname)) rules.checkAddress(options.hostname, options.hostname)
    } catch (error) {
      return callback(error as Error, null)
    }
    connect(options, callback)
  }
  return new UndiciAgent({
    connect: guarded,
    allowH2: false,
    connections,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
  })
}

type ResolvedAddress = { readonly address: string; readonly family: number }

/** All addresses of a name are checked: one that may not be is reason enough to mistrust the name. */
async function addressesOf(
  rules: EgressRules,
  lookup: Lookup,
  hostname: string,
): Promise<[ResolvedAddress, ...ResolvedAddress[]]> {
  const addresses = await lookup(hostname)
  for (const address of addresses) rules.checkAddress(hostname, address)
  const [first, ...others] = addresses.map((address) => ({ address, family: isIP(address) }))
  if (first === undefined) throw failure('egress.denied', { host: hostname, problem: 'it has no address' })
  return [first, ...others]
}
