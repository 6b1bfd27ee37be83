/** Where a message goes that was checked: into its lane at once, or into the turn of a step. */
import type { SendOutcome, SentMessage } from '../message-client.ts'
import type { Encoded, MessageDraft, Sender } from './compose-message.ts'

export interface UnsentMessage {
  readonly draft: MessageDraft
  /** ms since 1970: when the send was called. */
  readonly at: number
  readonly payload: Promise<Encoded>
  /** As it is when the message is composed: in a step, with the labels of what was read until then. */
  readonly sender: () => Sender
}

/** A message that was sent, as far as that is known. */
export interface Sent extends Omit<Extract<SendOutcome, { readonly success: true }>, 'to' | 'success'> {
  readonly message: () => Promise<SentMessage>
}

export interface SendPort {
  /** Keeps the order of the calls in each lane. */
  send(unsent: UnsentMessage): Promise<Sent>
}
