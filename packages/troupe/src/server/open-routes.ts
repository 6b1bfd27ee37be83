/** The routes that any caller may request: liveness, readiness, and the description of the API. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { failure } from '../core/index.ts'
import { checkOrigin } from './access/check-origin.ts'
import type { Site } from './site.ts'

/** The limit of requests of one address within a window, equal to that of a key. */
const openFactor = 10

const hidden = { schema: { hide: true } }
/** A text for people. Probes read the status code. */
const probeAnswers = (summary: string, name: string, [well, ill]: readonly [string, string]) => ({
  schema: {
    summary,
    operationId: name,
    tags: ['health'],
    security: [],
    response: { 200: z.object({ status: z.literal(well) }), 503: z.object({ status: z.literal(ill) }) },
  },
})
const health = probeAnswers('Show whether the process is live, without authentication.', 'probes.live', [
  'ok',
  'closed',
])
const ready = probeAnswers('Show whether the process accepts work, without authentication.', 'probes.ready', [
  'ready',
  'not ready',
])

export function addOpenRoutes(app: FastifyInstance, site: Site): void {
  const { troupe, draining, settings } = site
  app.addHook('onRequest', async (request) => checkOrigin(request, settings))
  // Probes are rare. More frequent callers are limited, since `/ready` reads the database.
  const { rateLimit } = settings
  const check =
    rateLimit &&
    app.createRateLimit({
      timeWindow: rateLimit.windowMs,
      max: rateLimit.max * openFactor,
      keyGenerator: ({ ip }) => ip,
    })
  const limited = async (request: FastifyRequest, reply: FastifyReply) => {
    const found = await check?.(request)
    if (!found || found.isAllowed || !found.isExceeded) return
    reply.header('retry-after', found.ttlInSeconds)
    throw failure('rate.limited', { limit: found.max, seconds: found.ttlInSeconds })
  }
  const openRoute = { onRequest: limited }
  app.get('/health', { ...health, ...openRoute }, async (_, reply) => {
    const isLive = troupe.live()
    return reply.code(isLive ? 200 : 503).send({ status: isLive ? 'ok' : 'closed' })
  })
  app.get('/ready', { ...ready, ...openRoute }, async (_, reply) => {
    const isReady = !draining.aborted && (await troupe.ready())
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not ready' })
  })
  app.get('/v1/openapi.json', { ...hidden, ...openRoute }, async () => app.swagger())
}
