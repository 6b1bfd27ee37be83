/** Routes of API keys, for callers with all rights for all users. A new key never has more rights than the caller's. */

import { z } from 'zod'
import type { KeyOptions } from '../../security/index.ts'
import { openerOf } from '../access/authenticate.ts'
import { answers, does } from '../route.ts'
import {
  durationSchema,
  optionalBody,
  page,
  pageSchema,
  pagingQuery,
  requestText,
  withoutUndefined,
} from '../schemas/request-schemas.ts'

const ofKey = z.object({ key: requestText.id })
const isUsers = { error: "it is 'all' or a list of names" }
const users = z.union([z.literal('all'), z.array(z.string())], isUsers)
/** The application itself may give a key more users. */
const requestedUsers = z.union([z.literal('all'), z.array(requestText.name).max(1_000)], isUsers)
const made = z.object({ id: z.string(), key: z.string().describe('Shown only in this answer.') })

export const apiKeyRoutes = [
  answers({
    route: 'GET /v1/api-keys',
    name: 'apiKeys.list',
    allUsers: true,
    operation: 'api-keys.read',
    role: 'admin',
    summary: 'List the API keys, without their secrets.',
    query: z.strictObject(pagingQuery),
    answer: pageSchema(
      z.object({
        id: z.string(),
        name: z.string(),
        users,
        role: z.string(),
        operations: z.array(z.string()).optional(),
        agent: z.string().optional(),
        taint: z.array(z.string()).optional(),
        createdAt: z.string(),
        expiresAt: z.string().optional(),
        state: z.enum(['valid', 'expired', 'revoked']),
        rotationDue: z.boolean(),
      }),
    ),
    handle: async (call) => {
      const { items, cursor } = await call.troupe.apiKeys.list(withoutUndefined(call.query))
      const entries = items.map((one) => {
        const linkUsers: 'all' | string[] = one.users === 'all' ? 'all' : [...one.users]
        return {
          ...one,
          users: linkUsers,
          operations: one.operations && [...one.operations],
          taint: one.taint && [...one.taint],
        }
      })
      return page({ items: entries, cursor })
    },
  }),
  answers({
    route: 'POST /v1/api-keys',
    name: 'apiKeys.create',
    allUsers: true,
    operation: 'api-keys.manage',
    role: 'admin',
    summary: 'Create an API key.',
    body: z.strictObject({
      name: requestText.name,
      users: requestedUsers,
      role: requestText.name.optional(),
      operations: z.array(requestText.name).max(200).optional(),
      agent: requestText.name.optional(),
      taint: z
        .array(requestText.name)
        .max(100)
        .optional()
        .describe(
          'Labels of everything that the key writes and starts, such as untrusted:mail. By default, a key with an agent has untrusted:AGENT.',
        ),
      expiresIn: durationSchema.optional(),
    }),
    answer: made,
    code: 201,
    handle: (call) => call.troupe.apiKeys.create(withoutUndefined(call.body) as KeyOptions),
  }),
  answers({
    route: 'POST /v1/links',
    name: 'links.create',
    allUsers: true,
    operation: 'api-keys.manage',
    role: 'admin',
    summary:
      'Create a link that opens the studio once, within five minutes; without a scope it opens all data of all users.',
    body: optionalBody(z.strictObject({ users: requestedUsers.optional(), role: requestText.name.optional() })),
    answer: z.object({
      path: z.string().describe('The path below the address of the server. Shown only in this answer.'),
    }),
    code: 201,
    handle: async (call) => {
      const { users: linkUsers = 'all', role = 'admin' } = call.body ?? {}
      const link = await call.troupe.apiKeys.link({ users: linkUsers, role }, openerOf(call.principal))
      return { path: `/open?link=${link}` }
    },
  }),
  answers({
    route: 'POST /v1/api-keys/:key/rotate',
    name: 'apiKeys.rotate',
    allUsers: true,
    operation: 'api-keys.manage',
    role: 'admin',
    summary: 'Rotate an API key: create its successor; the old key stays valid for `overlap`.',
    params: ofKey,
    body: optionalBody(z.strictObject({ overlap: durationSchema.optional() })),
    answer: made,
    code: 201,
    handle: (call) =>
      call.troupe.apiKeys.rotate(call.params.key, withoutUndefined(call.body ?? {}) as { overlap?: '1h' }),
  }),
  does({
    route: 'DELETE /v1/api-keys/:key',
    name: 'apiKeys.revoke',
    allUsers: true,
    operation: 'api-keys.manage',
    role: 'admin',
    summary: 'Revoke an API key at once.',
    params: ofKey,
    handle: (call) => call.troupe.apiKeys.revoke(call.params.key),
  }),
]
