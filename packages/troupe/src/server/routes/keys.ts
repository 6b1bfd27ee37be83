/** API keys over HTTP, for callers who may do everything for everybody: nobody makes a key that opens more than its own. */
import { z } from 'zod'
import type { KeyOptions } from '../../security/index.ts'
import { answers, type Call } from '../route.ts'
import { requireAll } from './operations.ts'
import { done, duration, given, optional, page, pageOf, paging } from './shapes.ts'

const ofKey = z.object({ key: z.string() })
const users = z.union([z.literal('all'), z.array(z.string())], { error: "it is 'all' or a list of names" })
const made = z.object({ id: z.string(), key: z.string().describe('Shown this once.') })

const requireOwn = ({ principal }: Pick<Call<unknown, unknown, unknown>, 'principal'>) =>
  requireAll({ principal, operation: 'keys.manage' })

export const keyRoutes = [
  answers({
    method: 'GET',
    path: '/v1/keys',
    everybody: true,
    operation: 'keys.read',
    role: 'admin',
    summary: 'The API keys, without their secrets.',
    query: z.strictObject(paging),
    answer: pageOf(
      z.object({
        id: z.string(),
        name: z.string(),
        users,
        role: z.string(),
        operations: z.array(z.string()).optional(),
        agent: z.string().optional(),
        createdAt: z.string(),
        expiresAt: z.string().optional(),
        state: z.enum(['valid', 'expired', 'revoked']),
        aged: z.boolean(),
      }),
    ),
    handle: async (call) => {
      requireOwn(call)
      const { items, cursor } = await call.troupe.keys.list(given(call.query))
      const told = items.map((one) => {
        const whose: 'all' | string[] = one.users === 'all' ? 'all' : [...one.users]
        return { ...one, users: whose, operations: one.operations && [...one.operations] }
      })
      return page({ items: told, cursor })
    },
  }),
  answers({
    method: 'POST',
    path: '/v1/keys',
    everybody: true,
    operation: 'keys.manage',
    role: 'admin',
    summary: 'Makes an API key.',
    body: z.strictObject({
      name: z.string(),
      users,
      role: z.string().optional(),
      operations: z.array(z.string()).optional(),
      agent: z.string().optional(),
      expiresIn: duration.optional(),
    }),
    answer: made,
    code: 201,
    handle: async (call) => {
      requireOwn(call)
      return { ...(await call.troupe.keys.create(given(call.body) as KeyOptions)) }
    },
  }),
  answers({
    method: 'POST',
    path: '/v1/links',
    everybody: true,
    operation: 'keys.manage',
    role: 'admin',
    summary:
      'A link that opens the page once, within five minutes; to everything of everybody where no scope is given.',
    body: optional(z.strictObject({ users: users.optional(), role: z.string().optional() })),
    answer: z.object({ path: z.string().describe('Below the address of the server. Shown this once.') }),
    code: 201,
    handle: async (call) => {
      requireOwn(call)
      const { users: whose = 'all', role = 'admin' } = call.body ?? {}
      return { path: `/open?link=${await call.troupe.keys.link({ users: whose, role })}` }
    },
  }),
  answers({
    method: 'POST',
    path: '/v1/keys/:key/rotate',
    everybody: true,
    operation: 'keys.manage',
    role: 'admin',
    summary: 'Makes the successor of a key, which works on for `overlap`.',
    params: ofKey,
    body: optional(z.strictObject({ overlap: duration.optional() })),
    answer: made,
    code: 201,
    handle: async (call) => {
      requireOwn(call)
      return { ...(await call.troupe.keys.rotate(call.params.key, given(call.body ?? {}) as { overlap?: '1h' })) }
    },
  }),
  answers({
    method: 'DELETE',
    path: '/v1/keys/:key',
    everybody: true,
    operation: 'keys.manage',
    role: 'admin',
    summary: 'Revokes a key, at once.',
    params: ofKey,
    answer: done,
    handle: async (call) => {
      requireOwn(call)
      await call.troupe.keys.revoke(call.params.key)
      return { ok: true as const }
    },
  }),
]
