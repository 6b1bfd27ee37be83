/** The types of the library's own messages. */
import { defineMessage } from '../message-type.ts'

/** Sent to a sender whose staged message met a full mailbox with the backpressure `reject`. */
export const MessageRejected = defineMessage<{
  /** The id of the rejected message. */
  readonly id: string
  /** The agent whose mailbox is full. */
  readonly to: string
  /** The type of the rejected message. */
  readonly type: string
  /** The full mailbox and its limit, as a text for people. */
  readonly reason: string
}>('message.rejected')

/** Sent to the sender of a message with `requiresConfirmation` when it is acknowledged. */
export const MessageConfirmed = defineMessage<{
  /** The id of the message that was read. */
  readonly id: string
  /** The agent that read it. */
  readonly by: string
  /** The type of the message that was read. */
  readonly type: string
}>('message.confirmed')
