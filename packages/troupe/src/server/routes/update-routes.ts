/** Updates: one stream of what changed in the lists of a user, for pages that show them. */
import { z } from 'zod'
import { requireAllUsers } from '../access/request-principal.ts'
import { streams } from '../route.ts'
import { flagSchema, list } from '../schemas/request-schemas.ts'

const updateSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('run'),
    run: z.string(),
    status: z.enum(['running', 'waiting', 'completed', 'failed', 'cancelled']),
    reason: z.string().optional(),
  }),
  z.object({
    kind: z.literal('question'),
    run: z.string(),
    question: z.string(),
    state: z.enum(['open', 'answered', 'closed']),
  }),
  z.object({ kind: z.literal('schedule'), schedule: z.string() }),
  z.object({ kind: z.literal('dead-letters'), mailbox: z.string() }),
  z.object({ kind: z.literal('context'), namespace: z.string() }),
  z.object({ kind: z.literal('approvals') }),
  z.object({ kind: z.literal('all-approvals') }),
  z.object({ kind: z.literal('all-runs') }),
  z.object({ kind: z.literal('health') }),
])

export const updatesFrameSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('open') }),
  z.object({ type: z.literal('resync') }),
  z.object({ type: z.literal('changes'), updates: list(updateSchema) }),
])

export const updateRoutes = [
  streams({
    route: 'GET /v1/updates',
    name: 'updates.follow',
    operation: 'runs.read',
    role: 'readonly',
    summary:
      'Stream changes of the lists of the user, as server-sent events: runs, questions, approvals of sessions, schedules, ' +
      'dead letters, and namespaces of the context, each only for a caller that may read its list. After `resync`, which reports missed changes, load ' +
      'the lists again. Last-Event-ID resumes after an event for a minute.',
    query: z.strictObject({
      allUsers: flagSchema
        .optional()
        .describe(
          'Add `all-runs` when a run of any user starts, changes its status or ends, `all-approvals` when a session or a run of any ' +
            'user asks or gets its answer, and `health` when a health check changes.',
        ),
    }),
    data: updatesFrameSchema,
    events: async ({ updateStreams, feeds, user, principal, header, signal, query }) => {
      const { allUsers = false } = query
      if (allUsers) requireAllUsers(principal, 'runs.read')
      return updateStreams.follow({ feeds, user, allUsers, principal, lastEventId: header('last-event-id'), signal })
    },
  }),
]
