/** The address by which limits count a client that has not signed in. */
import ipaddr from 'ipaddr.js'

/** `192.0.2.7:49152` or `[2001:db8::1]:49152`, as some proxies write it: each connection would be a client of its own. */
const withPort = /^(?:([0-9.]+)|\[([0-9a-fA-F:.%]+)\])(?::\d+)?$/

/**
 * Returns the address by which the requests of an unknown client are counted, without the port that some proxies add: of IPv6
 * the /64, since one client usually has all addresses of it.
 * @example clientAddress('2001:db8::1') // '2001:db8:0:0::/64'
 */
export function clientAddress(forwarded: string): string {
  const [, ipv4, ipv6] = withPort.exec(forwarded) ?? []
  const address = ipv4 ?? ipv6 ?? forwarded
  if (!address.includes(':') || !ipaddr.isValid(address)) return address
  const found = ipaddr.process(address)
  if (!('parts' in found)) return found.toString()
  return `${found.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`
}
