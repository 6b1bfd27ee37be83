/** The server as a Fastify plugin: the routes of the table, each with authentication, limits and recording around it. */
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { failure, fieldOf, invalidInput, isObject, readable } from '../core/index.ts'
import type { Roles } from '../security/index.ts'
import type { Troupe } from '../startup/index.ts'
import { partsIn } from '../startup/index.ts'
import { addSignIn } from './access/add-sign-in.ts'
import { type Admit, createAdmit, createLimit, principalOf } from './access/admit.ts'
import { createAuthenticate } from './access/authenticate.ts'
import { showsErrorTexts } from './access/error-texts.ts'
import { secureHeaders } from './access/secure-headers.ts'
import { createSessionGuard } from './access/session-guard.ts'
import { addStudio } from './add-studio.ts'
import { answerUnknown } from './answers/answer-unknown.ts'
import { problemOf, sendProblem } from './answers/problem-details.ts'
import { readBody } from './answers/read-body.ts'
import { callOf, executeRequest } from './execute-request.ts'
import { addMcp } from './mcp/add-mcp.ts'
import { createAddOpenRoute, createAddressLimit } from './open-route.ts'
import { addOpenRoutes } from './open-routes.ts'
import type { Route } from './route.ts'
import { routes } from './routes.ts'
import { routeSchema } from './schemas/route-schema.ts'
import { type PluginOptions, readSettings, type ServerSettings } from './server-options.ts'
import type { Site } from './site.ts'
import { Feeds } from './streams/feeds.ts'
import { UpdateStreams } from './streams/update-streams.ts'

/** The options of `troupePlugin`. */
export interface TroupePluginOptions extends PluginOptions {
  /** The troupe that is served. */
  readonly troupe: Troupe
}

/**
 * Serves a troupe in an existing Fastify app. Its settings apply to its own routes only. Under a `prefix` there is no
 * studio. Keys and ids are parts of paths and longer than Fastify's default for parameters.
 * @throws ValidationError for a wrong option
 * @example
 * import Fastify from 'fastify'
 * const app = Fastify({ routerOptions: { maxParamLength: 4_096 } })
 * await app.register(troupePlugin, { troupe, key: process.env.TROUPE_KEY })
 */
export const troupePlugin: FastifyPluginAsync<TroupePluginOptions> = async (app, options) => {
  if (!isObject(options) || fieldOf(options, 'troupe') === undefined)
    throw invalidInput('The options of troupePlugin', 'the option troupe is missing')
  const { troupe, ...rest } = readable('The options of troupePlugin', () => ({ ...options }))
  const { prefix: _, ...own } = rest as typeof rest & { readonly prefix?: string }
  const settings = readSettings(own, { production: partsIn(troupe).settings.production })
  await addServer(app, troupe, settings)
}

const mayReadTexts = (roles: Roles, request: FastifyRequest) => {
  const principal = principalOf(request)
  return principal !== undefined && showsErrorTexts(principal, roles, request)
}

/** @returns a function that ends the streams and rejects new requests, as closing the app does */
export async function addServer(app: FastifyInstance, troupe: Troupe, settings: ServerSettings): Promise<() => void> {
  const ends = new AbortController()
  const activeRequests = new Set<AbortController>()
  const parts = partsIn(troupe)
  const { clock, ids } = parts.platform
  const { observation, updates } = parts.observability
  const authenticate = await createAuthenticate(parts, settings)
  const isSessionValid = createSessionGuard(authenticate, clock, settings.heartbeatMs / 2)
  const feeds = new Feeds()
  const site: Site = {
    troupe,
    parts,
    settings,
    feeds,
    updateStreams: new UpdateStreams({ clock, ids, updates, health: observation.health }, ends.signal),
    authenticate,
    isSessionValid,
    draining: ends.signal,
    activeRequests,
    openStreams: new Map(),
  }
  const drain = () => {
    ends.abort()
    for (const one of activeRequests) one.abort()
  }
  app.addHook('preClose', async () => drain())
  site.parts.work.served.add(app)
  app.addHook('onClose', async () => void site.parts.work.served.delete(app))
  await addPackages(app, site)
  acceptJsonOnly(app)
  app.setErrorHandler((error, request, reply) =>
    sendProblem(reply, problemOf(error, request, parts.observability.log, mayReadTexts(parts.security.roles, request))),
  )
  if (app.prefix !== '') answerUnknown(app)
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id)
    // The caller should retry at another process.
    if (ends.signal.aborted) reply.header('connection', 'close')
  })
  const limit = createLimit(app, site)
  const admit = createAdmit(app, site, limit)
  const addOpenRoute = createAddOpenRoute(app, site, limit)
  addOpenRoutes(app, site, addOpenRoute)
  addSignIn(app, site, limit, addOpenRoute)
  // The studio requests its files and data at the root.
  if (app.prefix === '') await addStudio(app, createAddressLimit(app, site, 'files'))
  for (const route of routes) addRoute(app, site, admit, route)
  addMcp(app, site, admit)
  return drain
}

/** Fastify's packages, loaded when a server is created. */
async function addPackages(app: FastifyInstance, { settings }: Site): Promise<void> {
  const [headers, rateLimit, types] = await Promise.all([
    secureHeaders(),
    import('@fastify/rate-limit'),
    import('fastify-type-provider-zod'),
  ])
  app.setValidatorCompiler(types.validatorCompiler)
  app.setSerializerCompiler(types.serializerCompiler)
  app.addHook('onRequest', (_, reply, done) => {
    reply.headers(headers)
    done()
  })
  const exposed = [
    'etag',
    'location',
    'mcp-session-id',
    'retry-after',
    'x-request-id',
    'ratelimit-limit',
    'ratelimit-remaining',
    'ratelimit-reset',
  ]
  if (settings.origins.length > 0)
    await app.register((await import('@fastify/cors')).default, {
      origin: settings.origins.includes('*') ? '*' : [...settings.origins],
      methods: ['GET', 'POST', 'PUT', 'DELETE'],
      exposedHeaders: exposed,
      // An OPTIONS request without the headers of a preflight would get an error of another form than all others.
      strictPreflight: false,
    })
  await app.register(rateLimit.default, { global: false })
}

function acceptJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const { 'content-encoding': encoding = 'identity', 'content-type': type = '' } = request.headers
      if (encoding.toLowerCase() !== 'identity' || !isUtf8Type(type)) throw failure('request.media_type')
      const value = readBody(body as Buffer, (text) => {
        let parsed: unknown
        parse(request, text, (error, found) => {
          if (error) throw error
          parsed = found
        })
        return parsed
      })
      done(null, value)
    } catch (error) {
      done(error as Error)
    }
  })
}

/** Returns whether a media type names no character set but UTF-8, the only one that is read. */
const isUtf8Type = (type: string) =>
  [...type.matchAll(/;\s*charset\s*=\s*"?([^\s";]*)/gi)].every(([, name = '']) => /^utf-?8$/i.test(name))

function addRoute(app: FastifyInstance, site: Site, admit: Admit, route: Route): void {
  app.route({
    method: route.method,
    url: route.path,
    schema: routeSchema(route),
    bodyLimit: site.settings.bodyLimit,
    onRequest: (request, reply) => admit(route, request, reply),
    handler: async (_, reply) => executeRequest(site, route, callOf(site, route, reply), reply),
  })
}
