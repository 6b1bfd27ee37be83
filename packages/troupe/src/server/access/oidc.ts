/**
 * Signs people in by an OpenID provider, for sessions of the studio: authorization code flow with PKCE, state and
 * nonce.
 */
import type { Configuration, IDToken } from 'openid-client'
import type { ServerConfig } from '../../configuration/index.ts'
import {
  checkName,
  checkOptions,
  failure,
  invalidInput,
  isFilledText,
  isListOf,
  TroupeError,
} from '../../core/index.ts'
import type { TroupeParts } from '../../operations/index.ts'
import { isSecretReference, type KeyScope, roleOf } from '../../security/index.ts'

/** The option `oidc` of the server. */
export type OidcOptions = NonNullable<ServerConfig['oidc']>

const names = ['issuer', 'clientId', 'clientSecret', 'scopes', 'claims', 'roles', 'role', 'hosts'] as const
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** @throws ValidationError */
export function checkOidc(options: OidcOptions): void {
  checkOptions('oidc', options, names)
  const wrong = (what: string, problem: string) => invalidInput(`oidc.${what}`, problem)
  const { issuer, clientId, clientSecret, scopes = [], claims = {}, roles = {}, role, hosts = [] } = options
  const url = typeof issuer === 'string' && URL.canParse(issuer) ? new URL(issuer) : undefined
  if (!url || (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback.test(url.hostname))))
    throw wrong('issuer', 'it must be an https URL, or an http one of this machine')
  if (typeof clientId !== 'string' || clientId === '') throw wrong('clientId', 'it must be a text')
  if (clientSecret !== undefined && typeof clientSecret !== 'string' && !isSecretReference(clientSecret))
    throw wrong('clientSecret', 'it must be a text or a secretRef()')
  for (const [what, list] of Object.entries({ scopes, hosts }))
    if (!isListOf(list, isFilledText)) throw wrong(what, 'it must be a list of texts')
  checkOptions('oidc.claims', claims, ['user', 'roles'])
  for (const [name, one] of Object.entries(roles)) {
    if (typeof one !== 'string') checkOptions(`oidc.roles.${name}`, one, ['role', 'users'])
    const { role: own, users } = scopeOf(one)
    if (typeof own !== 'string' || (users !== undefined && users !== 'all'))
      throw wrong(`roles.${name}`, "it must be a role, or { role, users: 'all' }")
  }
  if (role !== undefined && typeof role !== 'string') throw wrong('role', 'it must be the name of a role')
}

const scopeOf = (one: string | { readonly role: string; readonly users?: 'all' }) =>
  typeof one === 'string' ? { role: one, users: undefined } : { role: one.role, users: one.users }

/** The data that the browser stores between the two requests of a sign-in. */
export interface PendingSignIn {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

export interface IdentityProvider {
  /**
   * @param redirectUri the address to which the provider redirects the browser
   * @throws ExternalServiceError `external.failed` if the provider cannot be reached
   */
  begin(redirectUri: string): Promise<{ readonly url: string; readonly pending: PendingSignIn }>
  /**
   * @param url the address to which the provider redirected the browser
   * @throws AccessDeniedError `login.rejected` if it does not answer this sign-in, and for a person without a role;
   * ExternalServiceError `external.failed` if the provider cannot be reached
   */
  finish(url: URL, pending: PendingSignIn): Promise<KeyScope>
}

type Parts = Pick<TroupeParts, 'protection' | 'observability' | 'security'>

/** @throws ValidationError `role.unknown` */
export function createIdentityProvider(options: OidcOptions, parts: Parts): IdentityProvider {
  for (const one of [options.role ?? [], ...Object.values(options.roles ?? {})].flat())
    roleOf(parts.security.roles, scopeOf(one).role, 'oidc')
  let known: Promise<Configuration> | undefined
  const configuration = () => {
    known ??= discover(options, parts).catch((error: unknown) => {
      // The provider may be available later.
      known = undefined
      parts.observability.log.warn('the metadata of the OpenID provider could not be read', { error: error as Error })
      throw ownError(error) ?? providerFailed('has no metadata that can be used', error)
    })
    return known
  }
  return {
    async begin(redirectUri) {
      const client = await import('openid-client')
      const config = await configuration()
      const pending = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
      }
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: ['openid', ...(options.scopes ?? [])].join(' '),
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(pending.verifier),
        code_challenge_method: 'S256',
      })
      return { url: url.href, pending }
    },
    async finish(url, { state, nonce, verifier }) {
      const client = await import('openid-client')
      const config = await configuration()
      const checks = {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      }
      const tokens = await client.authorizationCodeGrant(config, url, checks).catch((error: unknown) => {
        const own = ownError(error)
        parts.observability.log.warn(own?.retryable ? 'a sign-in failed' : 'a sign-in was rejected', {
          error: error as Error,
        })
        if (own?.retryable) throw own
        // The answer is one to this sign-in: the package checks its state first.
        const isRejection = error instanceof client.AuthorizationResponseError && errorCode.test(error.error)
        const problem = isRejection
          ? `the provider answered ${error.error}`
          : 'the answer of the provider is not one to this sign-in'
        throw failure('login.rejected', { problem })
      })
      return scopeFrom(tokens.claims(), options)
    },
  }
}

/** The form of the error codes of OAuth 2.0 and OpenID Connect, such as `access_denied`. */
const errorCode = /^[a-z_]{1,40}$/

const providerFailed = (problem: string, cause?: unknown): TroupeError =>
  failure('external.failed', { problem: `the OpenID provider ${problem}` }, { cause })

/** Returns the error of our `fetch`, which the package may have wrapped. */
const ownError = (thrown: unknown): TroupeError | undefined =>
  [thrown, (thrown as Partial<Error>).cause].find((error) => error instanceof TroupeError)

async function discover(
  { issuer, clientId, clientSecret, hosts = [] }: OidcOptions,
  { protection: { egressClient, secrets, redactor } }: Parts,
): Promise<Configuration> {
  // Loaded at the first sign-in.
  const client = await import('openid-client')
  const server = new URL(issuer)
  const secret = clientSecret === undefined ? undefined : await secrets.reveal(clientSecret)
  if (secret !== undefined) redactor.addSecret(secret)
  const allowed = new Set([server.host, ...hosts])
  const metadata = { [client.clockTolerance]: 30 }
  const config = await client.discovery(
    server,
    clientId,
    metadata,
    secret === undefined ? client.None() : client.ClientSecretBasic(secret),
    {
      [client.customFetch]: async (url, init) => {
        if (!allowed.has(new URL(url).host))
          throw failure('login.rejected', {
            problem: `the provider names ${new URL(url).host}, which is none of its hosts`,
          })
        const response = await egressClient
          .fetchTo(url)(url, init as RequestInit)
          .catch((cause: unknown) => {
            throw providerFailed('cannot be reached', cause)
          })
        if (response.status >= 500) throw providerFailed(`answered with the status ${response.status}`)
        return response
      },
      execute: server.protocol === 'http:' ? [client.allowInsecureRequests] : [],
    },
  )
  // The signature is checked in addition to the TLS connection to the provider.
  client.enableNonRepudiationChecks(config)
  return config
}

/** @throws AccessDeniedError `login.rejected` */
function scopeFrom(claims: IDToken | undefined, { claims: named = {}, roles = {}, role }: OidcOptions): KeyScope {
  const rejection = (problem: string) => failure('login.rejected', { problem })
  const { [named.user ?? 'sub']: user, [named.roles ?? 'roles']: held } = (claims ?? {}) as Record<string, unknown>
  if (typeof user !== 'string' || user === '') throw rejection('the provider names no user')
  const values = Array.isArray(held) ? held : [held]
  const found = Object.entries(roles).find(([value]) => values.includes(value))?.[1]
  const scope = found === undefined ? { role, users: undefined } : scopeOf(found)
  if (scope.role === undefined) throw rejection('the person has no role that may sign in')
  return { users: scope.users ?? [checkName('user', user)], role: scope.role }
}
