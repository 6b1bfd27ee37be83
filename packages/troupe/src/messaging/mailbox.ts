/** `support.mailbox`: receives the messages of an agent, from its own mailbox only. */
import type { Duration, Json, Page } from '../core/index.ts'
import type { Message, Priority } from './message.ts'
import type { MessageType, PayloadOf } from './message-type.ts'

/** The options of a call without other options. */
export interface CallOptions {
  readonly signal?: AbortSignal
}

export interface Delivery<P = Json> {
  readonly message: Message<P>
  /** 1 at the first delivery; counted before the delivery. */
  readonly attempt: number
  /**
   * Acknowledges the message: it is marked as read and not delivered again. A sender that waits for a reply gets none.
   * @throws LeaseLostError `lease.lost` if the lease has expired and another receiver got the message
   */
  ack(options?: CallOptions): Promise<void>
  /** Rejects the message: it is delivered again after `delay` and blocks only its lane, or becomes a dead letter. */
  nack(options?: { readonly delay?: Duration; readonly reason?: string } & CallOptions): Promise<void>
  /** Answers a request and acknowledges it, in one change. */
  reply(value: Json, options?: CallOptions): Promise<void>
  /** Extends the lease by its full duration. */
  renew(options?: CallOptions): Promise<void>
}

export interface ReceiveOptions<T extends MessageType | string = MessageType | string> {
  /** The highest number of messages, 1 to 1,000; 10 by default. */
  readonly max?: number
  /** The longest wait for the first message; 0 ms by default. */
  readonly wait?: Duration
  /** Only these types and those that extend them; lanes whose first message has another type are skipped. */
  readonly types?: readonly T[]
  readonly signal?: AbortSignal
}

export interface MailboxFilter {
  readonly unreadOnly?: boolean
  readonly from?: string
  readonly threadId?: string
  readonly type?: MessageType | string
  readonly priority?: Priority
  /** `oldest` first by default; `priority`: the most urgent first, the oldest of them first. */
  readonly order?: 'oldest' | 'priority'
  /** 1 to 1,000; 100 by default. */
  readonly limit?: number
  /** The cursor of the previous page, with the same filter and order. */
  readonly cursor?: string
  readonly signal?: AbortSignal
}

export interface ListedMessage<P = Json> extends Message<P> {
  readonly read: boolean
}

export interface DeadLetter {
  readonly message: Message
  /** The number of attempts. */
  readonly attempt: number
  readonly reason: string
  /** ISO text. */
  readonly diedAt: string
}

export interface MailboxCounts {
  readonly unread: number
  /** Messages in lanes that no receiver has leased. */
  readonly waiting: number
  readonly leased: number
  readonly dead: number
  /** Messages whose delay has not passed. */
  readonly scheduled: number
}

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
  ): Promise<readonly Delivery<PayloadOf<T>>[]>
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
  counts(options?: CallOptions): Promise<MailboxCounts>
  deadLetters(options?: { readonly limit?: number; readonly cursor?: string } & CallOptions): Promise<Page<DeadLetter>>
  /**
   * Adds a dead letter at the end of its lane again, with attempt 1.
   * @throws NotFoundError `message.unknown`
   */
  redrive(id: string, options?: CallOptions): Promise<void>
}
