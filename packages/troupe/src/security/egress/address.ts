/** Which addresses are of the public network: everything else must be named to be connected to. */
import ipaddr from 'ipaddr.js'

/** Public by range and yet a host's own: services that a cloud offers to its machines. */
const hostServices: readonly string[] = ['168.63.129.16']

type Address = ReturnType<typeof ipaddr.process>

/** An IPv4 address inside an IPv6 one counts as what it is; undefined for what is no address. */
export function readAddress(text: string): Address | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined
}

/** @returns why it may not be connected to; undefined for a public address */
export function whyNotPublic(text: string): string | undefined {
  const address = readAddress(text)
  if (!address) return 'it is no address'
  const range = address.range()
  if (range !== 'unicast') return `it is ${range}`
  // Of IPv6 only this has been given out; the rest holds old forms of IPv4 addresses, among others.
  if (address.kind() === 'ipv6' && !address.match(ipaddr.parseCIDR('2000::/3') as never)) return 'it is reserved'
  return hostServices.includes(address.toString()) ? 'it is a service of the host' : undefined
}

export type AddressBlock = readonly [Address, number]

/** `10.0.0.0/8`, or one address; undefined for anything else. */
export function readBlock(text: string): AddressBlock | undefined {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text) as AddressBlock
  const address = readAddress(text)
  return address && [address, address.kind() === 'ipv4' ? 32 : 128]
}

export function isWithinBlock(text: string, [base, bits]: AddressBlock): boolean {
  const address = readAddress(text)
  return address !== undefined && address.kind() === base.kind() && address.match(base as never, bits)
}
