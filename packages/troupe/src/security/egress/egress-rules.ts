/** The rules of one egress client: which hosts, at which ports, at which addresses. */
import { failure, invalidInput, show } from '../../core/index.ts'
import { type AddressBlock, isWithinBlock, privateAddressReason, readAddress, readBlock } from './address.ts'

interface AllowedHost {
  /** Without the star; as URLs spell it. */
  readonly host: string
  readonly subdomains: boolean
  readonly port: string | undefined
}

export interface EgressRules {
  /** @throws AccessDeniedError `egress.denied` */
  checkUrl(url: URL): void
  /**
   * Asked when a connection is made, of every address that the name has.
   * @throws AccessDeniedError `egress.denied`
   */
  checkAddress(hostname: string, address: string): void
}

const defaultPorts: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }
const bareHost = (hostname: string): string => hostname.replace(/\.$/, '')

/**
 * @param allow `api.example.com`, `*.example.org`, `10.1.2.3:8080`; without a port those of http and https. Undefined
 * is every public host, an empty list none.
 * @param privateAddresses addresses and blocks (`10.0.0.0/8`) that may be connected to though they are not public
 * @throws ValidationError for an invalid entry
 */
export function createEgressRules(
  allow: readonly string[] | undefined,
  privateAddresses: readonly string[] = [],
): EgressRules {
  const hosts = allow?.map(readHost)
  const blocks = privateAddresses.map(readPrivate)
  const deny = (host: string, problem: string) => failure('egress.denied', { host, problem })
  return {
    checkUrl(url) {
      const port = defaultPorts[url.protocol]
      if (port === undefined) throw deny(url.protocol, 'only http and https go out')
      if (url.username !== '' || url.password !== '') throw deny(url.hostname, 'a URL must contain no credentials')
      const at = { host: bareHost(url.hostname), port: url.port === '' ? port : url.port, usual: port }
      if (hosts && !hosts.some((allowed) => isAllowed(allowed, at))) throw deny(url.host, 'it is not on the list')
      if (readAddress(at.host)) this.checkAddress(at.host, at.host)
    },
    checkAddress(hostname, address) {
      const problem = privateAddressReason(address)
      if (problem === undefined) return
      const host = bareHost(hostname)
      // An address in the list is allowed by that.
      if (readAddress(host)?.toString() === readAddress(address)?.toString() && hosts?.some((one) => one.host === host))
        return
      if (blocks.some((block) => isWithinBlock(address, block))) return
      throw deny(hostname, host === address ? problem : `it leads to ${address}, and ${problem}`)
    },
  }
}

function isAllowed(
  { host, subdomains, port }: AllowedHost,
  at: { readonly host: string; readonly port: string; readonly usual: string },
): boolean {
  if (at.port !== (port ?? at.usual)) return false
  return subdomains ? at.host.endsWith(`.${host}`) : at.host === host
}

function readHost(entry: string): AllowedHost {
  const wrong = () => invalidInput(`egress.allow ${show(entry)}`, 'it is not a host, *.host or host:port')
  if (typeof entry !== 'string' || !/^(\*\.)?[^*/@?#\s]+$/.test(entry)) throw wrong()
  const subdomains = entry.startsWith('*.')
  const text = subdomains ? entry.slice(2) : entry
  // A scheme without a default port, so that every port is preserved.
  const url = URL.parse(`http://${text}`)
  const port = /:(\d{1,5})$/.exec(text.replace(/^\[.*\]/, ''))?.[1]
  if (url?.pathname !== '/') throw wrong()
  return { host: bareHost(url.hostname), subdomains, port: port === undefined ? undefined : String(Number(port)) }
}

function readPrivate(entry: string): AddressBlock {
  const block = typeof entry === 'string' ? readBlock(entry) : undefined
  if (block) return block
  throw invalidInput(`egress.privateAddresses ${show(entry)}`, 'it is not an address or block such as 10.0.0.0/8')
}
