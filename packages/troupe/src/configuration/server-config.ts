/** The options of `serve`, also in a configuration, and their problems in production. */
import type { JSONWebKeySet } from 'jose'
import { type Duration, failure, type TaintLabel, type TroupeError } from '../core/index.ts'
import type { SecretText } from '../security/index.ts'

/** The options of `serve`, which checks them. */
export interface ServerConfig {
  /** The address on which the server listens; 127.0.0.1 by default. On another address callers need a key or a token. */
  readonly host?: string
  /** The port; 8000 by default, and 0 chooses a free one. */
  readonly port?: number
  /**
   * `required`: callers need a key or a token. `open`: every caller may do everything; allowed only on the loopback address,
   * in development, where it is the default without `key`, `jwt` and `oidc`.
   */
  readonly authentication?: 'required' | 'open'
  /**
   * A key of the application, at least 32 characters, with all rights for all users. A server that listens beyond this
   * machine needs it, `jwt`, or a key in the storage.
   */
  readonly key?: SecretText
  /** Tokens of another issuer that callers may present. */
  readonly jwt?: {
    /** The required `iss` claim. */
    readonly issuer: string
    /** The required `aud` claim. */
    readonly audience: string
    /** The accepted algorithms, all asymmetric: a server that verifies tokens must not be able to issue them. */
    readonly algorithms: readonly JwtAlgorithm[]
    /** The issuer's keys (JWKS), or the https URL at which it publishes them. */
    readonly keys: JSONWebKeySet | string
    /** The tolerated clock difference; 30 s by default. */
    readonly clockTolerance?: Duration
    /** The claims that identify the caller. */
    readonly claims?: {
      /** The claim with the user; `sub` by default. */
      readonly user?: string
      /** The claim with the role; `role` by default. */
      readonly role?: string
      /** The claim with the agent; `agent` by default. */
      readonly agent?: string
    }
    /** The role of a token without a role claim; `readonly` by default. */
    readonly role?: string
    /**
     * Taint labels of all that callers with a token write and start. By default a token with an agent has
     * `untrusted:AGENT`, and a token without an agent has none.
     */
    readonly taint?: readonly TaintLabel[]
  }
  /** Sign-in of people to the studio by an OpenID provider, at `/login`. Beyond this machine it needs `publicUrl`. */
  readonly oidc?: {
    /**
     * The URL of the provider, such as `https://id.example.com`: https, or http on this machine. Its metadata is read only
     * from here.
     */
    readonly issuer: string
    /** The client id that the provider gave. */
    readonly clientId: string
    /** The client secret; absent for a public client, which is protected by PKCE. */
    readonly clientSecret?: SecretText
    /** Scopes besides `openid`; none by default. */
    readonly scopes?: readonly string[]
    /** The claims that identify the person. */
    readonly claims?: {
      /** The claim with the user; `sub` by default. */
      readonly user?: string
      /** The claim with the roles, a string or a list; `roles` by default. */
      readonly roles?: string
    }
    /**
     * The rights of a person, by a value of the roles claim; the first entry that the person has applies. A string is a
     * role for the person's own data.
     */
    readonly roles?: Readonly<
      Record<
        string,
        | string
        | {
            /** The role. */
            readonly role: string
            /** Gives access to the data of all users; by default only to the person's own. */
            readonly users?: 'all'
          }
      >
    >
    /** The role of a person without any of `roles`. Without this option such a person is rejected. */
    readonly role?: string
    /** Further hosts that the issuer's metadata may name for tokens and keys. */
    readonly hosts?: readonly string[]
  }
  /**
   * The accepted host names, besides those of the loopback address. Without it, a server on another address accepts all
   * names.
   */
  readonly hosts?: readonly string[]
  /** Other origins whose pages may call the server: `['https://app.example.com']`, or `*`. None by default. */
  readonly origins?: readonly string[]
  /**
   * The URL at which callers reach the server, such as `https://troupe.example.com`. With https, session cookies are
   * `Secure`. Its host name counts as one of `hosts`, and links begin with it. By default the address on which the server
   * listens.
   */
  readonly publicUrl?: string
  /**
   * Addresses or ranges of trusted proxies, such as `['10.0.0.0/8']`. The headers `X-Forwarded-For` and `X-Forwarded-Proto`
   * of their requests give the client's address and protocol. None by default.
   */
  readonly trustProxy?: readonly string[]
  /** The maximal size of a request body in bytes, 1,024 to 16,777,216; 1 MiB by default. */
  readonly bodyLimit?: number
  /**
   * The limit of requests per key, token, or address of a caller without one; ten times as many per session. `false`:
   * no limit.
   */
  readonly rateLimit?:
    | false
    | {
        /** The maximal number of requests within the window; 100 by default. */
        readonly max?: number
        /** The length of the window; 1 min by default. */
        readonly window?: Duration
      }
  /** The maximal number of open streams per key, token or session; 1,000 by default. */
  readonly maxStreams?: number
  /** The interval between keep-alive comments of a stream; 15 s by default. */
  readonly heartbeat?: Duration
  /** Serves `/metrics` on a separate port too, without a key, also in a process that only executes work. */
  readonly metrics?: {
    /** The port; 0 chooses a free one. */
    readonly port: number
    /** The address on which it listens; 127.0.0.1 by default. */
    readonly host?: string
  }
  /** The time for requests in progress when the server closes; 10 s by default. */
  readonly drain?: Duration
  /** The maximal number of open connections; 10,000 by default. */
  readonly maxConnections?: number
  /**
   * The maximal number of open connections per address; 1,000 by default. It does not apply to the addresses of
   * `trustProxy`.
   */
  readonly maxConnectionsPerAddress?: number
  /** The time within which the headers and the body of a request must arrive; 30 s by default. */
  readonly requestTimeout?: Duration
}
type JwtAlgorithm = `${'ES' | 'PS' | 'RS'}${256 | 384 | 512}` | 'EdDSA'

/** Returns the problems of the server in production. `serve` itself checks for a key, which the storage may have. */
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
