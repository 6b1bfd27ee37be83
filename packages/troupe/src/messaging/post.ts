/** What the parts of this room share: the storage, the clock, the statements, the bells. One per troupe. */
import {
  type Clock,
  decodeJson,
  type EventName,
  type Events,
  failure,
  type Ids,
  type Json,
  type Random,
  type StoredError,
  type TroupeError,
} from '../core/index.ts'
import type { AuditTrail, Incidents, Signatures } from '../security/index.ts'
import type {
  Bind,
  Blobs,
  CommitResult,
  Dialect,
  Fragment,
  Row,
  Statement,
  Storage,
  WorkQueue,
} from '../storage/index.ts'
import type { BatchPlace } from './batch-place.ts'
import { Bells } from './bells.ts'
import { withBytes } from './bytes.ts'
import {
  type Composing,
  checkBytes,
  compose,
  composeNotice,
  type Draft,
  type Encoded,
  type Notice,
  type Sender,
} from './compose.ts'
import type { MessagingSettings } from './config.ts'
import { failedKeptMs, handledStep, type Try } from './handled-step.ts'
import { bytesAtOf, payloadRef } from './message-row.ts'
import { SignedMessages } from './signed-messages.ts'
import { claimStatements } from './statements/claim-statements.ts'
import { lookStatements } from './statements/look-statements.ts'
import { moveStatements } from './statements/move-statements.ts'
import { requestStatements } from './statements/request-statements.ts'
import { seenStatements } from './statements/seen-statements.ts'
import { type Outgoing, sendStatements } from './statements/send-statements.ts'
import { type Place, settleStatements } from './statements/settle-statements.ts'
import { sweepStatements } from './statements/sweep-statements.ts'
import { upkeepStatements } from './statements/upkeep-statements.ts'

/** Hands an answer to the waiting call of a step; `Steps.answer` of `durable`. */
export type AnswerStep = (
  user: string,
  step: string,
  wait: string,
  answer: { readonly value: Json } | { readonly error: StoredError },
) => Fragment

/** Ends what handlers recorded of messages; `Steps.abandon` of `durable`. */
export type AbandonSteps = (user: string, steps: readonly string[], keptMs: number) => Fragment

export interface PostParts {
  readonly storage: Storage
  readonly blobs: Blobs
  readonly clock: Clock
  readonly ids: Ids
  readonly random: Random
  readonly events: Events
  readonly settings: MessagingSettings
  readonly answerStep: AnswerStep
  readonly abandonSteps: AbandonSteps
  readonly incidents: Incidents
  readonly audit?: AuditTrail
  readonly signatures: Signatures | undefined
}

/** Statements that hold the bounds of mailboxes. */
type Bounded = ReturnType<typeof bounded>
function bounded(dialect: Dialect, settings: MessagingSettings) {
  const send = sendStatements(dialect, settings)
  return {
    settings,
    send,
    claim: claimStatements(dialect, settings),
    move: moveStatements(dialect, settings, send),
    upkeep: upkeepStatements(dialect, settings),
  }
}

export class Post {
  readonly storage: Storage
  readonly blobs: Blobs
  readonly clock: Clock
  readonly ids: Ids
  readonly random: Random
  readonly answerStep: AnswerStep
  readonly #abandonSteps: AbandonSteps
  #bounded: Bounded
  readonly #events: Events
  readonly #audit: AuditTrail | undefined
  readonly settle: ReturnType<typeof settleStatements>
  readonly look: ReturnType<typeof lookStatements>
  readonly requests: ReturnType<typeof requestStatements>
  readonly sweep: ReturnType<typeof sweepStatements>
  /** Where messages are signed. */
  readonly signed: SignedMessages | undefined
  /** Something may be delivered. */
  readonly arrivals: Bells
  /** A mailbox has room again. */
  readonly room: Bells
  /** A request has its answer. */
  readonly answers: Bells
  onFreed: (user: string, mailbox: string, bytes: number) => void = () => {}
  onScheduled: (user: string, mailbox: string, availableAt: Bind) => void = () => {}

  constructor(parts: PostParts) {
    const { storage, blobs, clock, ids, random, events, settings, answerStep, incidents, signatures } = parts
    this.storage = storage
    this.blobs = blobs
    this.clock = clock
    this.ids = ids
    this.random = random
    this.answerStep = answerStep
    this.#abandonSteps = parts.abandonSteps
    this.#events = events
    this.#audit = parts.audit
    const { dialect } = storage
    this.#bounded = bounded(dialect, settings)
    this.settle = settleStatements(dialect)
    this.look = lookStatements(dialect)
    this.requests = requestStatements(dialect)
    const seen = seenStatements(dialect)
    this.sweep = sweepStatements(dialect, seen)
    this.signed = signatures && new SignedMessages({ signatures, storage, incidents, seen })
    this.arrivals = new Bells(clock)
    this.room = new Bells(clock)
    this.answers = new Bells(clock)
  }

  /** For the change in which a message goes to the dead letters that somebody may have begun to handle. */
  handlingEnded(user: string, message: Try, batch: BatchPlace | undefined): readonly Statement[] {
    const keptMs = failedKeptMs(this.settings.retentionMs)
    const steps = [handledStep([message]), ...(batch ? [batch.step] : [])]
    return this.#abandonSteps(user, steps, keptMs).statements
  }

  get settings(): MessagingSettings {
    return this.#bounded.settings
  }
  get send(): Bounded['send'] {
    return this.#bounded.send
  }
  get claim(): Bounded['claim'] {
    return this.#bounded.claim
  }
  get move(): Bounded['move'] {
    return this.#bounded.move
  }
  get upkeep(): Bounded['upkeep'] {
    return this.#bounded.upkeep
  }
  /** What is under way ends as it began. */
  configure(settings: MessagingSettings): void {
    this.#bounded = bounded(this.storage.dialect, settings)
  }

  /**
   * A change of this room. One process owns a SQLite file and rings its own bells: only PostgreSQL needs our hint.
   * @param id for PostgreSQL, where an outcome may be unknown and no statement proves it
   */
  commit(
    user: string,
    statements: readonly Statement[],
    id: string | null = null,
    wake: readonly WorkQueue[] = ['mailboxes'],
  ): Promise<CommitResult> {
    const postgres = this.storage.dialect.name === 'postgres'
    const queues = postgres ? wake : wake.filter((queue) => queue !== 'mailboxes')
    return this.storage.commit({ id: postgres ? id : null, scope: { user }, statements, wake: queues })
  }
  async read(user: string, statement: Statement): Promise<readonly Row[]> {
    const [rows = []] = await this.storage.read({ user }, [statement])
    return rows
  }
  /**
   * @param nowMs of the clock where absent; a step brings the moment that it recorded
   * @throws ValidationError
   */
  compose(sender: Sender, draft: Draft, payload: Encoded, nowMs?: number): Outgoing {
    const outgoing = compose(this.#composing(nowMs), this.#traced(sender), draft, payload)
    checkBytes(outgoing.type, outgoing.bytes, this.settings.maxBytes)
    return outgoing
  }
  /** Of a host that sends within a span of its own. */
  #traced(sender: Sender): Sender {
    const { trace, span } = (sender.provenance.trace ? undefined : this.#events.surroundings()) ?? {}
    if (trace === undefined || span === undefined) return sender
    return { ...sender, provenance: { ...sender.provenance, trace: { traceId: trace, spanId: span } } }
  }
  notice(id: string, notice: Notice): Outgoing {
    return composeNotice(this.#composing(), id, notice)
  }
  #composing(nowMs = this.clock.now()): Composing {
    return { blobs: this.blobs, apart: this.sweep.apart, signed: this.signed !== undefined, nowMs }
  }
  /** Into its mailbox, or the change fails. @param before how many statements stand before these in the change */
  enter(message: Outgoing, before: number): readonly Statement[] {
    return this.send.send(this.signed ? this.signed.sign(message) : message, before)
  }
  /** Into its mailbox, or held back where there is no room. */
  enterOrHold(message: Outgoing): readonly Statement[] {
    return [...this.send.sendOrHold(this.signed ? this.signed.sign(message) : message), ...this.audited(message)]
  }
  /** Somebody looks into a mailbox. */
  lookedAt(user: string, mailbox: string): void {
    this.#audit?.read(user, { actor: mailbox, operation: 'get_messages_from_agents', resource: mailbox })
  }
  /** The record of a send; stands last. */
  audited({ user, sender, mailbox }: Outgoing): readonly Statement[] {
    return this.#audit?.written(user, { actor: sender, operation: 'send_message_to_agent', resource: mailbox }) ?? []
  }
  /** As it was sent: its type's schema and upcasts come after. */
  async payloadOf(row: Row): Promise<Json> {
    return withBytes(decodeJson(await this.#jsonOf(row)), bytesAtOf(row))
  }
  async #jsonOf(row: Row): Promise<string> {
    const ref = payloadRef(row)
    return 'json' in ref ? ref.json : this.blobs.load(String(row.user_id), ref)
  }
  /** Of messages that are about to be handed out, those that are refused for their signature. */
  async unproven(user: string, rows: readonly Row[]): Promise<ReadonlyMap<string, TroupeError>> {
    return this.signed ? this.signed.check(user, rows, (row) => this.#jsonOf(row)) : new Map()
  }
  /** A message left the mailbox: whoever waits for room looks again. */
  freed({ user, mailbox, bytes }: Pick<Place, 'user' | 'mailbox' | 'bytes'>): void {
    this.room.ring(user, mailbox)
    this.onFreed(user, mailbox, bytes)
  }
  /** It was committed. */
  sent({ user, id, sender, mailbox, type, priority, trace, scheduled, availableAt }: Outgoing): void {
    if (scheduled) this.onScheduled(user, mailbox, availableAt)
    const place = trace ? { trace: trace.traceId, span: trace.spanId } : {}
    this.emit('message.sent', user, { ...place, id, from: sender, to: mailbox, messageType: type, priority })
  }
  emit(type: EventName, userId: string | undefined, fields: { readonly [field: string]: Json }): void {
    this.#events.emit({ ...fields, type, at: this.clock.now(), ...(userId === undefined ? {} : { userId }) })
  }
}

/** The error of a change that was refused. */
export const refusal = (result: Extract<CommitResult, { ok: false }>) =>
  failure(result.code, { expected: 'a row', found: result.found, ...result.detail })
