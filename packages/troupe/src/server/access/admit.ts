/** Authenticates a request and checks its limits and rights before its body is read. */
import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { failure, lruCache, TroupeError } from '../../core/index.ts'
import type { Route } from '../route.ts'
import type { Site } from '../site.ts'
import { clientAddress } from './client-address.ts'
import {
  actingAgentOf,
  authorize,
  keyOf,
  type RequestedOperation,
  type RequestPrincipal,
  requireAllUsers,
  userOf,
} from './request-principal.ts'

/** The caller, and the user and agent in whose name the call is made. */
export interface Admitted {
  readonly principal: RequestPrincipal
  readonly user: string
  /** Absent: the application itself. */
  readonly agent: string | undefined
}
type Entrance = Pick<Route, 'role' | 'agents' | 'allUsers'> & { readonly operation: RequestedOperation }
export type Admit = (route: Entrance, request: FastifyRequest, reply: FastifyReply) => Promise<void>

/** Counts failed sign-ins by address. */
export interface FailureLimit {
  /** @throws RateLimitError `rate.limited` for an address with too many of them */
  readonly checkFailures: (request: FastifyRequest, reply: FastifyReply) => void
  readonly addFailure: (request: FastifyRequest) => void
}
export interface RateLimit extends FailureLimit {
  readonly check: (
    request: FastifyRequest,
    reply: FastifyReply,
    principal: RequestPrincipal | undefined,
  ) => Promise<void>
}

/** Stored on each request. A WeakMap of all requests would be scanned at each minor garbage collection. */
const admittedKey = Symbol('admitted')
const named = Symbol('caller')
/** The address for which failed sign-ins are counted. */
const maxAddresses = 100_000

/** Returns the admission of an authenticated request. */
export const admittedOf = (request: FastifyRequest): Admitted => request.getDecorator<Admitted>(admittedKey)

/** Returns undefined for a request that is not authenticated yet. */
export const principalOf = (request: FastifyRequest): RequestPrincipal | undefined =>
  request.getDecorator<Admitted | null>(admittedKey)?.principal

/** @returns a function that throws the error of a rejected request */
export function createAdmit(app: FastifyInstance, site: Site, limit: RateLimit): Admit {
  const { draining } = site
  app.decorateRequest(admittedKey, null)
  return async (route, request, reply) => {
    if (draining.aborted) throw failure('server.draining')
    const principal = await identify(site, limit, request, reply)
    if (!principal) throw failure('request.anonymous')
    const { operation } = route
    const found = await recorded(site, { operation, principal }, () => admitted(site, route, principal, request))
    request.setDecorator(admittedKey, found)
  }
}

/**
 * Authenticates a request within the limits of its caller.
 * @returns undefined if it has no valid credential
 * @throws RateLimitError `rate.limited`
 */
export async function identify(
  { authenticate }: Site,
  limit: RateLimit,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<RequestPrincipal | undefined> {
  limit.checkFailures(request, reply)
  const principal = await authenticate(request)
  if (principal?.kind !== 'local') await limit.check(request, reply, principal)
  return principal
}

/** @throws AccessDeniedError `request.forbidden` */
function admitted({ parts }: Site, route: Entrance, principal: RequestPrincipal, request: FastifyRequest): Admitted {
  authorize(principal, parts.security.roles, route.role, route.operation)
  if (route.allUsers) requireAllUsers(principal, route.operation)
  const header = (name: string) => {
    const value = request.headers[name]
    return inUtf8(Array.isArray(value) ? value[0] : value)
  }
  const user = userOf(principal, header('troupe-user'), route.operation)
  const agent = actingAgentOf(principal, header('troupe-agent'), route.operation)
  if (agent !== undefined && route.agents === undefined)
    throw failure('request.forbidden', { operation: route.operation, problem: `it acts as the agent ${agent}` })
  return { principal, user, agent }
}

/** Decodes a header as UTF-8. Node reads each byte of a header as one character. */
function inUtf8(value: string | undefined): string | undefined {
  if (value === undefined || !/[\x80-\xff]/.test(value)) return value
  const bytes = Buffer.from(value, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : value
}

interface RequestedAction {
  readonly operation: RequestedOperation
  readonly principal: RequestPrincipal
  /** Absent if it is not known yet, or if the action concerns no user. */
  readonly user?: string | undefined
}

/**
 * Records the rejected actions of an authenticated caller in the audit log, also if the code that rejects does not record
 * them. @throws the error of `work`
 */
export async function recorded<T>(
  { parts }: Pick<Site, 'parts'>,
  { operation, principal, user: named }: RequestedAction,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TroupeError && error.status === 403) {
      const { users, agent = 'host' } = principal
      const key = keyOf(principal)
      const user = named ?? (users !== 'all' && users.length === 1 ? users[0] : undefined)
      parts.security.audit.rejectedCall(
        {
          actor: agent,
          operation,
          ...(key === undefined ? {} : { key }),
          ...(user === undefined ? {} : { user }),
        },
        error.code,
      )
    }
    throw error
  }
}

/**
 * Limits requests by caller, and by address if the caller is unknown. An address with too many failed sign-ins is rejected
 * before its key is looked up, so that guessing is slow and costs the database nothing.
 */
export function createLimit(app: FastifyInstance, { settings: { rateLimit }, parts }: Site): RateLimit {
  const { clock } = parts.platform
  if (!rateLimit) return { checkFailures() {}, addFailure() {}, async check() {} }
  const { max, windowMs } = rateLimit
  const bySession = max * 10
  app.decorateRequest(named, null)
  const nameOf = (request: FastifyRequest) => request.getDecorator<string | null>(named) ?? clientAddress(request.ip)
  const options = { timeWindow: windowMs, keyGenerator: nameOf }
  const check = app.createRateLimit({ ...options, max })
  const checkSession = app.createRateLimit({ ...options, max: bySession })
  const failures = lruCache<{ count: number; readonly until: number }>(maxAddresses)
  const failed = (address: string) => {
    const now = clock.monotonic()
    const found = failures.get(address)
    const account = found && now < found.until ? found : { count: 0, until: now + windowMs }
    account.count++
    failures.set(address, account)
  }
  const reject = (reply: FastifyReply, limit: number, seconds: number) => {
    reply.header('retry-after', seconds)
    throw failure('rate.limited', { limit, seconds })
  }
  const checkFailures = (request: FastifyRequest, reply: FastifyReply) => {
    const account = failures.get(clientAddress(request.ip))
    const leftMs = account && account.count >= max ? account.until - clock.monotonic() : 0
    if (leftMs > 0) reject(reply, max, Math.ceil(leftMs / 1_000))
  }
  const checkRate = async (request: FastifyRequest, reply: FastifyReply, principal: RequestPrincipal | undefined) => {
    if (!principal) failed(clientAddress(request.ip))
    if (principal) request.setDecorator(named, `${principal.kind} ${principal.id}`)
    const found = await (principal?.kind === 'session' ? checkSession : check)(request)
    if (found.isAllowed) return
    reply.header('ratelimit-limit', found.max)
    reply.header('ratelimit-remaining', found.remaining)
    reply.header('ratelimit-reset', found.ttlInSeconds)
    if (!found.isExceeded) return
    reject(reply, found.max, found.ttlInSeconds)
  }
  return { checkFailures, addFailure: (request) => failed(clientAddress(request.ip)), check: checkRate }
}
