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
  failure,
  type Json,
  milliseconds,
  type StoredError,
  storeError,
  type TaintLabel,
  taintField,
} from '../core/index.ts'
import type { JournalId } from '../durable/index.ts'
import type { Fragment, Row, Statement } from '../storage/index.ts'
import { type BatchPlace, batchOf, leftOf } from './batch-place.ts'
import { maxMessageBytes } from './compose.ts'
import type { CallOptions, Delivery } from './mailbox-hands.ts'
import type { Message } from './message.ts'
import { kindsOf, type ReplyTo, replyToOf, toPlace } from './message-row.ts'
import { MessageConfirmed } from './notices.ts'
import { type Post, refusal } from './post.ts'
import { later } from './statements/compile.ts'
import type { Held } from './statements/settle-statements.ts'

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
  post: Post,
  { user, mailbox }: { readonly user: string; readonly mailbox: string },
  replyTo: ReplyTo,
  answer: Answer,
): Fragment {
  const whole = (request: string) => {
    const plain = JSON.parse(encodeJson(answer, 'The reply')) as Json
    return post.signed ? post.signed.signReply(user, mailbox, request, plain) : plain
  }
  if ('request' in replyTo)
    return { statements: [post.requests.answer(user, replyTo.request, encodeJson(whole(replyTo.request)))] }
  const { step, wait, nonce } = replyTo
  const handed = nonce === undefined ? answer : { value: whole(nonce), ...taintField(answer.taint) }
  return post.answerStep(user, step, wait, handed)
}

/** What a sender is told whose request went to the dead letters. */
export const notAnswered = (to: string, type: string, problem: string): StoredError =>
  storeError(failure('request.failed', { to, type, problem }))

/** For the change in which a message that nobody has leaves its mailbox: whoever waits for a reply is told. */
export function unanswered(post: Post, row: Row, error: StoredError): Fragment {
  const replyTo = replyToOf(row)
  return replyTo ? answerFragment(post, toPlace(row), replyTo, { error }) : { statements: [] }
}
/** After that change. */
export function ringUnanswered(post: Post, row: Row): void {
  const replyTo = replyToOf(row)
  if (replyTo && 'request' in replyTo) post.answers.ring(String(row.user_id), replyTo.request)
}

/** Tells the sender of a message that it was read: once, and held back where there is no room. */
export const confirmationOf = (post: Post, user: string, message: Message): readonly Statement[] =>
  post.enterOrHold(
    post.notice(`${message.id}-confirmed`, {
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

export class Delivered implements Delivery {
  readonly message: Message
  readonly attempt: number
  /** How often it was given back or redriven: another number is another try. */
  readonly failures: number
  /** The batch in which it was handled last, and whether it has left that one since. */
  readonly batch: BatchPlace | undefined
  /** The names of its type and of those that it extends, the nearest first. */
  readonly kinds: readonly string[]
  readonly held: Held
  readonly #post: Post
  readonly #replyTo: ReplyTo | undefined
  readonly #seen: readonly Statement[]

  constructor(post: Post, row: Row, message: Message, held: Held) {
    this.#post = post
    this.message = message
    this.held = held
    this.attempt = Number(row.attempts)
    this.failures = Number(row.failures)
    this.batch = batchOf(row)
    this.kinds = kindsOf(row).map(({ name }) => name)
    this.#replyTo = replyToOf(row)
    this.#seen = post.signed?.seen(row) ?? []
  }
  get expectsReply(): boolean {
    return this.#replyTo !== undefined
  }

  ackFragment(answer?: Answer): Fragment {
    const { user } = this.held
    const fragment = this.#replyTo && answer ? answerFragment(this.#post, this.held, this.#replyTo, answer) : undefined
    const confirmation = this.message.requiresConfirmation ? confirmationOf(this.#post, user, this.message) : []
    return this.#waking(
      [...this.#post.settle.ack(this.held), ...this.#seen, ...(fragment?.statements ?? []), ...confirmation],
      fragment,
    )
  }
  nackFragment(delayMs: number, reason: string | null): Fragment {
    return this.#waking(this.#post.settle.nack(this.held, later(delayMs), reason))
  }
  /** To the dead letters. Whoever waits for a reply is told. */
  buryFragment(reason: string): Fragment {
    const { mailbox } = this.held
    const error = notAnswered(mailbox, this.message.type, reason)
    const fragment = this.#replyTo ? answerFragment(this.#post, this.held, this.#replyTo, { error }) : undefined
    return this.#waking([...this.#post.settle.bury(this.held, reason), ...(fragment?.statements ?? [])], fragment)
  }
  #waking(statements: readonly Statement[], fragment?: Fragment): Fragment {
    const outbox = this.message.requiresConfirmation ? (['outbox'] as const) : []
    return { statements, wake: [...new Set([...(fragment?.wake ?? []), 'mailboxes' as const, ...outbox])] }
  }

  /** After a change with one of the fragments: rings and tells. */
  settled(how: 'acknowledged' | 'returned' | 'dead'): void {
    const { user, mailbox, id } = this.held
    this.#post.arrivals.ring(user, mailbox)
    if (this.message.requiresConfirmation && how === 'acknowledged') this.#post.arrivals.ring(user, this.message.from)
    if (how !== 'returned') this.#post.freed(this.held)
    if (this.#replyTo && 'request' in this.#replyTo) this.#post.answers.ring(user, this.#replyTo.request)
    const { from, type } = this.message
    // Why is told by the dead letter: a reason may quote what the message holds, and no event carries that.
    this.#post.emit(`message.${how}`, user, { id, from, to: mailbox, messageType: type, attempt: this.attempt })
  }

  async ack(options: CallOptions = {}): Promise<void> {
    checkCall('ack', options)
    const { to, type } = this.message
    const error = this.#replyTo && storeError(failure('request.unanswered', { to, type }))
    await this.#commit(this.ackFragment(error && { error }))
    this.settled('acknowledged')
  }
  /** Back to its lane, or to the dead letters after its last attempt. */
  async nack(options: { readonly delay?: Duration; readonly reason?: string } & CallOptions = {}): Promise<void> {
    checkOptions('nack', options, ['delay', 'reason', 'signal'])
    checkSignal('nack', options.signal)
    const reason = options.reason === undefined ? undefined : String(options.reason).slice(0, 4_000)
    const delayMs = milliseconds(options.delay ?? '0ms', 'delay')
    const { maxAttempts } = this.#post.settings
    if (this.attempt >= maxAttempts)
      return this.bury(reason ?? `it was given back at attempt ${this.attempt} of ${maxAttempts}`)
    await this.#commit(this.nackFragment(delayMs, reason ?? null))
    this.settled('returned')
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
    this.settled('acknowledged')
  }
  async renew(options: CallOptions = {}): Promise<void> {
    checkCall('renew', options)
    await Delivered.renewAll([this])
  }
  #renewal(ms: number): readonly Statement[] {
    return this.#post.settle.renew(this.held, later(ms))
  }
  /** All at once, so that what is handled together runs out together. */
  static async renewAll(deliveries: readonly Delivered[]): Promise<void> {
    const renewed = deliveries.flatMap((delivered) => delivered.#renewal(delivered.#post.settings.leaseMs))
    const [first] = deliveries
    if (first) await first.#commit({ statements: renewed })
  }
  /** Ends their leases, after `delayMs`, and nothing else: what was recorded for them stays. */
  static async letGo(deliveries: readonly Delivered[], delayMs = 0): Promise<void> {
    const ended = deliveries.flatMap((delivered) => delivered.#renewal(delayMs))
    const [first] = deliveries
    if (!first) return
    await first.#commit({ statements: ended, wake: ['mailboxes'] })
    first.#post.arrivals.ring(first.held.user, first.held.mailbox)
  }
  /** Before they are handled together in a step. */
  static async joinBatch(deliveries: readonly Delivered[], step: JournalId): Promise<void> {
    const marks = deliveries.map((delivered) => delivered.#post.settle.mark(delivered.held, step))
    const [first] = deliveries
    if (first) await first.#commit({ statements: marks })
  }
  /** Before it is handled alone. @param ended ends the step of the batch, which nobody goes on with */
  async leaveBatch(ended: Fragment): Promise<void> {
    if (this.batch) await this.#commit({ statements: [this.#post.settle.mark(this.held, leftOf(this.batch))] }, ended)
  }
  /** @param ended of what was recorded of its handling */
  async bury(reason: string, ended?: Fragment): Promise<void> {
    await this.#commit(this.buryFragment(reason), ended)
    this.settled('dead')
  }
  async #commit({ statements, wake }: Fragment, also: Fragment = { statements: [] }): Promise<void> {
    const result = await this.#post.commit(this.held.user, [...statements, ...also.statements], null, wake)
    if (!result.ok) throw refusal(result)
  }
}

/** The rows of one claim as places with their batches: who comes before and behind in the same lane. */
export function heldOf(rows: readonly Row[], token: string): readonly Held[] {
  const ends = new Map<string, { from: number; to: number }>()
  for (const row of rows) {
    const seq = Number(row.seq)
    const end = ends.get(String(row.lane)) ?? { from: seq, to: seq }
    ends.set(String(row.lane), { from: Math.min(end.from, seq), to: Math.max(end.to, seq) })
  }
  return rows.map((row) => {
    const { from, to } = ends.get(String(row.lane)) ?? { from: 0, to: 0 }
    return { ...toPlace(row), token, batchFrom: from, batchTo: to }
  })
}
