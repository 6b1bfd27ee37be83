/** `support.messages` outside a step: resolves when the messages are durable. */
import { capture, checkName, failure, fieldOf, readable, TroupeError } from '../../core/index.ts'
import { deepFreeze } from '../message.ts'
import type {
  BatchSendOptions,
  BroadcastOptions,
  CommittedMessages,
  CommonSendOptions,
  MessageBatch,
  MessageClient,
  SendOutcome,
  SentMessage,
} from '../message-client.ts'
import type { MessageType } from '../message-type.ts'
import type { MessagingContext } from '../messaging-context.ts'
import { toMessage } from '../receiving/message-row.ts'
import { BatchedMessages, type Enqueue } from './batched-messages.ts'
import { checkSend, type Encoded, encode, type Sender } from './compose-message.ts'
import type { OutboundQueue, SendReceipt } from './outbound-queue.ts'
import { request } from './request.ts'

export type Action = 'send_message_to_agent' | 'broadcast_message_to_agents'

export interface CommittedMessagesParts {
  readonly messaging: MessagingContext
  readonly outboundQueue: OutboundQueue
  /** Batches that have something waiting. */
  readonly batches: Set<BatchedMessages>
  readonly sender: Sender
  /** @throws AccessDeniedError */
  readonly authorize: (action: Action) => void
  readonly subscribersOf: (user: string, topic: string, agent: string) => Promise<readonly string[]>
  /** Every agent of the user that has a mailbox or is present; with a role, those present with it. */
  readonly everyone: (user: string, role: string | undefined) => Promise<readonly string[]>
}

export function committedMessages(parts: CommittedMessagesParts): CommittedMessages {
  const { outboundQueue } = parts
  const sendNow: Enqueue = ({ lane, prepared, signal }) => outboundQueue.send(lane, prepared, { signal })
  return { ...messageClientOf(parts, sendNow), batched: (options = {}) => batchedMessages(parts, options) }
}

function batchedMessages(parts: CommittedMessagesParts, options: BatchSendOptions): MessageBatch {
  const { outboundQueue, batches: open, messaging } = parts
  const batch = new BatchedMessages({ clock: messaging.clock, outboundQueue, open }, options)
  const client = messageClientOf(parts, batch.enqueue)
  return {
    ...client,
    request(type, payload, requested) {
      // It goes at once, and nothing of its lane may come after it that was sent before.
      void batch.flush()
      return client.request(type, payload, requested)
    },
    flush: () => batch.flush(),
    [Symbol.asyncDispose]: () => batch.close(),
  }
}

function messageClientOf(parts: CommittedMessagesParts, enqueue: Enqueue): MessageClient {
  const { messaging, outboundQueue, sender, authorize } = parts
  const one = async (
    type: MessageType,
    payload: Promise<Encoded>,
    to: string,
    options: CommonSendOptions,
  ): Promise<SendReceipt> => {
    const draft = { id: messaging.ids.next(), to, type, options }
    const prepared = payload.then((encoded) => messaging.compose(sender, draft, encoded))
    const lane = JSON.stringify([sender.user, sender.agent, to, options.priority ?? 'normal'])
    return enqueue({ lane, priority: options.priority ?? 'normal', prepared, signal: options.signal })
  }
  const sendToAll = async (
    type: MessageType,
    payload: unknown,
    recipients: readonly string[],
    options: CommonSendOptions,
  ) => {
    const encoded = encode(type, payload, messaging.settings.maxBytes)
    await encoded
    const threadId = options.threadId ?? messaging.ids.next()
    const sent = recipientsOf(recipients, sender.agent).map(async (to): Promise<SendOutcome> => {
      try {
        return outcomeOf(to, threadId, await one(type, encoded, to, { ...options, threadId }))
      } catch (error) {
        if (!(error instanceof TroupeError)) throw error
        return { to, success: false, error }
      }
    })
    return Promise.all(sent)
  }
  return {
    async send(type, payload, options) {
      const { to, ...common } = checkSend('send', options, ['to'])
      checkName('agent', to)
      authorize('send_message_to_agent')
      return sentMessage(messaging, await one(type, encode(type, payload, messaging.settings.maxBytes), to, common))
    },
    async broadcast(type, payload, options = {}) {
      const { to, role, ...common } = checkBroadcast(options)
      authorize('broadcast_message_to_agents')
      const captured = capture(payload)
      return sendToAll(type, captured, to ?? (await parts.everyone(sender.user, role)), common)
    },
    async publish(type, payload, options) {
      const { topic, ...common } = checkSend('publish', options, ['topic'])
      authorize('broadcast_message_to_agents')
      const captured = capture(payload)
      const subscribers = await parts.subscribersOf(sender.user, checkName('topic', topic), sender.agent)
      return sendToAll(type, captured, subscribers, common)
    },
    async request(type, payload, options) {
      checkName('agent', fieldOf(options, 'to') as string)
      authorize('send_message_to_agent')
      return request(messaging, outboundQueue, sender, type, payload, options)
    },
  }
}

/**
 * @returns the options as they are now
 * @throws ValidationError
 */
export function checkBroadcast(options: BroadcastOptions): BroadcastOptions {
  const checked = checkSend('broadcast', options, ['to', 'role'])
  const { to, role } = checked
  if (to !== undefined && !readable('The recipients of a broadcast', () => Array.isArray(to)))
    throw failure('validation.failed', { what: 'to', problem: 'it is a list of the names of agents' })
  if (role !== undefined && (typeof role !== 'string' || to !== undefined))
    throw failure('validation.failed', { what: 'role', problem: 'it is a text, and stands in place of to' })
  return to === undefined ? checked : { ...checked, to: [...to] }
}

/** Each once, the sender left out. */
export const recipientsOf = (names: readonly string[], sender: string): readonly string[] =>
  [...new Set(names)].filter((name) => name !== sender)

const outcomeOf = (to: string, threadId: string, { row, duplicate, dropped }: SendReceipt): SendOutcome => ({
  to,
  success: true,
  id: String(row.id),
  threadId: row.thread_id === null ? threadId : String(row.thread_id),
  ...(duplicate ? { duplicate } : {}),
  ...(dropped.length > 0 ? { dropped } : {}),
})

async function sentMessage<P>(
  messaging: MessagingContext,
  { row, duplicate, dropped }: SendReceipt,
): Promise<SentMessage<P>> {
  const payload = deepFreeze(await messaging.payloadOf(row))
  const message = toMessage(row, payload)
  const more = {
    ...(duplicate ? { duplicate } : {}),
    ...(dropped.length > 0 ? { dropped: Object.freeze(dropped) } : {}),
  }
  return Object.freeze({ ...message, ...more }) as SentMessage<P>
}
