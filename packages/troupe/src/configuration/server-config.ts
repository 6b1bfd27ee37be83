/** What `serve` takes of a configuration, and what is unsafe of it in production. */
import type { JSONWebKeySet } from 'jose'
import { type Duration, failure, type TroupeError } from '../core/index.ts'
import type { SecretText } from '../security/index.ts'

/** Every option of `serve`, which checks them; a test of the server keeps the two equal. */
export interface ServerConfig {
  /** 127.0.0.1 by default. */
  readonly host?: string
  /** 8000 by default. */
  readonly port?: number
  /** Whether callers need a key or a token: `open` only on the loopback address, in development. */
  readonly authentication?: 'required' | 'open'
  /** An API key; that, `jwt` or a key in the storage is needed where it listens beyond this machine. */
  readonly key?: SecretText
  /** Tokens that somebody else issues. */
  readonly jwt?: {
    readonly issuer: string
    readonly audience: string
    readonly algorithms: readonly JwtAlgorithm[]
    readonly keys: JSONWebKeySet | string
    readonly clockTolerance?: Duration
    readonly claims?: { readonly user?: string; readonly role?: string; readonly agent?: string }
    readonly role?: string
  }
  /** Sign-in of people to the studio by an OpenID provider, at `/login`. */
  readonly oidc?: {
    readonly issuer: string
    readonly clientId: string
    readonly clientSecret?: SecretText
    readonly scopes?: readonly string[]
    readonly claims?: { readonly user?: string; readonly roles?: string }
    readonly roles?: Readonly<Record<string, string | { readonly role: string; readonly users?: 'all' }>>
    readonly role?: string
    readonly hosts?: readonly string[]
  }
  /** Names that it is called by, besides those of the loopback address. */
  readonly hosts?: readonly string[]
  /** Pages of other sites that may call it. */
  readonly origins?: readonly string[]
  /** Where callers reach it, such as `https://troupe.example.com`; then cookies of sessions are `Secure`. */
  readonly publicUrl?: string
  /** Addresses or ranges of the proxies in front of it, whose `X-Forwarded-` headers are believed. */
  readonly trustProxy?: readonly string[]
  /** Bytes of a request's body; 1 MiB by default. */
  readonly bodyLimit?: number
  /** Requests of each caller; 100 in 1m by default. */
  readonly rateLimit?: false | { readonly max?: number; readonly window?: Duration }
  /** Streams that one key, token or session has open at once; 1,000 by default. */
  readonly maxStreams?: number
  /** Between the signs of life of a stream; 15s by default. */
  readonly heartbeat?: Duration
  /** `/metrics` on a port of its own, without a key; of workers too. */
  readonly metrics?: { readonly port: number; readonly host?: string }
  /** What is under way when the server closes is waited for so long; 10s by default. */
  readonly drain?: Duration
  /** Open at once; 10,000 by default. */
  readonly maxConnections?: number
  /** Of one address at once; 1,000 by default. Those of `trustProxy` have as many as all. */
  readonly maxConnectionsPerAddress?: number
  /** A request is read within this; 30s by default. */
  readonly requestTimeout?: Duration
}
type JwtAlgorithm = `${'ES' | 'PS' | 'RS'}${256 | 384 | 512}` | 'EdDSA'

/** Whether there is a key for callers of other machines `serve` sees, for the storage may hold one. */
export function serverProblems({ origins = [] }: ServerConfig, profile: string | undefined): readonly TroupeError[] {
  if (profile !== 'production' || !origins.includes('*')) return []
  return [
    failure('config.unsafe', {
      what: 'server.origins',
      problem: '* lets the pages of every site call it',
      remedy: 'Name the origins.',
    }),
  ]
}
