/** Creates the OpenAPI 3.1 document of the server from the schemas that validate requests and answers. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { z } from 'zod'
import type { Route } from '../route.ts'
import { components } from './components.ts'
import { problemSchema } from './problem-schema.ts'
import { shareSchemas } from './share-schemas.ts'

type Transform = NonNullable<FastifyDynamicSwaggerOptions['transform']>

const problems = {
  description: 'The problem (RFC 9457).',
  content: { 'application/problem+json': { schema: problemSchema } },
}

const nothing = z.strictObject({})

const textOf = (route: Exclude<Route, { readonly answer: unknown }>) =>
  'events' in route
    ? {
        description: 'Server-sent events; the schema describes the data of each event.',
        content: { 'text/event-stream': { schema: route.data } },
      }
    : { description: 'Text.', content: { [(route.type.split(';')[0] as string).trim()]: { schema: z.string() } } }

const withoutBody = (route: Route) =>
  'events' in route
    ? { 204: z.undefined().describe('The stream has no further events.') }
    : 'tagged' in route && route.tagged
      ? { 304: z.undefined().describe('The version is the one in If-None-Match.') }
      : {}

export function routeSchema(route: Route): FastifySchema {
  const { params, query = nothing, body, summary, name, operation, role } = route
  const found = 'answer' in route ? { '2xx': route.answer } : { 200: textOf(route) }
  const response = { ...found, ...withoutBody(route) }
  return {
    ...(params ? { params } : {}),
    ...(body ? { body } : {}),
    querystring: query,
    response: { ...response, '4xx': problems, '5xx': problems },
    summary,
    description: `${operation === 'access.read' ? 'Any key may call it' : `Operation ${operation}`}; needs the role ${role} or higher.`,
    operationId: name,
    tags: [name.split('.')[0] as string],
    security: [{ key: [] }],
  }
}

/** `GET /v1/openapi.json` gives it. */
export async function openDocument(app: FastifyInstance, transform: Transform): Promise<void> {
  const { default: swagger } = await import('@fastify/swagger')
  const openapi = {
    openapi: '3.1.0',
    info: {
      title: 'Troupe',
      description:
        'Runs, context and messages of a troupe. The headers `troupe-user` and `troupe-agent` name the user and the agent of a call.',
      version: '1',
    },
    components: { securitySchemes: { key: { type: 'http' as const, scheme: 'bearer' } } },
  }
  const shared = shareSchemas(components, (schema) => {
    const { schema: found } = transform({
      schema: { response: { 200: schema } },
      url: '',
      route: { method: 'GET', url: '', handler: () => undefined },
      openapiObject: openapi,
    } as Parameters<Transform>[0])
    return (found as { readonly response: Readonly<Record<string, object>> }).response['200'] as object
  })
  await app.register(swagger, {
    openapi: { ...openapi, components: { ...openapi.components, schemas: shared.schemas } },
    transform: (input) => {
      const { schema, url } = transform(input)
      const { response } = schema as { readonly response?: object }
      return { url, schema: response ? { ...schema, response: shared.replaceIn(response) } : schema }
    },
  })
}
