/** Creates the OpenAPI 3.1 document of the server from the schemas that validate requests and answers. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import { z } from 'zod'
import { lazy } from '../../core/index.ts'
import type { Route } from '../route.ts'
import { components } from './components.ts'
import { problemSchema } from './problem-schema.ts'
import { shareSchemas } from './share-schemas.ts'
import { withoutCompilers } from './without-compilers.ts'

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

/**
 * Collects the routes that are added to the app from now on.
 * @returns a function that creates the document of these routes at its first call
 */
export function openapiOf(app: FastifyInstance): () => Promise<object> {
  const found: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    if (route.method !== 'HEAD') found.push(route)
  })
  return lazy(() => createDocument(found))
}

/** In an app of its own, because the packages that describe routes are loaded for the first request of the document. */
async function createDocument(routes: readonly RouteOptions[]): Promise<object> {
  const [{ default: fastify }, { default: swagger }, types] = await Promise.all([
    import('fastify'),
    import('@fastify/swagger'),
    import('fastify-type-provider-zod'),
  ])
  const { jsonSchemaTransform: transform, serializerCompiler, validatorCompiler } = types
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
  const app = fastify({ schemaController: withoutCompilers })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  await app.register(swagger, {
    openapi: { ...openapi, components: { ...openapi.components, schemas: shared.schemas } },
    transform: (input) => {
      const { schema, url } = transform(input)
      const { response } = schema as { readonly response?: object }
      return { url, schema: response ? { ...schema, response: shared.replaceIn(response) } : schema }
    },
  })
  for (const { method, url, schema = {}, handler } of routes) app.route({ method, url, schema, handler })
  await app.ready()
  return app.swagger()
}
