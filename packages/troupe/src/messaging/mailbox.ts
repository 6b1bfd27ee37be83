/** `support.mailbox`: receives the messages of an agent, from its own mailbox only. */
import type { Duration, Fitting, Json, JsonInput, Page } from '../core/index.ts'
import type { Message, Priority } from './message.ts'
import type { MessageType, PayloadOf, ReplyOf } from './message-type.ts'

/** The options of a call without other options. */
export interface CallOptions {
  /** Rejects the call with CancelledError if it has aborted before the call starts. */
  readonly signal?: AbortSignal
}

/** A message that one receiver has leased. Until the lease expires, no other receiver gets it. */
export interface Delivery<P = Json, R = Json> {
  /** The message. */
  readonly message: Message<P>
  /** 1 at the first delivery; counted before the delivery. */
  readonly attempt: number
  /**
   * Acknowledges the message: it is marked as read and not delivered again. A sender that waits for a reply gets none.
   * @throws LeaseLostError `lease.lost` if the lease has expired and another receiver got the message
   */
  ack(options?: CallOptions): Promise<void>
  /**
   * Rejects the message: it is delivered again after `delay`, or becomes a dead letter after its last attempt. It blocks
   * only its lane.
   * @param options.delay the time until the next delivery; 0 ms by default
   * @param options.reason the reason, which a dead letter shows; at most 4,000 characters
   * @throws LeaseLostError `lease.lost`
   */
  nack(options?: { readonly delay?: Duration; readonly reason?: string } & CallOptions): Promise<void>
  /**
   * Answers a request and acknowledges it, in one change.
   * @throws ValidationError if the sender expects no reply or the reply exceeds 8 MiB; LeaseLostError `lease.lost`
   */
  reply<T>(value: [Json] extends [R] ? JsonInput<T> : Fitting<R>, options?: CallOptions): Promise<void>
  /**
   * Extends the lease by its full duration.
   * @throws LeaseLostError `lease.lost`
   */
  renew(options?: CallOptions): Promise<void>
}

/** The options of `Mailbox.receive`. */
export interface ReceiveOptions<T extends MessageType | string = MessageType | string> {
  /** The highest number of messages, 1 to 1,000; 10 by default. */
  readonly max?: number
  /** The longest wait for the first message; 0 ms by default. */
  readonly wait?: Duration
  /** Only these types and those that extend them; lanes whose first message has another type are skipped. */
  readonly types?: readonly T[]
  /** Ends the wait with CancelledError. */
  readonly signal?: AbortSignal
}

/** The options of `Mailbox.messages`: a filter, the order and the page. */
export interface MailboxFilter {
  /** True for unread messages only; false by default. */
  readonly unreadOnly?: boolean
  /** Only messages of this sender. */
  readonly from?: string
  /** Only messages of this thread. */
  readonly threadId?: string
  /** Only messages of this type. */
  readonly type?: MessageType | string
  /** Only messages of this priority. */
  readonly priority?: Priority
  /** `oldest` first by default; `priority`: the most urgent first, the oldest of them first. */
  readonly order?: 'oldest' | 'priority'
  /** The number of messages of a page, 1 to 1,000; 100 by default. */
  readonly limit?: number
  /** The cursor of the previous page, with the same filter and order. */
  readonly cursor?: string
  /** Rejects the call with CancelledError if it has aborted before the call starts. */
  readonly signal?: AbortSignal
}

/** A message with the mark whether it was read. */
export interface ListedMessage<P = Json> extends Message<P> {
  /** True if the message was acknowledged or marked as read. */
  readonly read: boolean
}

/** A message that is not delivered any more, because its attempts failed or it cannot be read. */
export interface DeadLetter {
  /** The message. Fields that cannot be read are left out. */
  readonly message: Message
  /** The number of attempts. */
  readonly attempt: number
  /** The reason of the last `nack`, or the message of the last error. */
  readonly reason: string
  /** The time at which it became a dead letter, as ISO 8601 text. */
  readonly diedAt: string
}

/** The number of messages in a mailbox by their state. */
export interface MailboxCounts {
  /** Messages that are due and neither read nor acknowledged. */
  readonly unread: number
  /** Messages in lanes that no receiver has leased. */
  readonly waiting: number
  /** Messages that a receiver has leased. */
  readonly leased: number
  /** Dead letters. */
  readonly dead: number
  /** Messages whose delay has not passed. */
  readonly scheduled: number
}

/** The mailbox of an agent. `user.agent(name).mailbox` returns it. */
export interface Mailbox {
  /**
   * Leases the next messages. Does not poll: waits until a message arrives or becomes due. With definitions in `types`, each
   * payload is checked by its schema and has its type; a message that does not fit becomes a dead letter.
   * @example
   * const [delivery] = await support.mailbox.receive({ types: [PlaceOrder], wait: '10s' })
   * console.log(delivery?.message.payload.sku)
   * await delivery?.ack()
   */
  receive<T extends MessageType | string = string>(
    options?: ReceiveOptions<T>,
  ): Promise<readonly Delivery<PayloadOf<T>, ReplyOf<T>>[]>
  /** Lists messages, the oldest first, including recently acknowledged ones. Does not mark or lease them. */
  messages(filter?: MailboxFilter): Promise<Page<ListedMessage>>
  /** Returns the number of messages that `messages` lists on all pages. */
  total(filter?: Omit<MailboxFilter, 'order' | 'limit' | 'cursor'>): Promise<number>
  /** Marks messages as read; they can still be delivered. @returns the number of unread messages among them */
  markRead(ids: readonly string[], options?: CallOptions): Promise<number>
  /**
   * Marks listed messages as read and confirms them to the senders that requested it, in one change. A message that cannot be
   * confirmed stays unread. @returns the number of confirmations, without those to the agent itself
   */
  confirmRead(messages: readonly ListedMessage[], options?: CallOptions): Promise<number>
  /** Returns the number of messages by their state. */
  counts(options?: CallOptions): Promise<MailboxCounts>
  /**
   * Lists the dead letters, the earliest message first.
   * @param options.limit the number of dead letters of a page, 1 to 1,000; 100 by default
   * @param options.cursor the cursor of the previous page; by default the first page
   */
  deadLetters(options?: { readonly limit?: number; readonly cursor?: string } & CallOptions): Promise<Page<DeadLetter>>
  /**
   * Moves a dead letter to the end of its lane, with attempt 1.
   * @throws NotFoundError `message.unknown`, CapacityError `mailbox.full`
   */
  redrive(id: string, options?: CallOptions): Promise<void>
}
