/** `support.messages` outside a step: resolves when the messages are durable. */
import { CommitNow } from '../../journal/index.ts'
import { deepFreeze } from '../message.ts'
import type {
  BatchSendOptions,
  CommittedMessages,
  MessageBatch,
  MessageClient,
  SentMessage,
} from '../message-client.ts'
import type { MessagingContext } from '../messaging-context.ts'
import { toMessage } from '../receiving/message-row.ts'
import { BatchedMessages, type Enqueue } from './batched-messages.ts'
import type { Sender } from './compose-message.ts'
import { MailboxMessageClient, type SenderPorts } from './mailbox-message-client.ts'
import { mailboxRequests } from './mailbox-requests.ts'
import type { OutboundQueue, SendReceipt } from './outbound-queue.ts'
import type { Send } from './send-port.ts'

export interface CommittedMessagesParts {
  readonly ports: SenderPorts
  readonly outboundQueue: OutboundQueue
  /** Batches with collected messages. */
  readonly batches: Set<BatchedMessages>
  /** Returns the sender with its present taint labels. */
  readonly sender: () => Sender
}

export function committedMessages(parts: CommittedMessagesParts): CommittedMessages {
  const { outboundQueue } = parts
  const client = clientOf(parts, ({ lane, prepared, signal }) => outboundQueue.send(lane, prepared, { signal }))
  return { ...methodsOf(client), batched: (options = {}) => batchedMessages(parts, options) }
}

function clientOf({ ports, outboundQueue, sender }: CommittedMessagesParts, enqueue: Enqueue) {
  const { messaging } = ports
  const requests = mailboxRequests(messaging, outboundQueue, sender)
  return new MailboxMessageClient(ports, new CommitNow(sender), laneSend(messaging, enqueue), requests)
}

/** Returns only the methods of a client, for an object with more members. */
const methodsOf = (client: MessageClient): MessageClient => ({
  send: (type, payload, options) => client.send(type, payload, options),
  broadcast: (type, payload, options) => client.broadcast(type, payload, options),
  publish: (type, payload, options) => client.publish(type, payload, options),
  request: (type, payload, options) => client.request(type, payload, options),
})

function batchedMessages(parts: CommittedMessagesParts, options: BatchSendOptions): MessageBatch {
  const { outboundQueue, batches: open, ports } = parts
  const batch = new BatchedMessages({ clock: ports.messaging.clock, outboundQueue, open }, options)
  const client = clientOf(parts, batch.enqueue)
  // Messages to recipients that are being read belong to the batch.
  const afterStart = (then: () => Promise<void>) => client.starting?.then(then) ?? then()
  return {
    ...methodsOf(client),
    request(type, payload, requested) {
      // A request is sent at once, so earlier messages of its lane must be sent first.
      void afterStart(() => batch.flush())
      return client.request(type, payload, requested)
    },
    flush: () => afterStart(() => batch.flush()),
    [Symbol.asyncDispose]: () => afterStart(() => batch.close()),
  }
}

/** Sends outside of a step: each message is stored in its mailbox, in the order of its lane, and is then durable. */
function laneSend(messaging: MessagingContext, enqueue: Enqueue): Send {
  return async ({ draft, at, payload, sender }) => {
    const { to, options } = draft
    const from = sender()
    const prepared = payload.then((encoded) => messaging.compose(from, draft, encoded, at))
    // A closed or full batch rejects the send without the message.
    prepared.catch(() => {})
    const priority = options.priority ?? 'normal'
    const lane = JSON.stringify([from.user, from.agent, to, priority])
    const receipt = await enqueue({ lane, priority, prepared, signal: options.signal })
    const { row, duplicate, dropped } = receipt
    return {
      id: String(row.id),
      ...(row.thread_id === null ? {} : { threadId: String(row.thread_id) }),
      ...(duplicate ? { duplicate } : {}),
      ...(dropped.length > 0 ? { dropped } : {}),
      message: () => sentMessage(messaging, receipt),
    }
  }
}

async function sentMessage(
  messaging: MessagingContext,
  { row, duplicate, dropped }: SendReceipt,
): Promise<SentMessage> {
  const payload = deepFreeze(await messaging.payloadOf(row))
  return Object.freeze({
    ...toMessage(row, payload),
    ...(duplicate ? { duplicate } : {}),
    ...(dropped.length > 0 ? { dropped: Object.freeze(dropped) } : {}),
  })
}
