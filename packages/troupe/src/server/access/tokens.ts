/** Verifies JWTs of an external issuer. Issuer, audience and algorithms are pinned by the configuration. */
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from 'jose'
import type { ServerConfig } from '../../configuration/index.ts'
import { checkOptions, checkTaint, invalidInput, milliseconds } from '../../core/index.ts'
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

export type CheckToken = (token: string) => Promise<RequestPrincipal | undefined>

/**
 * @returns a check that answers undefined for any invalid token, without a reason
 * @throws ValidationError `role.unknown`
 */
export async function createTokenCheck(
  options: JwtOptions,
  { platform, security, protection }: Pick<TroupeParts, 'platform' | 'security' | 'protection'>,
): Promise<CheckToken> {
  // A token without a role claim would be rejected without a reason.
  if (options.role !== undefined) roleOf(security.roles, options.role, 'jwt')
  // Loaded if tokens are used.
  const { createLocalJWKSet, createRemoteJWKSet, customFetch, jwtVerify } = await import('jose')
  const { issuer, audience, keys } = options
  const find: JWTVerifyGetKey =
    typeof keys === 'string'
      ? createRemoteJWKSet(new URL(keys), { [customFetch]: protection.egressClient.fetchTo(keys) })
      : createLocalJWKSet(keys)
  const rules = {
    issuer,
    audience,
    algorithms: [...options.algorithms],
    clockTolerance: milliseconds(options.clockTolerance ?? '30s', 'jwt.clockTolerance') / 1_000,
    requiredClaims: ['exp'],
  }
  return async (token) => {
    const verified = await jwtVerify(token, find, { ...rules, currentDate: new Date(platform.clock.now()) }).catch(
      () => undefined,
    )
    return verified && principalOf(verified.payload, options, security.roles)
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
