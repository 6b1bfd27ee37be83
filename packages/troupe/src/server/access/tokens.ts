/** Verifies JWTs of an external issuer. Issuer, audience and algorithms are pinned by the configuration. */
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from 'jose'
import type { ServerConfig } from '../../configuration/index.ts'
import { checkOptions, checkTaint, failure, invalidInput, milliseconds, TroupeError } from '../../core/index.ts'
import type { TroupeParts } from '../../operations/index.ts'
import { type Roles, roleOf, taintOfAgent } from '../../security/index.ts'
import type { RequestPrincipal } from './request-principal.ts'

const algorithms = ['EdDSA', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'] as const

/** The option `jwt` of the server. */
export type JwtOptions = NonNullable<ServerConfig['jwt']>

/** @throws ValidationError */
export function checkJwt(options: JwtOptions): void {
  checkOptions('jwt', options, [
    'issuer',
    'audience',
    'algorithms',
    'keys',
    'clockTolerance',
    'claims',
    'role',
    'taint',
  ])
  const wrong = (what: string, problem: string) => invalidInput(`jwt.${what}`, problem)
  for (const name of ['issuer', 'audience'] as const)
    if (typeof options[name] !== 'string' || options[name] === '') throw wrong(name, 'it must be a text')
  const named = options.algorithms
  if (!Array.isArray(named) || named.length === 0 || !named.every((one) => algorithms.includes(one)))
    throw wrong('algorithms', `it must be a list of some of ${algorithms.join(', ')}`)
  const { keys } = options
  const isUrl = typeof keys === 'string' && URL.canParse(keys) && new URL(keys).protocol === 'https:'
  if (!isUrl && !Array.isArray((keys as JSONWebKeySet | undefined)?.keys))
    throw wrong('keys', 'it must be a key set, or the https URL of one')
  checkOptions('jwt.claims', options.claims ?? {}, ['user', 'role', 'agent'])
  milliseconds(options.clockTolerance ?? '30s', 'jwt.clockTolerance')
  checkTaint(options.taint, 'jwt.taint')
}

type TokenPorts = Pick<TroupeParts, 'platform' | 'security' | 'protection' | 'observability'>

export type CheckToken = (token: string) => Promise<RequestPrincipal | undefined>

/** The codes of jose for tokens that have no key in a set that was read. */
const withoutKey: ReadonlySet<unknown> = new Set([
  'ERR_JWKS_NO_MATCHING_KEY',
  'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
  'ERR_JOSE_NOT_SUPPORTED',
])

/**
 * @returns a check that answers undefined for any invalid token, without a reason, and throws `external.failed` if the keys of
 * the issuer cannot be read, so that a token may be valid
 * @throws ValidationError `role.unknown`
 */
export async function createTokenCheck(
  options: JwtOptions,
  { platform, security, protection, observability }: TokenPorts,
): Promise<CheckToken> {
  // A token without a role claim would be rejected without a reason.
  if (options.role !== undefined) roleOf(security.roles, options.role, 'jwt')
  // Loaded if tokens are used.
  const { createLocalJWKSet, createRemoteJWKSet, customFetch, decodeJwt, jwtVerify } = await import('jose')
  const { issuer, audience, keys } = options
  const find: JWTVerifyGetKey =
    typeof keys === 'string'
      ? reporting(
          createRemoteJWKSet(new URL(keys), { [customFetch]: protection.egressClient.fetchTo(keys) }),
          (cause) => {
            observability.log.warn('the keys of jwt.keys could not be read', { error: cause as Error })
            return failure('external.failed', { problem: 'the keys of the issuer of tokens cannot be read' }, { cause })
          },
        )
      : createLocalJWKSet(keys)
  const rules = {
    issuer,
    audience,
    algorithms: [...options.algorithms],
    clockTolerance: milliseconds(options.clockTolerance ?? '30s', 'jwt.clockTolerance') / 1_000,
    requiredClaims: ['exp'],
  }
  const mayBeValid = (token: string) => {
    try {
      return Number(decodeJwt(token).exp) + rules.clockTolerance > platform.clock.now() / 1_000
    } catch {
      return false
    }
  }
  return async (token) => {
    const currentDate = new Date(platform.clock.now())
    const verified = await jwtVerify(token, find, { ...rules, currentDate }).catch((error: unknown) => {
      if (error instanceof TroupeError && mayBeValid(token)) throw error
      return undefined
    })
    return verified && principalOf(verified.payload, options, security.roles)
  }
}

/** Returns a search that throws the error of `unreadable` if the set of keys could not be read. */
const reporting =
  (find: JWTVerifyGetKey, unreadable: (cause: unknown) => Error): JWTVerifyGetKey =>
  async (header, token) => {
    try {
      return await find(header, token)
    } catch (error) {
      throw withoutKey.has((error as { readonly code?: unknown }).code) ? error : unreadable(error)
    }
  }

function principalOf(payload: JWTPayload, { claims = {}, role = 'readonly', taint }: JwtOptions, roles: Roles) {
  const {
    [claims.user ?? 'sub']: user,
    [claims.role ?? 'role']: named = role,
    [claims.agent ?? 'agent']: agent,
    exp: until,
  } = payload
  // A claim that is not a string is an error: a token without an agent has more rights than one with an agent.
  if (typeof user !== 'string' || user === '' || typeof named !== 'string') return undefined
  if (agent !== undefined && typeof agent !== 'string') return undefined
  try {
    roleOf(roles, named)
  } catch {
    return undefined
  }
  return {
    id: `token:${user}`,
    kind: 'token' as const,
    name: user,
    users: [user],
    role: named,
    operations: undefined,
    agent,
    taint: taint ?? taintOfAgent(agent),
    ...(until === undefined ? {} : { until }),
  }
}
