/**
 * The table of the routes that any caller may request. The requests of an address are limited on each of them. The server
 * adds no route outside this table, the table of `routes.ts`, the files of the studio and `/mcp`.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { failure } from '../core/index.ts'
import type { FailureLimit } from './access/admit.ts'
import { clientAddress } from './access/client-address.ts'
import type { Site } from './site.ts'

interface OpenRoute {
  /** The failed sign-ins of an address are limited too, and recorded. */
  readonly failures?: true
  /** The operation that the audit log records if the request succeeds, fails, or either. */
  readonly audit?: 'login' | 'session.end'
  /** Absent: a HEAD request is answered like a GET request. */
  readonly head?: false
}

export const openRoutes = {
  'GET /health': {},
  'GET /ready': {},
  'GET /v1/openapi.json': {},
  'GET /session': { head: false },
  'POST /session': { failures: true, audit: 'login', head: false },
  'DELETE /session': { failures: true, audit: 'session.end', head: false },
  'GET /open': { failures: true, audit: 'login', head: false },
  'GET /login': { failures: true, head: false },
  'GET /login/callback': { failures: true, audit: 'login', head: false },
} as const satisfies Readonly<Record<string, OpenRoute>>

export type OpenRouteName = keyof typeof openRoutes
export type AddOpenRoute = (
  name: OpenRouteName,
  handler: RouteOptions['handler'],
  schema?: RouteOptions['schema'],
) => void
type RequestHook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/** The limits of requests of one address within a window, in limits of a key. */
const factors = { open: 10, files: 100 }

/** Returns a hook that limits the requests of an address, apart from those that other such hooks count. */
export function createAddressLimit(
  app: FastifyInstance,
  { settings: { rateLimit } }: Pick<Site, 'settings'>,
  routes: keyof typeof factors,
): RequestHook {
  const check =
    rateLimit &&
    app.createRateLimit({
      timeWindow: rateLimit.windowMs,
      max: rateLimit.max * factors[routes],
      keyGenerator: ({ ip }) => clientAddress(ip),
    })
  return async (request, reply) => {
    const found = await check?.(request)
    if (!found || found.isAllowed || !found.isExceeded) return
    reply.header('retry-after', found.ttlInSeconds)
    throw failure('rate.limited', { limit: found.max, seconds: found.ttlInSeconds })
  }
}

/** Returns a function that adds a route of the table, hidden from the description of the API if it has no schema. */
export function createAddOpenRoute(app: FastifyInstance, site: Site, limit: FailureLimit): AddOpenRoute {
  const limited = createAddressLimit(app, site, 'open')
  return (name, handler, schema = { hide: true }) => {
    const { failures, head }: OpenRoute = openRoutes[name]
    const [method, url] = name.split(' ') as [string, string]
    const onRequest: RequestHook = async (request, reply) => {
      await limited(request, reply)
      if (failures) limit.checkFailures(request, reply)
    }
    app.route({ method, url, schema, onRequest, handler, ...(head === false ? { exposeHeadRoute: false } : {}) })
  }
}
