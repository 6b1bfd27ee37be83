/**
 * The routes of all that waits for a person: of the caller's user, or for operators of all users. An answer names the item of
 * the list, whether it is of a run, a session or a message handler.
 */
import { z } from 'zod'
import type { Json } from '../../../core/index.ts'
import { journalOwnerOf } from '../../../journal/index.ts'
import { requireAllUsers } from '../../access/request-principal.ts'
import { answers, does } from '../../route.ts'
import {
  flagSchema,
  json,
  list,
  optionalBody,
  page,
  pageSchema,
  pagingQuery,
  requestText,
  requiredField,
  withoutUndefined,
} from '../../schemas/request-schemas.ts'
import { costSchema, questionSchema, tokensSchema, uncertainEffectSchema } from '../../schemas/run-schemas.ts'
import { requireAnswerer } from '../agent-access.ts'
import { resolutionBody, resolutionOf } from './resolution-body.ts'

const approvalSchema = z.object({
  id: z.string().describe('Names the item in answers and resolutions.'),
  origin: z.enum(['run', 'session', 'handler']),
  user: z.string().optional().describe('Present with `allUsers`.'),
  run: z.string().optional(),
  threadId: z.string().optional().describe('The thread of a session.'),
  agent: z.string().optional().describe('The agent of a session, or the mailbox of a handler.'),
  messages: list(z.string()).optional().describe('The messages that a handler handled.'),
  reason: z.string().optional(),
  title: z.string(),
  team: z.string().optional(),
  usage: tokensSchema.optional(),
  cost: costSchema.optional(),
  createdAt: z.string(),
  endedAt: z.string().optional().describe('Present for a run that has ended.'),
  questions: list(questionSchema),
  uncertain: list(uncertainEffectSchema),
})

const pathParams = z.object({ approval: requestText.id.describe('The `id` of an item of the list.') })

export const approvalRoutes = [
  answers({
    route: 'GET /v1/approvals',
    name: 'approvals.list',
    operation: 'approvals.list',
    role: 'readonly',
    summary:
      'List the runs, sessions and message handlers that wait for a person, with their questions and uncertain effects.',
    query: z.strictObject({
      ...pagingQuery,
      allUsers: flagSchema.optional().describe('Include those of all users, by user.'),
    }),
    answer: pageSchema(approvalSchema),
    handle: async ({ troupe, user, principal, query: { allUsers, ...paging }, signal }) => {
      const options = { ...withoutUndefined(paging), signal }
      if (!allUsers) return page(await troupe.user(user).approvals.list(options))
      requireAllUsers(principal, 'approvals.list')
      return page(await troupe.listApprovals(options))
    },
  }),
  does({
    route: 'POST /v1/approvals/:approval/answers',
    name: 'approvals.answer',
    operation: 'runs.answer',
    role: 'contributor',
    agents: 'own',
    summary: 'Answer a question of a run or a session with a text, one of its options, or `{ approve, hash }`.',
    params: pathParams,
    body: z.strictObject({ question: requestText.id, value: json }),
    handle: async (call) => {
      const { troupe, user, params, body, signal, idempotencyId } = call
      await requireAnswerer(call, { run: journalOwnerOf(params.approval)?.run, ...body })
      const options = { ...withoutUndefined({ id: idempotencyId }), signal }
      await troupe
        .user(user)
        .approvals.answer(params.approval, body.question, requiredField(body, 'value') as Json, options)
    },
  }),
  does({
    route: 'POST /v1/approvals/:approval/resolve',
    name: 'approvals.resolve',
    operation: 'runs.resolve',
    role: 'moderator',
    summary:
      'Resolve an uncertain effect of a run, session or message handler: it happened, with its output, or it did not. An open run or session ' +
      'continues, and the message of a handler is redriven.',
    params: pathParams,
    body: resolutionBody,
    handle: async ({ troupe, user, params, body, signal }) => {
      const { effect, resolution } = resolutionOf(body)
      await troupe.user(user).approvals.resolve(params.approval, effect, resolution, { signal })
    },
  }),
  answers({
    route: 'POST /v1/approvals/:approval/cancel',
    name: 'approvals.cancel',
    operation: 'runs.command',
    role: 'contributor',
    summary:
      'Cancel a run, or the open call of a session. An uncertain effect of it stays in the list until it is resolved.',
    params: pathParams,
    body: optionalBody(z.strictObject({})),
    answer: z.object({ cancelled: z.boolean().describe('False if nothing of the item was open.') }),
    handle: async ({ troupe, user, params, signal, idempotencyId }) => {
      const options = { ...withoutUndefined({ id: idempotencyId }), signal }
      return { cancelled: await troupe.user(user).approvals.cancel(params.approval, options) }
    },
  }),
]
