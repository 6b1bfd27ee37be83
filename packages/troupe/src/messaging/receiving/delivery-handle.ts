/**
 * A leased message, and the fragments that end its delivery. They act only with the token of the lease, so a change
 * that includes one, such as that of a step, takes effect completely or not at all.
 */
import {
  checkCall,
  checkOptions,
  checkSignal,
  copyJson,
  type Duration,
  encodeJson,
  errorIdIn,
  failure,
  invalidInput,
  type Json,
  type JsonInput,
  maxValueBytes,
  milliseconds,
  quoting,
  type StoredError,
  stepTaint,
  storeError,
  type TaintLabel,
  taintField,
  truncateText,
} from '../../core/index.ts'
import type { JournalId } from '../../journal/index.ts'
import type { Fragment, Row, Statement } from '../../storage/index.ts'
import type { CallOptions, Delivery } from '../mailbox.ts'
import type { Message } from '../message.ts'
import { commitRejection, type MessagingContext } from '../messaging-context.ts'
import { MessageConfirmed } from '../sending/message-confirmed.ts'
import { later } from '../statements/compile.ts'
import type { MessageLease } from '../statements/delivery-statements.ts'
import { type BatchMembership, batchOf, releasedBatch } from './batch-membership.ts'
import { kindsOf, type ReplyTo, replyToOf, toMessageLocation } from './message-row.ts'

/** @throws ValidationError for a reply that is not JSON or exceeds 8 MiB */
export function checkReply(value: unknown, type: string): void {
  const bytes = Buffer.byteLength(encodeJson(value, `The reply to ${type}`), 'utf8')
  if (bytes > maxValueBytes)
    throw failure('message.too_large', { type: `that replies to ${type}`, bytes, limit: maxValueBytes })
}

export type Answer = ({ readonly value: Json } | { readonly error: StoredError }) & {
  readonly taint?: readonly TaintLabel[]
}

/** Returns the fragment that answers a request, outside a step or in one. */
export function answerFragment(
  messaging: MessagingContext,
  { user, mailbox }: { readonly user: string; readonly mailbox: string },
  replyTo: ReplyTo,
  answer: Answer,
): Fragment {
  const signedReply = (request: string) => {
    const plain = copyJson(answer, 'The reply')
    return messaging.signed ? messaging.signed.signReply(user, mailbox, request, plain) : plain
  }
  if ('request' in replyTo)
    return {
      statements: [
        messaging.requests.answer({ user, id: replyTo.request, answer: encodeJson(signedReply(replyTo.request)) }),
      ],
    }
  const { step, wait, nonce } = replyTo
  const handed = nonce === undefined ? answer : { value: signedReply(nonce), ...taintField(answer.taint) }
  return messaging.answerStep(user, step, wait, handed)
}

/** Returns the error for the sender of a request that became a dead letter. */
export function notAnswered(to: string, type: string, problem: string): StoredError {
  return quoting(storeError(failure('request.failed', { to, type, problem })), errorIdIn(problem))
}

/** Answers the sender of an unleased message with an error, in the change that removes the message from its mailbox. */
export function unanswered(messaging: MessagingContext, row: Row, error: StoredError): Fragment {
  const replyTo = replyToOf(row)
  return replyTo ? answerFragment(messaging, toMessageLocation(row), replyTo, { error }) : { statements: [] }
}
/** Notifies the sender after that change. */
export function notifyUnanswered(messaging: MessagingContext, row: Row): void {
  const replyTo = replyToOf(row)
  if (replyTo && 'request' in replyTo) messaging.answers.notify(String(row.user_id), replyTo.request)
}

/** Confirms to the sender that its message was read, once. The confirmation waits in the outbox if the mailbox is full. */
export const confirmationOf = (messaging: MessagingContext, user: string, message: Message): readonly Statement[] =>
  messaging.enqueueOrDefer(
    messaging.systemMessage(`${message.id}-confirmed`, {
      user,
      from: message.to,
      to: message.from,
      type: MessageConfirmed,
      payload: { id: message.id, by: message.to, type: message.type },
      correlationId: message.correlationId ?? message.id,
      threadId: message.threadId,
      dedupeId: `${message.id}-confirmed`,
    }),
  )

export class DeliveryHandle implements Delivery {
  readonly message: Message
  readonly attempt: number
  /** The number of rejections and redrives; each starts another attempt. */
  readonly failures: number
  /** The batch in which it was handled last, and whether it has left that batch. */
  readonly batch: BatchMembership | undefined
  /** The names of its type and of those that it extends, the nearest first. */
  readonly kinds: readonly string[]
  readonly lease: MessageLease
  readonly #messaging: MessagingContext
  /** The error for its sender, if the message becomes a dead letter. */
  #deadLettered: StoredError | undefined
  readonly #replyTo: ReplyTo | undefined
  readonly #seen: readonly Statement[]

  constructor(messaging: MessagingContext, row: Row, message: Message, lease: MessageLease) {
    this.#messaging = messaging
    this.message = message
    this.lease = lease
    this.attempt = Number(row.attempts)
    this.failures = Number(row.failures)
    this.batch = batchOf(row)
    this.kinds = kindsOf(row).map(({ name }) => name)
    this.#replyTo = replyToOf(row)
    this.#seen = messaging.signed?.seen(row) ?? []
  }
  get expectsReply(): boolean {
    return this.#replyTo !== undefined
  }

  /** The statement that rejects a change after the end of the lease. */
  isLeased(): Statement {
    return this.#messaging.deliveries.isLeased(this.lease)
  }
  ackFragment(answer?: Answer): Fragment {
    const { user } = this.lease
    const fragment =
      this.#replyTo && answer ? answerFragment(this.#messaging, this.lease, this.#replyTo, answer) : undefined
    const confirmation = this.message.requiresConfirmation ? confirmationOf(this.#messaging, user, this.message) : []
    return this.#waking(
      [...this.#messaging.deliveries.ack(this.lease), ...this.#seen, ...(fragment?.statements ?? []), ...confirmation],
      fragment,
    )
  }
  nackFragment(delayMs: number, reason: string | null): Fragment {
    return this.#waking(this.#messaging.deliveries.nack(this.lease, later(delayMs), reason))
  }
  /** Makes the message a dead letter, and answers a waiting sender with an error. */
  deadLetterFragment(reason: string): Fragment {
    const { mailbox } = this.lease
    const error = notAnswered(mailbox, this.message.type, reason)
    this.#deadLettered = error
    const fragment = this.#replyTo ? answerFragment(this.#messaging, this.lease, this.#replyTo, { error }) : undefined
    return this.#waking(
      [...this.#messaging.deliveries.deadLetter(this.lease, reason), ...(fragment?.statements ?? [])],
      fragment,
    )
  }
  #waking(statements: readonly Statement[], fragment?: Fragment): Fragment {
    const outbox = this.message.requiresConfirmation ? (['outbox'] as const) : []
    return { statements, wake: [...new Set([...(fragment?.wake ?? []), 'mailboxes' as const, ...outbox])] }
  }

  /**
   * After a change with one of the fragments: notifies and emits.
   * @param thrown why it was moved to the dead letters, with its stack
   */
  finished(how: 'acknowledged' | 'nacked' | 'dead-lettered', thrown?: unknown): void {
    const { user, mailbox, id } = this.lease
    this.#messaging.arrivals.notify(user, mailbox)
    if (this.message.requiresConfirmation && how === 'acknowledged')
      this.#messaging.arrivals.notify(user, this.message.from)
    if (how !== 'nacked') {
      this.#messaging.notifyCapacityFreed(this.lease)
      this.#messaging.onEnded(this.lease)
    }
    if (this.#replyTo && 'request' in this.#replyTo) this.#messaging.answers.notify(user, this.#replyTo.request)
    const { from, type } = this.message
    // The reason is stored with the dead letter only: it may quote the content of the message, which no event has.
    const fields = { id, from, to: mailbox, messageType: type, attempt: this.attempt }
    const error = thrown ?? this.#deadLettered
    const content = how === 'dead-lettered' && error ? () => ({ error }) : undefined
    this.#messaging.emit(`message.${how}`, user, fields, content)
  }

  async ack(options: CallOptions = {}): Promise<void> {
    checkCall('ack', options)
    const { to, type } = this.message
    const error = this.#replyTo && storeError(failure('request.unanswered', { to, type }))
    await this.#commit(this.ackFragment(error && { error }))
    this.finished('acknowledged')
  }
  /** Returns the message to its lane, or makes it a dead letter after its last attempt. */
  async nack(options: { readonly delay?: Duration; readonly reason?: string } & CallOptions = {}): Promise<void> {
    checkOptions('nack', options, ['delay', 'reason', 'signal'])
    checkSignal('nack', options.signal)
    const reason = options.reason === undefined ? undefined : readableReason(options.reason)
    const delayMs = milliseconds(options.delay ?? '0ms', 'delay')
    const { maxAttempts } = this.#messaging.settings
    if (this.attempt >= maxAttempts)
      return this.deadLetter(reason ?? `it was rejected at attempt ${this.attempt} of ${maxAttempts}`)
    await this.#commit(this.nackFragment(delayMs, reason ?? null))
    this.finished('nacked')
  }
  async reply<T>(value: JsonInput<T>, options: CallOptions = {}): Promise<void> {
    checkCall('reply', options)
    if (!this.#replyTo) throw invalidInput(`A reply to ${this.message.type}`, 'its sender did not ask for one')
    checkReply(value, this.message.type)
    await this.#commit(this.ackFragment({ value, ...taintField(stepTaint()) }))
    this.finished('acknowledged')
  }
  async renew(options: CallOptions = {}): Promise<void> {
    checkCall('renew', options)
    await DeliveryHandle.renewAll([this])
  }
  #renewal(ms: number): readonly Statement[] {
    return this.#messaging.deliveries.renew(this.lease, later(ms))
  }
  /** Renews all leases in one change, so that the leases of a batch expire together. */
  static async renewAll(deliveries: readonly DeliveryHandle[]): Promise<void> {
    const renewed = deliveries.flatMap((delivery) => delivery.#renewal(delivery.#messaging.settings.leaseMs))
    const [first] = deliveries
    if (first) await first.#commit({ statements: renewed })
  }
  /** Ends the leases after `delayMs`; the journals of their handlers stay. */
  static async releaseDeliveries(deliveries: readonly DeliveryHandle[], delayMs = 0): Promise<void> {
    const ended = deliveries.flatMap((delivery) => delivery.#renewal(delayMs))
    const [first] = deliveries
    if (!first) return
    await first.#commit({ statements: ended, wake: ['mailboxes'] })
    first.#messaging.arrivals.notify(first.lease.user, first.lease.mailbox)
  }
  /** Before they are handled together in a step. */
  static async joinBatch(deliveries: readonly DeliveryHandle[], step: JournalId): Promise<void> {
    const marks = deliveries.map((delivery) => delivery.#messaging.deliveries.mark(delivery.lease, step))
    const [first] = deliveries
    if (first) await first.#commit({ statements: marks })
  }
  /**
   * Leaves the batch before the message is handled alone.
   * @param ended ends the step of the batch, which is not continued
   */
  async leaveBatch(ended: Fragment): Promise<void> {
    if (this.batch)
      await this.#commit(
        { statements: [this.#messaging.deliveries.mark(this.lease, releasedBatch(this.batch))] },
        ended,
      )
  }
  /**
   * @param ended ends the step that handled the message
   * @param thrown the error of the handler, with its stack
   */
  async deadLetter(reason: string, ended?: Fragment, thrown?: unknown): Promise<void> {
    await this.#commit(this.deadLetterFragment(reason), ended)
    this.finished('dead-lettered', thrown)
  }
  async #commit({ statements, wake }: Fragment, also: Fragment = { statements: [] }): Promise<void> {
    const result = await this.#messaging.commit(this.lease.user, [...statements, ...also.statements], null, wake)
    if (!result.ok) throw commitRejection(result)
  }
}

/** Returns the leases of the rows of one claim, each with the first and the last number that was delivered from its lane. */
export function leasesOf(rows: readonly Row[], token: string): readonly MessageLease[] {
  const ends = new Map<string, { from: number; to: number }>()
  for (const row of rows) {
    const seq = Number(row.seq)
    const end = ends.get(String(row.lane)) ?? { from: seq, to: seq }
    ends.set(String(row.lane), { from: Math.min(end.from, seq), to: Math.max(end.to, seq) })
  }
  return rows.map((row) => {
    const { from, to } = ends.get(String(row.lane)) ?? { from: 0, to: 0 }
    return { ...toMessageLocation(row), token, batchFrom: from, batchTo: to }
  })
}

/** Returns a text that every storage takes: the reason may be the message of any error. */
const readableReason = (reason: unknown): string =>
  truncateText(String(reason).toWellFormed().replaceAll('\0', '\ufffd'), 4_000)
