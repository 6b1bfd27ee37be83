/** `support.messages`: sends messages as an agent. The sender is bound once and is never an argument. */
import type { Duration, Json, TaintLabel, TroupeError } from '../core/index.ts'
import type { Message, Priority } from './message.ts'
import type { MessageType } from './message-type.ts'

export interface CommonSendOptions {
  /** `normal` by default. */
  readonly priority?: Priority
  /** The time to live after the send, or after the delay. Later the message is not delivered. */
  readonly ttl?: Duration
  /** The message enters its lane after this time. Until then it blocks no other message. */
  readonly delay?: Duration
  /** The same as a point in time: ISO text or a Date. */
  readonly at?: string | Date
  /** A repeated send with this id, sender and recipient within 24 h returns the first message. */
  readonly dedupeId?: string
  readonly threadId?: string
  readonly correlationId?: string
  /** The sender gets a `message.confirmed` when the recipient acknowledges. */
  readonly requiresConfirmation?: boolean
  readonly metadata?: { readonly [key: string]: Json }
  /** Taint labels of the message, besides those of what the step has read: `untrusted:mail`, `sensitive:payroll`. */
  readonly taint?: readonly TaintLabel[]
  /** Ends the wait for space in a full mailbox. */
  readonly signal?: AbortSignal
}
export interface SendOptions extends CommonSendOptions {
  readonly to: string
}
export interface BroadcastOptions extends CommonSendOptions {
  /** The recipients; absent: every agent of the user that has a mailbox or is present. */
  readonly to?: readonly string[]
  /** Instead of `to`: the agents that are present with this role now. */
  readonly role?: string
}
export interface PublishOptions extends CommonSendOptions {
  readonly topic: string
}
export interface RequestOptions {
  readonly to: string
  /** 30 s by default. The request is not delivered after this time. */
  readonly timeout?: Duration
  readonly priority?: Priority
  readonly threadId?: string
  readonly metadata?: { readonly [key: string]: Json }
  readonly signal?: AbortSignal
}

export interface SentMessage<P = Json> extends Message<P> {
  /** The dedupe id was used before: no message was sent, and this is the first one. */
  readonly duplicate?: true
  /** The ids of messages that were dropped for this one, with `drop-oldest`. */
  readonly dropped?: readonly string[]
}

/** The outcome of a message to one of several recipients. */
export type SendOutcome =
  | {
      readonly to: string
      readonly success: true
      readonly id: string
      readonly threadId?: string
      readonly duplicate?: true
      readonly dropped?: readonly string[]
    }
  | { readonly to: string; readonly success: false; readonly error: TroupeError }

export interface MessageClient {
  /**
   * Resolves when the message is durable; in a step, when it is staged.
   * @throws CapacityError `mailbox.full`, ValidationError
   * @example await support.messages.send(PlaceOrder, { sku: 'A1' }, { to: 'Stock', priority: 'high' })
   */
  send<P>(type: MessageType<P>, payload: P, options: SendOptions): Promise<SentMessage<P>>
  /** Sends to several recipients, each once, without the sender. Returns an outcome per recipient; an error of one does not stop the others. */
  broadcast<P>(type: MessageType<P>, payload: P, options?: BroadcastOptions): Promise<readonly SendOutcome[]>
  /** Sends to the agents that are subscribed to a topic now. */
  publish<P>(type: MessageType<P>, payload: P, options: PublishOptions): Promise<readonly SendOutcome[]>
  /**
   * Sends a request and resolves with the payload of the reply.
   * @throws TimeoutError after `timeout`, or the error with which the recipient failed
   */
  request<P, R>(type: MessageType<P, R>, payload: P, options: RequestOptions): Promise<R>
}

export interface BatchSendOptions {
  /** The number of messages that are sent together, 1 to 1,000; 10 by default. */
  readonly size?: number
  /** How long the first message waits for others; 5 s by default. */
  readonly wait?: Duration
  /** A message of this priority or a higher one sends the batch at once; `urgent` by default. */
  readonly flushOn?: Priority | 'never'
}

/** Sends in batches. Each send resolves when its own message is durable, and fails alone. */
export interface MessageBatch extends MessageClient, AsyncDisposable {
  /** Sends the waiting messages and resolves when all are sent or failed. Closing the troupe does it too. */
  flush(): Promise<void>
}

/** Only outside a step. In a step, the turn is the batch. */
export interface CommittedMessages extends MessageClient {
  /**
   * Creates a batch. @throws CapacityError `batch.unresolved` from a send if 10,000 sends of the batch are pending
   * @example
   * await using batch = support.messages.batched({ size: 100, wait: '1s' })
   * const sent = orders.map((order) => batch.send(PlaceOrder, order, { to: 'Stock' }))
   * await Promise.allSettled(sent)
   */
  batched(options?: BatchSendOptions): MessageBatch
}
