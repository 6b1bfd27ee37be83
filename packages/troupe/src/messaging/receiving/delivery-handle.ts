/**
 * A message in a consumer's hands, and the fragments that end the delivery. They act only with the token of its lease,
 * so whoever puts one into a change of its own (a step's, say) does all of it or nothing.
 */
import {
  checkCall,
  checkOptions,
  checkSignal,
  type Duration,
  encodeJson,
  errorIdIn,
  failure,
  type Json,
  milliseconds,
  quoting,
  type StoredError,
  storeError,
  type TaintLabel,
  taintField,
} from '../../core/index.ts'
import type { JournalId } from '../../journal/index.ts'
import type { Fragment, Row, Statement } from '../../storage/index.ts'
import type { CallOptions, Delivery } from '../mailbox.ts'
import type { Message } from '../message.ts'
import { commitRejection, type MessagingContext } from '../messaging-context.ts'
import { maxMessageBytes } from '../sending/compose-message.ts'
import { MessageConfirmed } from '../sending/message-confirmed.ts'
import { later } from '../statements/compile.ts'
import type { MessageLease } from '../statements/delivery-statements.ts'
import { type BatchMembership, batchOf, releasedBatch } from './batch-membership.ts'
import { kindsOf, type ReplyTo, replyToOf, toMessageLocation } from './message-row.ts'

/** @throws ValidationError for what JSON can't carry, or over 8 MB */
export function checkReply(value: unknown, type: string): void {
  const bytes = Buffer.byteLength(encodeJson(value, `The reply to ${type}`), 'utf8')
  if (bytes > maxMessageBytes)
    throw failure('message.too_large', { type: `that replies to ${type}`, bytes, limit: maxMessageBytes })
}

export type Answer = ({ readonly value: Json } | { readonly error: StoredError }) & {
  readonly taint?: readonly TaintLabel[]
}

/** What answers a request, wherever its sender waits. */
export function answerFragment(
  messaging: MessagingContext,
  { user, mailbox }: { readonly user: string; readonly mailbox: string },
  replyTo: ReplyTo,
  answer: Answer,
): Fragment {
  const signedReply = (request: string) => {
    const plain = JSON.parse(encodeJson(answer, 'The reply')) as Json
    return messaging.signed ? messaging.signed.signReply(user, mailbox, request, plain) : plain
  }
  if ('request' in replyTo)
    return { statements: [messaging.requests.answer(user, replyTo.request, encodeJson(signedReply(replyTo.request)))] }
  const { step, wait, nonce } = replyTo
  const handed = nonce === undefined ? answer : { value: signedReply(nonce), ...taintField(answer.taint) }
  return messaging.answerStep(user, step, wait, handed)
}

/** What a sender is told whose request went to the dead letters. */
export function notAnswered(to: string, type: string, problem: string): StoredError {
  return quoting(storeError(failure('request.failed', { to, type, problem })), errorIdIn(problem))
}

/** For the change in which a message that nobody has leaves its mailbox: whoever waits for a reply is told. */
export function unanswered(messaging: MessagingContext, row: Row, error: StoredError): Fragment {
  const replyTo = replyToOf(row)
  return replyTo ? answerFragment(messaging, toMessageLocation(row), replyTo, { error }) : { statements: [] }
}
/** After that change. */
export function notifyUnanswered(messaging: MessagingContext, row: Row): void {
  const replyTo = replyToOf(row)
  if (replyTo && 'request' in replyTo) messaging.answers.notify(String(row.user_id), replyTo.request)
}

/** Tells the sender of a message that it was read: once, and held back where there is no room. */
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
  /** How often it was given back or redriven: another number is another try. */
  readonly failures: number
  /** The batch in which it was handled last, and whether it has left that one since. */
  readonly batch: BatchMembership | undefined
  /** The names of its type and of those that it extends, the nearest first. */
  readonly kinds: readonly string[]
  readonly lease: MessageLease
  readonly #messaging: MessagingContext
  /** What its sender gets, where the message is moved to the dead letters. */
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
  /** To the dead letters. Whoever waits for a reply is told. */
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
    if (how !== 'nacked') this.#messaging.notifyCapacityFreed(this.lease)
    if (this.#replyTo && 'request' in this.#replyTo) this.#messaging.answers.notify(user, this.#replyTo.request)
    const { from, type } = this.message
    // Why is told by the dead letter: a reason may quote what the message holds, and no event carries that.
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
  /** Back to its lane, or to the dead letters after its last attempt. */
  async nack(options: { readonly delay?: Duration; readonly reason?: string } & CallOptions = {}): Promise<void> {
    checkOptions('nack', options, ['delay', 'reason', 'signal'])
    checkSignal('nack', options.signal)
    const reason = options.reason === undefined ? undefined : String(options.reason).slice(0, 4_000)
    const delayMs = milliseconds(options.delay ?? '0ms', 'delay')
    const { maxAttempts } = this.#messaging.settings
    if (this.attempt >= maxAttempts)
      return this.deadLetter(reason ?? `it was given back at attempt ${this.attempt} of ${maxAttempts}`)
    await this.#commit(this.nackFragment(delayMs, reason ?? null))
    this.finished('nacked')
  }
  async reply(value: Json, options: CallOptions = {}): Promise<void> {
    checkCall('reply', options)
    if (!this.#replyTo)
      throw failure('validation.failed', {
        what: `A reply to ${this.message.type}`,
        problem: 'its sender did not ask for one',
      })
    checkReply(value, this.message.type)
    await this.#commit(this.ackFragment({ value }))
    this.finished('acknowledged')
  }
  async renew(options: CallOptions = {}): Promise<void> {
    checkCall('renew', options)
    await DeliveryHandle.renewAll([this])
  }
  #renewal(ms: number): readonly Statement[] {
    return this.#messaging.deliveries.renew(this.lease, later(ms))
  }
  /** All at once, so that what is handled together runs out together. */
  static async renewAll(deliveries: readonly DeliveryHandle[]): Promise<void> {
    const renewed = deliveries.flatMap((delivery) => delivery.#renewal(delivery.#messaging.settings.leaseMs))
    const [first] = deliveries
    if (first) await first.#commit({ statements: renewed })
  }
  /** Ends their leases, after `delayMs`, and nothing else: what was recorded for them stays. */
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
  /** Before it is handled alone. @param ended ends the step of the batch, which nobody goes on with */
  async leaveBatch(ended: Fragment): Promise<void> {
    if (this.batch)
      await this.#commit(
        { statements: [this.#messaging.deliveries.mark(this.lease, releasedBatch(this.batch))] },
        ended,
      )
  }
  /**
   * @param ended of what was recorded of its handling
   * @param thrown why, with its stack
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

/** The rows of one claim as places with their batches: who comes before and behind in the same lane. */
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
