/** Who is let in, how often, and to what: before a request's body is read. */
import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { failure, TroupeError } from '../../core/index.ts'
import type { Route } from '../route.ts'
import type { Site } from '../site.ts'
import {
  actingAgentOf,
  authorize,
  keyOf,
  type RequestedOperation,
  type RequestPrincipal,
  userOf,
} from './request-principal.ts'

/** Who is let in, and in whose name the call is. */
export interface Admitted {
  readonly principal: RequestPrincipal
  readonly user: string
  /** The host where absent. */
  readonly agent: string | undefined
}
type Entrance = Pick<Route, 'role' | 'agents'> & { readonly operation: RequestedOperation }
export type Admit = (route: Entrance, request: FastifyRequest, reply: FastifyReply) => Promise<void>

/** Failed sign-ins, by address. */
export interface FailureLimit {
  /** @throws RateLimitError `rate.limited` of an address with too many */
  readonly checkFailures: (request: FastifyRequest, reply: FastifyReply) => void
  readonly addFailure: (request: FastifyRequest) => void
}
interface RateLimit extends FailureLimit {
  readonly check: (
    request: FastifyRequest,
    reply: FastifyReply,
    principal: RequestPrincipal | undefined,
  ) => Promise<void>
}

/** Kept with each request: a WeakMap of all would be looked through whenever what is young is collected. */
const admittedKey = Symbol('admitted')
const named = Symbol('caller')
/** Whose failed sign-ins are counted. */
const maxAddresses = 100_000

/** Of a request that was let in. */
export const admittedOf = (request: FastifyRequest): Admitted => request.getDecorator<Admitted>(admittedKey)

/** Undefined of a request that was not let in yet. */
export const principalOf = (request: FastifyRequest): RequestPrincipal | undefined =>
  request.getDecorator<Admitted | null>(admittedKey)?.principal

/** @returns throws what it refuses with */
export function createAdmit(app: FastifyInstance, site: Site, limit: RateLimit): Admit {
  const { authenticate, draining } = site
  app.decorateRequest(admittedKey, null)
  return async (route, request, reply) => {
    if (draining.aborted) throw failure('server.draining')
    limit.checkFailures(request, reply)
    const principal = await authenticate(request)
    if (principal?.kind !== 'local') await limit.check(request, reply, principal)
    if (!principal) throw failure('request.anonymous')
    const found = await recorded(site, route.operation, principal, () => admitted(site, route, principal, request))
    request.setDecorator(admittedKey, found)
  }
}

/** @throws AccessDeniedError `request.forbidden` */
function admitted({ parts }: Site, route: Entrance, principal: RequestPrincipal, request: FastifyRequest): Admitted {
  authorize(principal, parts.roles, route.role, route.operation)
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

/** Node takes each byte of a header for a character; where they are UTF-8, as everywhere else, the name is what they say. */
function inUtf8(value: string | undefined): string | undefined {
  if (value === undefined || !/[\x80-\xff]/.test(value)) return value
  const bytes = Buffer.from(value, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : value
}

/** What is refused to somebody who is known is for the audit log. @throws what `work` throws */
export async function recorded<T>(
  { parts }: Pick<Site, 'parts'>,
  operation: RequestedOperation,
  principal: RequestPrincipal,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TroupeError && error.code === 'request.forbidden') {
      const { users, agent = 'host' } = principal
      const key = keyOf(principal)
      const user = users !== 'all' && users.length === 1 ? users[0] : undefined
      parts.audit.record({
        actor: agent,
        operation,
        allowed: false,
        reason: error.code,
        ...(key === undefined ? {} : { key }),
        ...(user === undefined ? {} : { user }),
      })
    }
    throw error
  }
}

/**
 * By who it is; of nobody known, by address. An address whose sign-ins failed too often is rejected before its key is looked
 * up: guessing is slow, and costs the database nothing.
 */
export function createLimit(app: FastifyInstance, { settings: { rateLimit }, parts: { clock } }: Site): RateLimit {
  if (!rateLimit) return { checkFailures() {}, addFailure() {}, async check() {} }
  const { max, windowMs } = rateLimit
  const bySession = max * 10
  app.decorateRequest(named, null)
  const nameOf = (request: FastifyRequest) => request.getDecorator<string | null>(named) ?? request.ip
  const options = { timeWindow: windowMs, keyGenerator: nameOf }
  const check = app.createRateLimit({ ...options, max })
  const checkSession = app.createRateLimit({ ...options, max: bySession })
  const failures = new LRUCache<string, { count: number; readonly until: number }>({ max: maxAddresses })
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
    const account = failures.get(request.ip)
    const leftMs = account && account.count >= max ? account.until - clock.monotonic() : 0
    if (leftMs > 0) reject(reply, max, Math.ceil(leftMs / 1_000))
  }
  const checkRate = async (request: FastifyRequest, reply: FastifyReply, principal: RequestPrincipal | undefined) => {
    if (!principal) failed(request.ip)
    if (principal) request.setDecorator(named, `${principal.kind} ${principal.id}`)
    const found = await (principal?.kind === 'session' ? checkSession : check)(request)
    if (found.isAllowed) return
    reply.header('ratelimit-limit', found.max)
    reply.header('ratelimit-remaining', found.remaining)
    reply.header('ratelimit-reset', found.ttlInSeconds)
    if (!found.isExceeded) return
    reject(reply, found.max, found.ttlInSeconds)
  }
  return { checkFailures, addFailure: (request) => failed(request.ip), check: checkRate }
}
