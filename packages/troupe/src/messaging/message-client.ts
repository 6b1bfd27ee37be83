/** `support.messages`: sends messages as an agent. The sender is bound once and is never an argument. */
import type { Duration, Json, TaintLabel, TroupeError } from '../core/index.ts'
import type { Message, Priority } from './message.ts'
import type { MessageType } from './message-type.ts'

/** The options that all ways of sending share. */
export interface CommonSendOptions {
  /** `normal` by default. */
  readonly priority?: Priority
  /** The time to live after the send, or after the delay. Later the message is not delivered. */
  readonly ttl?: Duration
  /** The message enters its lane after this time. Until then it blocks no other message. */
  readonly delay?: Duration
  /** The time at which the message enters its lane, as ISO 8601 text or a Date. Cannot be combined with `delay`. */
  readonly at?: string | Date
  /** A repeated send with this id, sender and recipient within 24 h returns the first message. */
  readonly dedupeId?: string
  /** The id of a thread that the application chooses, for filters. */
  readonly threadId?: string
  /** The id of the message or process to which this message belongs; stored with the message and not interpreted. */
  readonly correlationId?: string
  /** The sender gets a `message.confirmed` when the recipient acknowledges. */
  readonly requiresConfirmation?: boolean
  /** Data of the application beside the payload; empty by default. */
  readonly metadata?: { readonly [key: string]: Json }
  /** Taint labels of the message, besides those of what the step has read: `untrusted:mail`, `sensitive:payroll`. */
  readonly taint?: readonly TaintLabel[]
  /** Ends the wait for space in a full mailbox with CancelledError. */
  readonly signal?: AbortSignal
}
/** The options of `send`. */
export interface SendOptions extends CommonSendOptions {
  /** The name of the recipient. */
  readonly to: string
}
/** The options of `broadcast`. */
export interface BroadcastOptions extends CommonSendOptions {
  /** The recipients; absent: every agent of the user that has a mailbox or is present. */
  readonly to?: readonly string[]
  /** Instead of `to`: the agents that are present with this role now. */
  readonly role?: string
}
/** The options of `publish`. */
export interface PublishOptions extends CommonSendOptions {
  /** The topic whose subscribers are the recipients. */
  readonly topic: string
}
/** The options of `request`. */
export interface RequestOptions {
  /** The name of the recipient. */
  readonly to: string
  /** The longest wait for the reply; 30 s by default. The request is not delivered after this time. */
  readonly timeout?: Duration
  /** The priority; `normal` by default. */
  readonly priority?: Priority
  /** The id of a thread that the application chooses, for filters. */
  readonly threadId?: string
  /** Data of the application beside the payload; empty by default. */
  readonly metadata?: { readonly [key: string]: Json }
  /** Ends the wait for the reply with CancelledError. */
  readonly signal?: AbortSignal
}

/** A message that was sent. */
export interface SentMessage<P = Json> extends Message<P> {
  /** Present if the dedupe id was used before: no message was sent, and this is the first one. */
  readonly duplicate?: true
  /** The ids of the messages that `drop-oldest` removed for this one; absent if there are none. */
  readonly dropped?: readonly string[]
}

/** The outcome of a message to one of several recipients. */
export type SendOutcome =
  | {
      /** The name of the recipient. */
      readonly to: string
      readonly success: true
      /** The id of the message. */
      readonly id: string
      /** The thread id of the message; absent if it has none. */
      readonly threadId?: string
      readonly duplicate?: true
      /** The ids of the messages that `drop-oldest` removed for this one; absent if there are none. */
      readonly dropped?: readonly string[]
    }
  | {
      /** The name of the recipient. */
      readonly to: string
      readonly success: false
      /** The error for which this recipient got no message. */
      readonly error: TroupeError
    }

/** The message client of an agent. `user.agent(name).messages` returns it; `ctx.messages` is the client of a step. */
export interface MessageClient {
  /**
   * Sends a message. Resolves when the message is durable; in a step, when it is staged.
   * @throws CapacityError `mailbox.full`; ValidationError for an invalid payload or option; AccessDeniedError
   * `access.denied`
   * @example await support.messages.send(PlaceOrder, { sku: 'A1' }, { to: 'Stock', priority: 'high' })
   */
  send<P>(type: MessageType<P>, payload: P, options: SendOptions): Promise<SentMessage<P>>
  /**
   * Sends to several recipients, each once, without the sender. Returns an outcome per recipient; an error of one does
   * not stop the others.
   */
  broadcast<P>(type: MessageType<P>, payload: P, options?: BroadcastOptions): Promise<readonly SendOutcome[]>
  /** Sends to the agents that are subscribed to a topic now, without the sender. Returns an outcome per recipient. */
  publish<P>(type: MessageType<P>, payload: P, options: PublishOptions): Promise<readonly SendOutcome[]>
  /**
   * Sends a request and resolves with the payload of the reply.
   * @throws TimeoutError after `timeout`, or the error with which the recipient failed
   */
  request<P, R>(type: MessageType<P, R>, payload: P, options: RequestOptions): Promise<R>
}

/** The options of `batched`. */
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
