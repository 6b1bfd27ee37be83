/** Routes of messages. A caller sends as its agent and reads its agent's mailbox; the application may choose any mailbox. */
import { z } from 'zod'
import { decodeCursor, encodeCursor, failure, type Json, milliseconds, storeError } from '../../core/index.ts'
import {
  type Delivery,
  type DeliveryLease,
  defineMessage,
  type Mailbox,
  type ReceiveOptions,
  type SendOutcome,
} from '../../messaging/index.ts'
import { answers, type Call, does } from '../route.ts'
import {
  deadLetterSchema,
  decodeLease,
  encodeLease,
  mailboxCountsSchema,
  messageSchema,
  prioritySchema,
} from '../schemas/message-schemas.ts'
import {
  durationSchema,
  flagSchema,
  json,
  list,
  optionalBody,
  page,
  pageSchema,
  pagingQuery,
  requestedRecord,
  requestText,
  requiredField,
  storedErrorSchema,
  withoutUndefined,
} from '../schemas/request-schemas.ts'

const sending = {
  type: requestText.name,
  payload: json,
  priority: prioritySchema.optional(),
  ttl: durationSchema.optional(),
  delay: durationSchema.optional(),
  at: requestText.time.optional(),
  dedupeId: requestText.key.optional(),
  threadId: requestText.key.optional(),
  correlationId: requestText.key.optional(),
  requiresConfirmation: z.boolean().optional(),
  metadata: requestedRecord.optional(),
}
const outcomes = z.object({
  outcomes: z.array(
    z.object({
      to: z.string(),
      success: z.boolean(),
      id: z.string().optional(),
      duplicate: z.boolean().optional(),
      dropped: z.array(z.string()).optional(),
      error: storedErrorSchema.optional(),
    }),
  ),
})
const outcomesOf = (found: readonly SendOutcome[]) => ({
  outcomes: found.map((one) => {
    if (!one.success) return { to: one.to, success: false, error: storeError(one.error) }
    const { to, id, duplicate, dropped } = one
    return { to, success: true, id, ...withoutUndefined({ duplicate, dropped: dropped && [...dropped] }) }
  }),
})

/** A repeated request is deduplicated as a repeated message. */
function parts<B extends { type: string; payload?: unknown; dedupeId?: string | undefined }>(
  call: Call<unknown, unknown, B>,
) {
  const { type, payload: _, ...options } = call.body
  const dedupeId = call.body.dedupeId ?? call.idempotencyId
  return {
    type: defineMessage(type),
    payload: requiredField(call.body, 'payload') as Json,
    options: { ...withoutUndefined({ ...options, dedupeId }), signal: call.signal } as never,
  }
}

const inMailbox = z.object({ mailbox: requestText.name })
type OfMailbox = Call<{ mailbox: string }, unknown, unknown>

/** @throws AccessDeniedError for the mailbox of another agent, if the caller acts as an agent */
function mailboxOf({ parts, user, agent, params: { mailbox } }: OfMailbox): Mailbox {
  if (agent !== undefined && agent !== mailbox)
    throw failure('access.denied', { agent, action: "read another's mailbox" })
  return parts.communication.mailboxes.mailbox(user, mailbox)
}

async function findDelivery(call: Call<{ mailbox: string }, unknown, { delivery: string }>): Promise<Delivery> {
  mailboxOf(call)
  const { receiver } = call.parts.communication.mailboxes
  return receiver.findDelivery(call.user, call.params.mailbox, decodeLease(call.body.delivery))
}

const delivery = requestText.id.describe('The `delivery` that `receive` returned.')
const longestWait = '60s'

/** The rights of the operations that end a delivery. */
const ofDelivery = {
  operation: 'messages.receive',
  role: 'contributor',
  agents: 'own',
  params: inMailbox,
} as const

export const messageRoutes = [
  answers({
    route: 'POST /v1/messages',
    name: 'messages.send',
    operation: 'messages.send',
    role: 'contributor',
    agents: 'own',
    summary: 'Send a message to an agent.',
    body: z.strictObject({ ...sending, to: requestText.name }),
    answer: messageSchema,
    code: 201,
    handle: async (call) => {
      const { type, payload, options } = parts(call)
      return call.requestContext.messages.send(type, payload, options)
    },
  }),
  answers({
    route: 'POST /v1/messages/broadcast',
    name: 'messages.broadcast',
    operation: 'messages.send',
    role: 'contributor',
    agents: 'own',
    summary: 'Send a message to named agents, to active agents with a role, or to all agents.',
    body: z.strictObject({
      ...sending,
      to: z.array(requestText.name).max(1_000).optional(),
      role: requestText.name.optional(),
    }),
    answer: outcomes,
    handle: async (call) => {
      const { type, payload, options } = parts(call)
      return outcomesOf(await call.requestContext.messages.broadcast(type, payload, options))
    },
  }),
  answers({
    route: 'POST /v1/messages/publish',
    name: 'messages.publish',
    operation: 'messages.send',
    role: 'contributor',
    agents: 'own',
    summary: 'Send a message to the agents that are subscribed to a topic now.',
    body: z.strictObject({ ...sending, topic: requestText.name }),
    answer: outcomes,
    handle: async (call) => {
      const { type, payload, options } = parts(call)
      return outcomesOf(await call.requestContext.messages.publish(type, payload, options))
    },
  }),
  answers({
    route: 'POST /v1/messages/request',
    name: 'messages.request',
    operation: 'messages.send',
    role: 'contributor',
    agents: 'own',
    summary: 'Send a request to an agent and wait for the reply, 30s by default.',
    body: z.strictObject({
      type: requestText.name,
      payload: json,
      to: requestText.name,
      timeout: durationSchema.optional(),
      priority: prioritySchema.optional(),
      threadId: requestText.key.optional(),
      metadata: requestedRecord.optional(),
    }),
    answer: z.object({ reply: json }),
    handle: async (call) => {
      const { type, payload: _, ...options } = call.body
      const sent = { ...withoutUndefined(options), signal: call.signal } as Parameters<
        typeof call.requestContext.messages.request
      >[2]
      return {
        reply: await call.requestContext.messages.request(
          defineMessage(type),
          requiredField(call.body, 'payload') as Json,
          sent,
        ),
      }
    },
  }),
  answers({
    route: 'GET /v1/mailboxes',
    name: 'mailboxes.list',
    operation: 'messages.read',
    role: 'readonly',
    agents: 'own',
    summary: 'List the mailboxes and count their dead letters; a caller that is bound to an agent sees its own alone.',
    query: z.strictObject(pagingQuery),
    answer: pageSchema(z.string()).extend({ deadLetters: z.number().describe('Those of all pages.') }),
    handle: async ({ parts, user, agent, query: { limit = 100, cursor } }) => {
      const { mailboxes } = parts.communication
      if (agent !== undefined)
        return { items: [agent], deadLetters: (await mailboxes.mailbox(user, agent).counts()).dead }
      const found = await mailboxes.names(user, cursor === undefined ? '' : decodeCursor(cursor), limit + 1)
      const items = found.slice(0, limit)
      const last = found.length > limit ? items.at(-1) : undefined
      return { ...page({ items, cursor: last && encodeCursor(last) }), deadLetters: await mailboxes.deadLetters(user) }
    },
  }),
  answers({
    route: 'GET /v1/mailboxes/:mailbox',
    name: 'mailboxes.counts',
    operation: 'messages.read',
    role: 'readonly',
    agents: 'own',
    summary: 'Count the messages of a mailbox by state.',
    params: inMailbox,
    answer: mailboxCountsSchema,
    handle: async (call) => ({ ...(await mailboxOf(call).counts()) }),
  }),
  answers({
    route: 'GET /v1/mailboxes/:mailbox/messages',
    name: 'mailboxes.messages',
    operation: 'messages.read',
    role: 'readonly',
    agents: 'own',
    summary: 'List the messages of a mailbox, oldest first, without marking or leasing them.',
    params: inMailbox,
    query: z.strictObject({
      ...pagingQuery,
      unreadOnly: flagSchema.optional(),
      from: requestText.name.optional(),
      threadId: requestText.key.optional(),
      type: requestText.name.optional(),
      priority: prioritySchema.optional(),
      order: z.enum(['oldest', 'priority']).optional(),
    }),
    answer: pageSchema(messageSchema),
    handle: async (call) => page(await mailboxOf(call).messages(withoutUndefined(call.query))),
  }),
  answers({
    route: 'POST /v1/mailboxes/:mailbox/read',
    name: 'mailboxes.markRead',
    audit: 'message.read',
    operation: 'messages.receive',
    role: 'contributor',
    agents: 'own',
    summary: 'Mark messages as read; they stay deliverable.',
    params: inMailbox,
    body: z.strictObject({ ids: z.array(requestText.id).max(1_000) }),
    answer: z.object({ marked: z.number() }),
    handle: async (call) => ({ marked: await mailboxOf(call).markRead(call.body.ids) }),
  }),
  answers({
    route: 'POST /v1/mailboxes/:mailbox/receive',
    name: 'mailboxes.receive',
    audit: 'message.receive',
    operation: 'messages.receive',
    role: 'contributor',
    agents: 'own',
    summary:
      'Lease the next messages, waiting for up to `wait` (60s at most); each is acknowledged or rejected by its `delivery`.',
    params: inMailbox,
    body: optionalBody(
      z.strictObject({
        max: z.int().min(1).max(1_000).optional(),
        wait: durationSchema.optional(),
        types: z.array(requestText.name).max(100).optional(),
      }),
    ),
    answer: z.object({
      deliveries: list(z.object({ delivery, message: messageSchema, attempt: z.number() })),
    }),
    handle: async (call) => {
      const options = { ...withoutUndefined(call.body ?? {}), signal: call.signal } as ReceiveOptions
      const received = await mailboxOf(call).receive(bounded(options))
      return {
        deliveries: received.map((one) => {
          const { lease, message: what, attempt } = one as Delivery & { readonly lease: DeliveryLease }
          return { delivery: encodeLease(lease), message: what, attempt }
        }),
      }
    },
  }),
  does({
    ...ofDelivery,
    route: 'POST /v1/mailboxes/:mailbox/ack',
    name: 'mailboxes.ack',
    audit: 'message.ack',
    summary: 'Acknowledge a message as handled.',
    body: z.strictObject({ delivery }),
    handle: async (call) => (await findDelivery(call)).ack(),
  }),
  does({
    ...ofDelivery,
    route: 'POST /v1/mailboxes/:mailbox/nack',
    name: 'mailboxes.nack',
    audit: 'message.nack',
    summary: 'Reject a message as not handled: it is redelivered after `delay`, or becomes a dead letter.',
    body: z.strictObject({ delivery, delay: durationSchema.optional(), reason: z.string().max(4_000).optional() }),
    handle: async (call) => {
      const { delay, reason } = call.body
      await (await findDelivery(call)).nack(withoutUndefined({ delay, reason }) as Parameters<Delivery['nack']>[0])
    },
  }),
  does({
    ...ofDelivery,
    route: 'POST /v1/mailboxes/:mailbox/reply',
    name: 'mailboxes.reply',
    audit: 'message.reply',
    summary: 'Reply to a request and acknowledge it.',
    body: z.strictObject({ delivery, value: json }),
    handle: async (call) => (await findDelivery(call)).reply(requiredField(call.body, 'value') as Json),
  }),
  does({
    ...ofDelivery,
    route: 'POST /v1/mailboxes/:mailbox/renew',
    name: 'mailboxes.renew',
    audit: 'message.renew',
    summary: 'Extend the lease of a message by its full duration.',
    body: z.strictObject({ delivery }),
    handle: async (call) => (await findDelivery(call)).renew(),
  }),
  answers({
    route: 'GET /v1/mailboxes/:mailbox/dead-letters',
    name: 'mailboxes.deadLetters',
    operation: 'messages.read',
    role: 'readonly',
    agents: 'own',
    summary: 'List the dead letters of a mailbox.',
    params: inMailbox,
    query: z.strictObject(pagingQuery),
    answer: pageSchema(deadLetterSchema),
    handle: async (call) => page(await mailboxOf(call).deadLetters(withoutUndefined(call.query))),
  }),
  does({
    route: 'POST /v1/mailboxes/:mailbox/dead-letters/:message/redrive',
    name: 'mailboxes.redrive',
    audit: 'message.redrive',
    operation: 'messages.redrive',
    role: 'moderator',
    agents: 'own',
    summary: 'Redrive a dead letter: put it at the end of its lane, at attempt 1.',
    params: inMailbox.extend({ message: requestText.id }),
    handle: (call) => mailboxOf(call).redrive(call.params.message),
  }),
]

function bounded(options: ReceiveOptions): ReceiveOptions {
  const long = options.wait !== undefined && milliseconds(options.wait, 'wait') > milliseconds(longestWait, 'wait')
  return long ? { ...options, wait: longestWait } : options
}
