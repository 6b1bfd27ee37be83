/** The description of the server (OpenAPI 3.1), made from the schemas that check what comes and goes. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { z } from 'zod'
import type { Route } from './route.ts'

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  code: z.string(),
  hint: z.string().optional(),
  retryable: z.boolean(),
  request: z.string(),
  findings: z.unknown().optional(),
  results: z.unknown().optional(),
})
const problems = {
  description: 'What is wrong (RFC 9457).',
  content: { 'application/problem+json': { schema: problem } },
}

const nothing = z.strictObject({})

const textOf = (route: Exclude<Route, { readonly answer: unknown }>) =>
  'events' in route
    ? { description: 'Server-sent events.', content: { 'text/event-stream': { schema: z.string() } } }
    : { description: 'Text.', content: { [(route.type.split(';')[0] as string).trim()]: { schema: z.string() } } }

const withoutBody = (route: Route) =>
  'events' in route
    ? { 204: z.undefined().describe('Nothing is left, and nothing will come.') }
    : 'tagged' in route && route.tagged
      ? { 304: z.undefined().describe('It is what If-None-Match names.') }
      : {}

export function routeSchema(route: Route): FastifySchema {
  const { params, query = nothing, body, summary, operation, role } = route
  const found = 'answer' in route ? { '2xx': route.answer } : { 200: textOf(route) }
  const response = { ...found, ...withoutBody(route) }
  return {
    ...(params ? { params } : {}),
    ...(body ? { body } : {}),
    querystring: query,
    response: { ...response, '4xx': problems, '5xx': problems },
    summary,
    description: `Operation ${operation}, for ${role} at least.`,
    operationId: `${route.method.toLowerCase()}${route.path.replace(/[/:-]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    tags: [operation.split('.')[0] as string],
    security: [{ key: [] }],
  }
}

/** `GET /v1/openapi.json` gives it. */
export async function openDocument(app: FastifyInstance, transform: unknown): Promise<void> {
  const { default: swagger } = await import('@fastify/swagger')
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Troupe',
        description:
          'Runs, context and messages of a troupe. `troupe-user` and `troupe-agent` name in whose name a call is.',
        version: '1',
      },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    },
    transform: transform as NonNullable<FastifyDynamicSwaggerOptions['transform']>,
  })
}
