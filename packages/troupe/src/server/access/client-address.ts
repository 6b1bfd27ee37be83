/** The address by which limits count a client that has not signed in. */
import ipaddr from 'ipaddr.js'

/**
 * Returns the address by which the requests of an unknown client are counted: of IPv6 the /64, since one client usually has
 * all addresses of it.
 * @example clientAddress('2001:db8::1') // '2001:db8:0:0::/64'
 */
export function clientAddress(address: string): string {
  if (!address.includes(':') || !ipaddr.isValid(address)) return address
  const found = ipaddr.process(address)
  if (!('parts' in found)) return found.toString()
  return `${found.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`
}
