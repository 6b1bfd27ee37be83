/** The target of a validated message: its lane, or the turn of a step. */
import type { SendOutcome, SentMessage } from '../message-client.ts'
import type { Encoded, MessageDraft, Sender } from './compose-message.ts'

export interface UnsentMessage {
  readonly draft: MessageDraft
  /** ms since 1970: when the send was called. */
  readonly at: number
  readonly payload: Promise<Encoded>
  /** Returns the taint labels at the time of the call: in a step, those of all values read so far. */
  readonly sender: () => Sender
}

/** A sent message with its known fields. */
export interface Sent extends Omit<Extract<SendOutcome, { readonly success: true }>, 'to' | 'success'> {
  readonly message: () => Promise<SentMessage>
}

/** Keeps the order of the calls in each lane. */
export type Send = (unsent: UnsentMessage) => Promise<Sent>
