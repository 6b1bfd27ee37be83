/** What the server takes, checked once. */
import ipaddr from 'ipaddr.js'
import { checkOptions, type Duration, failure, milliseconds } from '../core/index.ts'
import { isSecretReference, type SecretText } from '../security/index.ts'
import { checkOidc, type OidcOptions } from './access/oidc.ts'
import { checkJwt, type JwtOptions } from './access/tokens.ts'
import type { MetricsOptions } from './metrics/metrics-options.ts'

export interface PluginOptions {
  /**
   * `open` asks nobody for a key: whoever reaches the server may do everything. The default on the loopback address of a
   * development profile without `key` and `jwt`; refused elsewhere. `required` otherwise.
   */
  readonly authentication?: 'required' | 'open'
  /** One of 32 characters at least that the host keeps itself: it may do everything, for everybody. */
  readonly key?: SecretText
  /** Tokens that somebody else issues. */
  readonly jwt?: JwtOptions
  /** Lets people sign in to the studio by an OpenID provider, at `/login`. Beyond this machine it needs `publicUrl`. */
  readonly oidc?: OidcOptions
  /** Names that it is called by, besides those of the loopback address; every one where absent on another address. */
  readonly hosts?: readonly string[]
  /** Pages of other origins that may call it: `['https://app.example.com']`, or `*`. None by default. */
  readonly origins?: readonly string[]
  /**
   * Where callers reach the server, such as `https://troupe.example.com`: the cookie of a session is `Secure` if it is
   * https, its name is one of `hosts`, and links begin with it. What the server listens on by default.
   */
  readonly publicUrl?: string
  /** Bytes of a request's body; 1 MiB by default. */
  readonly bodyLimit?: number
  /** Requests by key, token, or address of who has none; 100 in 1m by default, ten times as many by session. */
  readonly rateLimit?: { readonly max?: number; readonly window?: Duration } | false
  /** Streams that one key, token or session has open at once; 1,000 by default. */
  readonly maxStreams?: number
  /** Between the signs of life of a stream; 15s by default. */
  readonly heartbeat?: Duration
}
export interface ServerOptions extends PluginOptions {
  /** 127.0.0.1 by default; on another one callers need a key or a token. */
  readonly host?: string
  /** 8000 by default; 0 takes a free one. */
  readonly port?: number
  /** Also serves `/metrics`, without a key, on a port of its own: see `serveMetrics`. */
  readonly metrics?: MetricsOptions
  /**
   * Addresses or ranges of the proxies in front of the server, such as `['10.0.0.0/8']`: of their requests the headers
   * `X-Forwarded-For` and `X-Forwarded-Proto` say who called and how. None by default.
   */
  readonly trustProxy?: readonly string[]
  /** What is under way when the server closes is waited for so long; 10s by default. */
  readonly drain?: Duration
  /** Open at once; 10,000 by default. */
  readonly maxConnections?: number
  /** Of one address at once; 1,000 by default. Those of `trustProxy` have as many as all. */
  readonly maxConnectionsPerAddress?: number
  /** A request is read, its headers and its body, within this; 30s by default. */
  readonly requestTimeout?: Duration
}

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
] satisfies (keyof PluginOptions)[]

export interface ServerSettings {
  readonly isOpen: boolean
  readonly key: SecretText | undefined
  readonly jwt: JwtOptions | undefined
  readonly oidc: OidcOptions | undefined
  /** undefined: whatever it is called by. */
  readonly hosts: readonly string[] | undefined
  readonly origins: readonly string[]
  readonly publicUrl: URL | undefined
  readonly bodyLimit: number
  readonly rateLimit: { readonly max: number; readonly windowMs: number } | undefined
  readonly maxStreams: number
  readonly heartbeatMs: number
  /** A reader of a stream that takes nothing for so long is let go. */
  readonly stalledMs: number
}

const wrong = (what: string, problem: string) => failure('validation.failed', { what, problem })
const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/
export const isLoopback = (host: string): boolean => loopback.test(host)
export const ownNames = ['localhost', '127.0.0.1', '[::1]']

/** @param host where it listens; undefined where that is another's to know */
export function readSettings(
  options: PluginOptions,
  {
    host,
    production,
    more = [],
  }: { readonly host?: string; readonly production: boolean; readonly more?: readonly string[] },
): ServerSettings {
  checkOptions('serve', options, [...pluginOptions, ...more])
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
    throw wrong('bodyLimit', 'it is 1,024 to 16,777,216 bytes')
  if (!Number.isInteger(maxStreams) || maxStreams < 1) throw wrong('maxStreams', 'it must be a whole number from 1')
  for (const origin of listed('origins', origins))
    if (origin !== '*' && (!URL.canParse(origin) || new URL(origin).origin !== origin))
      throw wrong('origins', `${origin} is none`)
  const publicUrl = readPublicUrl(options.publicUrl)
  const local = host !== undefined && isLoopback(host)
  if (oidc && !publicUrl && !local)
    throw wrong('oidc', 'it needs publicUrl, the address to which the provider sends people back')
  const isOpen = opened(options, { local, host, production })
  if (isOpen && origins.includes('*')) throw wrong('origins', 'every page could call it, for it asks for no key')
  return {
    isOpen,
    key,
    jwt,
    oidc,
    hosts:
      hosts !== undefined || local
        ? [...ownNames, ...listed('hosts', hosts ?? []), ...(publicUrl ? [publicUrl.hostname] : [])]
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
      throw wrong('trustProxy', `${address} is neither an address nor a range such as 10.0.0.0/8`)
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
    throw wrong('publicUrl', 'it is an address such as https://troupe.example.com, without a path')
  return found
}

/** @throws ValidationError for one that could be guessed */
export function checkApiKey(key: unknown): void {
  if (typeof key !== 'string' || key.length < 32) throw wrong('key', 'it is a text of 32 characters at least')
}

function opened(
  { authentication, key, jwt, oidc }: PluginOptions,
  where: { readonly local: boolean; readonly host: string | undefined; readonly production: boolean },
): boolean {
  if (authentication !== undefined && authentication !== 'required' && authentication !== 'open')
    throw wrong('authentication', 'it is required or open')
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
  if (!Array.isArray(list) || !list.every((one) => typeof one === 'string')) throw wrong(what, 'it is a list of texts')
  return list
}

function limits(options: { readonly max?: number; readonly window?: Duration }) {
  checkOptions('rateLimit', options, ['max', 'window'])
  const { max = 100, window = '1m' } = options
  if (!Number.isInteger(max) || max < 1) throw wrong('rateLimit.max', 'it must be a whole number from 1')
  return { max, windowMs: milliseconds(window, 'rateLimit.window', '1ms') }
}
