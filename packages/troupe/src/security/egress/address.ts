/** Which addresses are of the public network: everything else must be named to be connected to. */
import ipaddr from 'ipaddr.js'

/**
 * Services of clouds for their machines, which also give credentials. The first is in a public range, the others are in
 * ranges that an application may allow. Each is allowed only by its own address.
 */
const hostServices: readonly string[] = [
  '168.63.129.16',
  '169.254.169.254',
  '169.254.170.2',
  '100.100.100.200',
  'fd00:ec2::254',
  'fd20:ce::254',
]

type Address = ReturnType<typeof ipaddr.process>

/** Reads an address; an IPv4 address inside an IPv6 one is read as IPv4. Returns undefined for other texts. */
export function readAddress(text: string): Address | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined
}

/** @returns why it may not be connected to; undefined for a public address */
export function privateAddressReason(text: string): string | undefined {
  const address = readAddress(text)
  if (!address) return 'it is not an address'
  const range = address.range()
  if (range !== 'unicast') return `it is ${range}`
  // Only this range of IPv6 is allocated; the rest includes old forms of IPv4 addresses.
  if (address.kind() === 'ipv6' && !address.match(ipaddr.parseCIDR('2000::/3') as never)) return 'it is reserved'
  return isHostService(address) ? 'it is a service of the host' : undefined
}

const isHostService = (address: Address): boolean => hostServices.includes(address.toString())

export type AddressBlock = readonly [Address, number]

/** `10.0.0.0/8`, or one address; undefined for anything else. */
export function readBlock(text: string): AddressBlock | undefined {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text) as AddressBlock
  const address = readAddress(text)
  return address && [address, address.kind() === 'ipv4' ? 32 : 128]
}

export function isWithinBlock(text: string, [base, bits]: AddressBlock): boolean {
  const address = readAddress(text)
  if (address?.kind() !== base.kind()) return false
  const isNamed = bits === (base.kind() === 'ipv4' ? 32 : 128)
  return address.match(base as never, bits) && (isNamed || !isHostService(address))
}
