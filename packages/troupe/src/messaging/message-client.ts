/** `support.messages`: how an agent sends. Who sends is bound once and never an argument. */
import type { Duration, Json, TaintLabel, TroupeError } from '../core/index.ts'
import type { Message, Priority } from './message.ts'
import type { MessageType } from './message-type.ts'

export interface CommonSendOptions {
  /** `normal` by default. */
  readonly priority?: Priority
  /** Not delivered later than so long after it was sent, or after its delay. */
  readonly ttl?: Duration
  /** Enters its lane after so long; until then it holds nobody up. */
  readonly delay?: Duration
  /** The same with a moment: ISO text or a Date. */
  readonly at?: string | Date
  /** A repeat by the same sender to the same recipient within 24 h gives the first message. */
  readonly dedupeId?: string
  readonly threadId?: string
  readonly correlationId?: string
  /** The sender gets a `message.confirmed` when the recipient acknowledges. */
  readonly requiresConfirmation?: boolean
  readonly metadata?: { readonly [key: string]: Json }
  /** What clings to it besides what the step that sends it has read: `untrusted:mail`, `sensitive:payroll`. */
  readonly taint?: readonly TaintLabel[]
  /** Ends waiting for room in a full mailbox. */
  readonly signal?: AbortSignal
}
export interface SendOptions extends CommonSendOptions {
  readonly to: string
}
export interface BroadcastOptions extends CommonSendOptions {
  /** Absent: every agent of the user that has a mailbox or is present. */
  readonly to?: readonly string[]
  /** In place of `to`: the agents that are at work with this role now. */
  readonly role?: string
}
export interface PublishOptions extends CommonSendOptions {
  readonly topic: string
}
export interface RequestOptions {
  readonly to: string
  /** 30 s by default. The request is not delivered after it. */
  readonly timeout?: Duration
  readonly priority?: Priority
  readonly threadId?: string
  readonly metadata?: { readonly [key: string]: Json }
  readonly signal?: AbortSignal
}

export interface SentMessage<P = Json> extends Message<P> {
  /** This dedupe id was used before: nothing was sent, this is the first message. */
  readonly duplicate?: true
  /** The ids of what made room, with `drop-oldest`. */
  readonly dropped?: readonly string[]
}

/** What became of a message to one of several recipients. */
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
  /** One outcome per recipient, each once, the sender left out. One failure does not stop the others. */
  broadcast<P>(type: MessageType<P>, payload: P, options?: BroadcastOptions): Promise<readonly SendOutcome[]>
  /** To the agents that are subscribed to a topic at this moment. */
  publish<P>(type: MessageType<P>, payload: P, options: PublishOptions): Promise<readonly SendOutcome[]>
  /**
   * The reply's payload.
   * @throws TimeoutError after `timeout`, or what the recipient failed with
   */
  request<P, R>(type: MessageType<P, R>, payload: P, options: RequestOptions): Promise<R>
}

export interface BatchSendOptions {
  /** So many go out together, 1 to 1,000; 10 by default. */
  readonly size?: number
  /** How long the first waits for the others; 5 s by default. */
  readonly wait?: Duration
  /** A message of this priority, or of a more urgent one, takes the others along at once; `urgent` by default. */
  readonly flushOn?: Priority | 'never'
}

/** Sends that wait for company. Each resolves when its own message is durable, and fails alone. */
export interface MessageBatch extends MessageClient, AsyncDisposable {
  /** Lets out what waits; resolves when all of it is settled. Closing the troupe does it too. */
  flush(): Promise<void>
}

/** Outside a step. In one, the turn is the batch. */
export interface CommittedMessages extends MessageClient {
  /**
   * @throws CapacityError `batch.unresolved` from a send, when 10,000 of it are not settled
   * @example
   * await using batch = support.messages.batched({ size: 100, wait: '1s' })
   * const sent = orders.map((order) => batch.send(PlaceOrder, order, { to: 'Stock' }))
   * await Promise.allSettled(sent)
   */
  batched(options?: BatchSendOptions): MessageBatch
}
