/** The options of the server and their validation. */
import ipaddr from 'ipaddr.js'
import type { ServerConfig } from '../configuration/index.ts'
import {
  checkOptionNames,
  checkOptions,
  type Duration,
  failure,
  invalidInput,
  isListOf,
  isText,
  milliseconds,
} from '../core/index.ts'
import { isSecretReference, type SecretText } from '../security/index.ts'
import { checkOidc, type OidcOptions } from './access/oidc.ts'
import { checkJwt, type JwtOptions } from './access/tokens.ts'

const pluginOptions = [
  'authentication',
  'key',
  'jwt',
  'oidc',
  'hosts',
  'origins',
  'publicUrl',
  'bodyLimit',
  'rateLimit',
  'maxStreams',
  'heartbeat',
] as const satisfies (keyof ServerConfig)[]
/** The options of the server that do not concern its address. */
export type PluginOptions = Pick<ServerConfig, (typeof pluginOptions)[number]>
/** The options of `serve`. */
export type ServerOptions = ServerConfig

const addressOptions = [
  'host',
  'port',
  'metrics',
  'trustProxy',
  'drain',
  'maxConnections',
  'maxConnectionsPerAddress',
  'requestTimeout',
] satisfies (keyof Omit<ServerConfig, keyof PluginOptions>)[]

export interface ServerSettings {
  readonly isOpen: boolean
  readonly key: SecretText | undefined
  readonly jwt: JwtOptions | undefined
  readonly oidc: OidcOptions | undefined
  /** Undefined: every host name is accepted. */
  readonly hosts: readonly string[] | undefined
  readonly origins: readonly string[]
  readonly publicUrl: URL | undefined
  readonly bodyLimit: number
  readonly rateLimit: { readonly max: number; readonly windowMs: number } | undefined
  readonly maxStreams: number
  readonly heartbeatMs: number
  /** How long a reader of a stream may accept no data before its stream ends. */
  readonly stalledMs: number
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/
export const isLoopback = (host: string): boolean => loopback.test(host)
export const ownNames = ['localhost', '127.0.0.1', '[::1]']

/** @param host the address on which it listens; undefined if the app of the caller listens */
export function readSettings(
  options: PluginOptions,
  { host, production }: { readonly host?: string; readonly production: boolean },
): ServerSettings {
  if (host === undefined) checkOptionNames('troupePlugin', options, pluginOptions)
  else checkOptionNames('serve', options, [...pluginOptions, ...addressOptions])
  const {
    key,
    jwt,
    oidc,
    hosts,
    origins = [],
    bodyLimit = 1_048_576,
    rateLimit = {},
    heartbeat = '15s',
    maxStreams = 1_000,
  } = options
  if (key !== undefined && !isSecretReference(key)) checkApiKey(key)
  if (jwt !== undefined) checkJwt(jwt)
  if (oidc !== undefined) checkOidc(oidc)
  if (!Number.isInteger(bodyLimit) || bodyLimit < 1_024 || bodyLimit > 2 ** 24)
    throw invalidInput('bodyLimit', 'it must be 1,024 to 16,777,216 bytes')
  if (!Number.isInteger(maxStreams) || maxStreams < 1)
    throw invalidInput('maxStreams', 'it must be a whole number from 1')
  for (const origin of listed('origins', origins))
    if (origin !== '*' && (!URL.canParse(origin) || new URL(origin).origin !== origin))
      throw invalidInput('origins', `${origin} is not an origin such as https://app.example.com`)
  const publicUrl = readPublicUrl(options.publicUrl)
  const local = host !== undefined && isLoopback(host)
  if (oidc && !publicUrl && !local)
    throw invalidInput('oidc', 'it needs publicUrl, the address to which the provider sends people back')
  const isOpen = opened(options, { local, host, production })
  if (isOpen && origins.includes('*')) throw invalidInput('origins', 'every page could call it, for it asks for no key')
  return {
    isOpen,
    key,
    jwt,
    oidc,
    hosts:
      hosts !== undefined || local
        ? [
            ...ownNames,
            ...listed('hosts', hosts ?? []).map((name) => name.toLowerCase()),
            ...(publicUrl ? [publicUrl.hostname] : []),
          ]
        : undefined,
    origins,
    publicUrl,
    bodyLimit,
    rateLimit: rateLimit === false ? undefined : limits(rateLimit),
    maxStreams,
    heartbeatMs: milliseconds(heartbeat, 'heartbeat', '10ms'),
    stalledMs: 30_000,
  }
}

/** @throws ValidationError */
export function readTrustProxy(addresses: readonly string[]): readonly string[] {
  for (const address of listed('trustProxy', addresses))
    if (!ipaddr.isValid(address) && !ipaddr.isValidCIDR(address))
      throw invalidInput('trustProxy', `${address} is neither an address nor a range such as 10.0.0.0/8`)
  return addresses
}

/** @returns whether an address is one of the proxies */
export function isProxy(proxies: readonly string[]): (address: string) => boolean {
  const ranges = proxies.map((one) =>
    ipaddr.parseCIDR(one.includes('/') ? one : `${one}/${ipaddr.parse(one).kind() === 'ipv4' ? 32 : 128}`),
  )
  return (address) => {
    if (ranges.length === 0 || !ipaddr.isValid(address)) return false
    const found = ipaddr.process(address)
    return ranges.some((range) => found.kind() === range[0].kind() && found.match(range))
  }
}

function readPublicUrl(url: string | undefined): URL | undefined {
  if (url === undefined) return undefined
  const found = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  if (!found || !/^https?:$/.test(found.protocol) || found.href !== `${found.origin}/`)
    throw invalidInput('publicUrl', 'it must be an address such as https://troupe.example.com, without a path')
  return found
}

/** @throws ValidationError for a key that could be guessed */
export function checkApiKey(key: unknown): void {
  if (typeof key !== 'string' || key.length < 32)
    throw invalidInput('key', 'it must be a text of at least 32 characters')
}

function opened(
  { authentication, key, jwt, oidc }: PluginOptions,
  where: { readonly local: boolean; readonly host: string | undefined; readonly production: boolean },
): boolean {
  if (authentication !== undefined && authentication !== 'required' && authentication !== 'open')
    throw invalidInput('authentication', 'it must be required or open')
  const may = where.local && !where.production
  if (authentication === undefined) return may && [key, jwt, oidc].every((one) => one === undefined)
  if (authentication === 'open' && !may)
    throw failure('server.exposed', {
      host: where.host ?? 'an address that it does not know',
      problem: 'authentication is open only on the loopback address, in development',
    })
  return authentication === 'open'
}

function listed(what: string, list: readonly string[]): readonly string[] {
  if (!isListOf(list, isText)) throw invalidInput(what, 'it must be a list of texts')
  return list
}

function limits(options: { readonly max?: number; readonly window?: Duration }) {
  checkOptions('rateLimit', options, ['max', 'window'])
  const { max = 100, window = '1m' } = options
  if (!Number.isInteger(max) || max < 1) throw invalidInput('rateLimit.max', 'it must be a whole number from 1')
  return { max, windowMs: milliseconds(window, 'rateLimit.window', '1ms') }
}
