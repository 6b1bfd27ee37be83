/** `support.mailbox`: how an agent receives. Only its own mailbox is in reach. */
import type { Duration, Json, Page } from '../core/index.ts'
import type { Message, Priority } from './message.ts'
import type { MessageType, PayloadOf } from './message-type.ts'

/** Of a call that takes nothing else. */
export interface CallOptions {
  readonly signal?: AbortSignal
}

export interface Delivery<P = Json> {
  readonly message: Message<P>
  /** 1 at the first delivery; counted before it is handed out. */
  readonly attempt: number
  /**
   * It was handled: marked as read, never delivered again. Who waits for a reply is told that there is none.
   * @throws LeaseLostError `lease.lost` when the lease ran out and somebody else got it
   */
  ack(options?: CallOptions): Promise<void>
  /** It was not handled: it comes back after `delay`, holding its lane alone, or goes to the dead letters. */
  nack(options?: { readonly delay?: Duration; readonly reason?: string } & CallOptions): Promise<void>
  /** Answers a request and acknowledges, in one change. */
  reply(value: Json, options?: CallOptions): Promise<void>
  /** Keeps the lease for another full time. */
  renew(options?: CallOptions): Promise<void>
}

export interface ReceiveOptions<T extends MessageType | string = MessageType | string> {
  /** At most so many, 1 to 1,000; 10 by default. */
  readonly max?: number
  /** How long to wait for the first; 0 ms by default. */
  readonly wait?: Duration
  /** Only these types, and those that extend them; lanes whose head is of another are passed over. */
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
  /** Of the page before, with the same filter and order. */
  readonly cursor?: string
  readonly signal?: AbortSignal
}

export interface ListedMessage<P = Json> extends Message<P> {
  readonly read: boolean
}

export interface DeadLetter {
  readonly message: Message
  /** How often it was tried. */
  readonly attempt: number
  readonly reason: string
  /** ISO text. */
  readonly diedAt: string
}

export interface MailboxCounts {
  readonly unread: number
  /** In lanes and in nobody's hands. */
  readonly waiting: number
  readonly leased: number
  readonly dead: number
  /** Sent with a delay that is not over. */
  readonly scheduled: number
}

export interface Mailbox {
  /**
   * Leases what is next. Never polls: it sleeps until something arrives or falls due. With definitions in `types` each
   * payload is checked by its schema and has its type; what does not fit goes to the dead letters.
   * @example
   * const [delivery] = await support.mailbox.receive({ types: [PlaceOrder], wait: '10s' })
   * console.log(delivery?.message.payload.sku)
   * await delivery?.ack()
   */
  receive<T extends MessageType | string = string>(
    options?: ReceiveOptions<T>,
  ): Promise<readonly Delivery<PayloadOf<T>>[]>
  /** Oldest first, what was acknowledged lately included. Marks nothing, takes nothing. */
  messages(filter?: MailboxFilter): Promise<Page<ListedMessage>>
  /** How many `messages` would list in all its pages. */
  total(filter?: Omit<MailboxFilter, 'order' | 'limit' | 'cursor'>): Promise<number>
  /** Marks as read; they stay deliverable. @returns how many were unread */
  markRead(ids: readonly string[], options?: CallOptions): Promise<number>
  /**
   * Marks as read what was listed here, and tells those who asked to be told, in one change: what could not be confirmed
   * is unread still. @returns how many were told; oneself is not
   */
  confirmRead(messages: readonly ListedMessage[], options?: CallOptions): Promise<number>
  counts(options?: CallOptions): Promise<MailboxCounts>
  deadLetters(options?: { readonly limit?: number; readonly cursor?: string } & CallOptions): Promise<Page<DeadLetter>>
  /**
   * Puts a dead letter at the end of its lane again, at attempt 1.
   * @throws NotFoundError `message.unknown`
   */
  redrive(id: string, options?: CallOptions): Promise<void>
}
