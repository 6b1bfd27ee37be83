/** The types of the messages that the room itself sends. */
import { defineMessage } from '../message-type.ts'

/** To a sender whose staged message found the mailbox full, with the backpressure `reject`. */
export const MessageRejected = defineMessage<{
  readonly id: string
  readonly to: string
  readonly type: string
  readonly reason: string
}>('message.rejected')

/** To the sender of a message with `requiresConfirmation`, when it is acknowledged. */
export const MessageConfirmed = defineMessage<{ readonly id: string; readonly by: string; readonly type: string }>(
  'message.confirmed',
)
