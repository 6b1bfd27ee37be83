/** The server as a plugin of Fastify: the routes of the table, and around each what every request goes through. */
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Troupe } from '../runtime/index.ts'
import { addPage } from './add-page.ts'
import { type Admit, createAdmit } from './admit.ts'
import { answerUnknown } from './answer-unknown.ts'
import { createAuthenticate } from './authenticate.ts'
import { callOf, carryOut } from './carry-out.ts'
import { addMcp } from './mcp.ts'
import { addOpenRoutes } from './open-routes.ts'
import { openDocument, schemaOf } from './openapi.ts'
import { type PluginOptions, readSettings, type Settings } from './options.ts'
import { asTroupeError, sendProblem } from './problem.ts'
import { readBody } from './read-body.ts'
import type { Route } from './route.ts'
import { routes } from './routes.ts'
import { secureHeaders } from './secure-headers.ts'
import { partsIn, type Site } from './site.ts'
import { Feeds } from './sse/feeds.ts'
import { createStays } from './stays.ts'

export interface TroupePluginOptions extends PluginOptions {
  readonly troupe: Troupe
}

/**
 * Serves a troupe in an app of yours. What it sets holds for its own routes alone; under a `prefix` there is no page.
 * Keys and ids are parts of paths, and longer than Fastify takes by itself.
 * @throws ValidationError for a wrong option
 * @example
 * import Fastify from 'fastify'
 * const app = Fastify({ routerOptions: { maxParamLength: 4_096 } })
 * await app.register(troupePlugin, { troupe, key: process.env.TROUPE_KEY })
 */
export const troupePlugin: FastifyPluginAsync<TroupePluginOptions> = async (app, options) => {
  const { troupe, ...rest } = options
  const { prefix: _, ...own } = rest as typeof rest & { readonly prefix?: string }
  const settings = readSettings(own, { production: partsIn(troupe).given.production })
  await addServer(app, troupe, settings)
}

/** @returns ends its streams and takes no request more, as closing the app does */
export async function addServer(app: FastifyInstance, troupe: Troupe, settings: Settings): Promise<() => void> {
  const ends = new AbortController()
  const underWay = new Set<AbortController>()
  const parts = partsIn(troupe)
  const authenticate = await createAuthenticate(parts, settings)
  const stays = createStays(authenticate, parts.clock, settings.heartbeatMs / 2)
  const feeds = new Feeds()
  const site: Site = { troupe, parts, settings, feeds, authenticate, stays, draining: ends.signal, underWay }
  const drain = () => {
    ends.abort()
    for (const one of underWay) one.abort()
  }
  app.addHook('preClose', async () => drain())
  site.parts.served.add(app)
  app.addHook('onClose', async () => void site.parts.served.delete(app))
  await addPackages(app, site)
  takeJsonAlone(app)
  app.setErrorHandler((error, request, reply) => sendProblem(reply, asTroupeError(error, request, site.parts.log)))
  if (app.prefix !== '') answerUnknown(app)
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id)
    // Whoever asks again is to ask another node.
    if (ends.signal.aborted) reply.header('connection', 'close')
  })
  const admit = createAdmit(app, site)
  addOpenRoutes(app, site)
  // It asks for its files and its data at the root.
  if (app.prefix === '') await addPage(app)
  for (const route of routes) addRoute(app, site, admit, route)
  addMcp(app, site, admit)
  return drain
}

/** Packages of Fastify's own, loaded where a server is. */
async function addPackages(app: FastifyInstance, { settings }: Site): Promise<void> {
  const [headers, cors, rateLimit, types] = await Promise.all([
    secureHeaders(),
    import('@fastify/cors'),
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
    'retry-after',
    'x-request-id',
    'ratelimit-limit',
    'ratelimit-remaining',
    'ratelimit-reset',
  ]
  if (settings.origins.length > 0)
    await app.register(cors.default, {
      origin: settings.origins.includes('*') ? '*' : [...settings.origins],
      methods: ['GET', 'POST', 'PUT', 'DELETE'],
      exposedHeaders: exposed,
    })
  await app.register(rateLimit.default, { global: false })
  await openDocument(app, types.jsonSchemaTransform)
}

function takeJsonAlone(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
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

function addRoute(app: FastifyInstance, site: Site, admit: Admit, route: Route): void {
  app.route({
    method: route.method,
    url: route.path,
    schema: schemaOf(route),
    bodyLimit: site.settings.bodyLimit,
    onRequest: (request, reply) => admit(route, request, reply),
    handler: async (_, reply) => carryOut(site, route, callOf(site, route, reply), reply),
  })
}
