/** Topics, subscriptions, and what only the host does with a user's context. */
import { z } from 'zod'
import type { ContextMesh } from '../../context/index.ts'
import { failure } from '../../core/index.ts'
import { answers, type Call, does } from '../route.ts'
import {
  flagSchema,
  list,
  page,
  pageSchema,
  pagingQuery,
  requestText,
  withoutUndefined,
} from '../schemas/request-schemas.ts'

const names = z.array(requestText.name).max(1_000)
const ofTopic = z.object({ topic: requestText.name })

/** @throws AccessDeniedError if the caller acts as an agent */
export function hostOf({
  requestContext,
  agent,
}: Pick<Call<unknown, unknown, unknown>, 'requestContext' | 'agent'>): ContextMesh {
  if (requestContext.host) return requestContext.host
  throw failure('access.denied', { agent: agent ?? '', action: 'do what the host does' })
}

export const topicRoutes = [
  answers({
    route: 'GET /v1/topics',
    name: 'topics.list',
    operation: 'context.read',
    role: 'readonly',
    agents: 'own',
    summary: 'List the topics, except closed ones that the caller may neither read nor post to.',
    query: z.strictObject({ ...pagingQuery, names: flagSchema.optional() }),
    answer: pageSchema(
      z.object({
        topic: z.string(),
        subscribers: z.number(),
        names: list(z.string()).optional(),
        maySubscribe: z.boolean(),
        mayPost: z.boolean(),
      }),
    ),
    handle: async ({ requestContext, query }) =>
      page(await requestContext.context.discoverTopics(withoutUndefined(query))),
  }),
  answers({
    route: 'DELETE /v1/topics/:topic',
    name: 'topics.delete',
    operation: 'topics.manage',
    role: 'moderator',
    agents: 'own',
    summary: 'Delete a topic, and the entries for which it was the only audience.',
    params: ofTopic,
    answer: z.object({ topic: z.string(), subscribersAffected: z.number(), entriesDeleted: z.number() }),
    handle: async ({ requestContext, params }) => ({ ...(await requestContext.context.deleteTopic(params.topic)) }),
  }),
  does({
    route: 'PUT /v1/topics/:topic/policy',
    name: 'topics.setPolicy',
    operation: 'topics.manage',
    role: 'admin',
    agents: 'own',
    summary:
      'Set the agents that may read a topic and post to it; an empty list admits no agent, an absent list admits all.',
    params: ofTopic,
    body: z.strictObject({ subscribe: names.optional(), post: names.optional() }),
    handle: async (call) => hostOf(call).setTopicPolicy(call.params.topic, withoutUndefined(call.body)),
  }),
  answers({
    route: 'GET /v1/context/subscriptions',
    name: 'context.subscriptions',
    operation: 'context.read',
    role: 'readonly',
    agents: 'own',
    summary: 'List the topics that the agent is subscribed to.',
    answer: z.object({ topics: z.array(z.string()) }),
    handle: async ({ requestContext }) => ({ topics: [...(await requestContext.context.topics())] }),
  }),
  ...(['subscribe', 'unsubscribe'] as const).map((verb) =>
    does({
      route: `POST /v1/context/${verb}`,
      name: `context.${verb}`,
      operation: 'context.subscribe',
      role: 'contributor',
      agents: 'own',
      summary: { subscribe: 'Subscribe the agent to topics.', unsubscribe: 'Unsubscribe the agent from topics.' }[verb],
      body: z.strictObject({ topics: names }),
      handle: ({ requestContext, body }) => requestContext.context[verb](body.topics),
    }),
  ),
  answers({
    route: 'GET /v1/context/stats',
    name: 'context.stats',
    operation: 'context.read',
    role: 'readonly',
    agents: 'own',
    summary: 'Show the numbers of entries and topics, for callers that are bound to no agent.',
    answer: z.object({
      entries: z.number(),
      expired: z.number(),
      bytes: z.number(),
      topics: z.number(),
      revision: z.number(),
    }),
    handle: async (call) => ({ ...(await hostOf(call).stats()) }),
  }),
  answers({
    route: 'DELETE /v1/context/entries',
    name: 'context.clear',
    operation: 'context.clear',
    role: 'admin',
    agents: 'own',
    summary: 'Remove every entry of the user.',
    answer: z.object({ removed: z.number() }),
    handle: async (call) => ({ removed: await hostOf(call).clear() }),
  }),
]
