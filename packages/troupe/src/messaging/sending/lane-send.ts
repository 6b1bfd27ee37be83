/** Sends outside of a step: each message is stored in its mailbox, in the order of its lane, and is then durable. */
import { deepFreeze } from '../message.ts'
import type { SentMessage } from '../message-client.ts'
import type { MessagingContext } from '../messaging-context.ts'
import { toMessage } from '../receiving/message-row.ts'
import type { Enqueue } from './batched-messages.ts'
import type { SendReceipt } from './outbound-queue.ts'
import type { Send } from './send-port.ts'

export function laneSend(messaging: MessagingContext, enqueue: Enqueue): Send {
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
