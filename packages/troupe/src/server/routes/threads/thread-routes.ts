/** Routes of threads: the messages between a user and an agent or a team. */
import { z } from 'zod'
import { answers, does } from '../../route.ts'
import {
  json,
  list,
  page,
  pageSchema,
  pagingQuery,
  requestText,
  withoutUndefined,
} from '../../schemas/request-schemas.ts'
import { runSummarySchema, threadSummarySchema } from '../../schemas/run-schemas.ts'

const messageSchema = z.object({
  role: z.enum(['user', 'assistant', 'tool']),
  text: z.string(),
  content: list(json),
  taint: list(z.string()).optional(),
  run: z.string().optional(),
})

export const threadRoutes = [
  answers({
    route: 'GET /v1/threads',
    name: 'threads.list',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'List the threads of the user with agents and teams, the newest message first.',
    query: z.strictObject(pagingQuery),
    answer: pageSchema(threadSummarySchema),
    handle: async ({ orchestra, query }) => page(await orchestra.threads(withoutUndefined(query))),
  }),
  answers({
    route: 'GET /v1/threads/:thread',
    name: 'threads.get',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'Show a thread with its messages and its newest runs.',
    params: z.object({ thread: requestText.name }),
    query: z.strictObject({
      name: requestText.name.optional().describe('The agent or team; by default the one of the newest message.'),
    }),
    answer: threadSummarySchema.extend({ messages: list(messageSchema), runs: list(runSummarySchema) }),
    handle: async ({ orchestra, params, query }) => orchestra.thread(params.thread, withoutUndefined(query)),
  }),
  does({
    route: 'DELETE /v1/threads/:thread',
    name: 'threads.delete',
    operation: 'threads.delete',
    role: 'contributor',
    audit: 'thread.delete',
    summary: 'Delete a thread with its messages, summaries, facts, working memory and files.',
    params: z.object({ thread: requestText.name }),
    query: z.strictObject({
      name: requestText.name.optional().describe('The agent or team, if several have a thread with this id.'),
    }),
    handle: ({ orchestra, params, query }) => orchestra.deleteThread(params.thread, withoutUndefined(query)),
  }),
]
