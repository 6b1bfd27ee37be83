/** The routes that any caller may request: liveness, readiness, and the description of the API. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { lazy } from '../core/index.ts'
import type { Troupe } from '../startup/index.ts'
import { checkOrigin } from './access/check-origin.ts'
import type { AddOpenRoute } from './open-route.ts'
import type { Site } from './site.ts'

/** A text for people. Probes read the status code. */
const probeAnswers = (summary: string, name: string, [well, ill]: readonly [string, string]) => ({
  summary,
  operationId: name,
  tags: ['health'],
  security: [],
  response: { 200: z.object({ status: z.literal(well) }), 503: z.object({ status: z.literal(ill) }) },
})
const health = probeAnswers('Show whether the process is live, without authentication.', 'probes.live', [
  'ok',
  'closed',
])
const ready = probeAnswers('Show whether the process accepts work, without authentication.', 'probes.ready', [
  'ready',
  'not ready',
])

/** Returns the OpenAPI document with the paths that the routes have under a prefix. */
async function openapiUnder(prefix: string): Promise<string> {
  const { openapiText } = await import('./schemas/openapi-text.ts')
  const document = JSON.parse(openapiText()) as { readonly paths: object }
  const paths = Object.entries(document.paths).map(([path, operations]) => [prefix + path, operations])
  return JSON.stringify({ ...document, paths: Object.fromEntries(paths) })
}

/** Answers whether the process is live. */
export function sendLiveness(troupe: Pick<Troupe, 'live'>, reply: FastifyReply): FastifyReply {
  const isLive = troupe.live()
  return reply.code(isLive ? 200 : 503).send({ status: isLive ? 'ok' : 'closed' })
}

export function addOpenRoutes(app: FastifyInstance, { troupe, draining, settings }: Site, add: AddOpenRoute): void {
  const document = lazy(() => openapiUnder(app.prefix))
  app.addHook('onRequest', async (request) => checkOrigin(request, settings))
  add('GET /health', async (_, reply) => sendLiveness(troupe, reply), health)
  add(
    'GET /ready',
    async (_, reply) => {
      const isReady = !draining.aborted && (await troupe.ready())
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not ready' })
    },
    ready,
  )
  add('GET /v1/openapi.json', async (_, reply) => reply.type('application/json; charset=utf-8').send(await document()))
}
