/** The types of the library's own messages. */
import { defineMessage } from '../message-type.ts'

/** Sent to a sender whose staged message met a full mailbox with the backpressure `reject`. */
export const MessageRejected = defineMessage<{
  readonly id: string
  readonly to: string
  readonly type: string
  readonly reason: string
}>('message.rejected')

/** Sent to the sender of a message with `requiresConfirmation` when it is acknowledged. */
export const MessageConfirmed = defineMessage<{ readonly id: string; readonly by: string; readonly type: string }>(
  'message.confirmed',
)
