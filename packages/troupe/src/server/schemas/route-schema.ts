/** The schema of a route, with which Fastify checks requests and answers, and which the OpenAPI document describes. */
import type { FastifySchema } from 'fastify'
import { z } from 'zod'
import type { Route } from '../route.ts'
import { problemSchema } from './problem-schema.ts'

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
