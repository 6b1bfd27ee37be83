/** The services that the parts of messaging share: storage, clock, statements, notifiers. One per troupe. */
import {
  type Clock,
  type EventContent,
  type EventContext,
  type EventPayloads,
  type Events,
  eventContextBelow,
  failure,
  type Ids,
  type Json,
  type MatchedName,
  type Platform,
  type Random,
  type StoredError,
  type TaintLabel,
  TimeSlice,
  type TroupeError,
  type TroupeEvent,
} from '../core/index.ts'
import type { AuditTrail, Callers, Incidents, Signatures } from '../security/index.ts'
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
import { decodePart } from './message-type.ts'
import type { MessagingSettings } from './messaging-config.ts'
import { Notifier } from './notifier.ts'
import type { BatchMembership } from './receiving/batch-membership.ts'
import { type DeliveryAttempt, failedRetentionMs, handledStep } from './receiving/handled-step.ts'
import { bytesAtOf, payloadRef } from './receiving/message-row.ts'
import {
  type Composing,
  checkBytes,
  composeMessage,
  composeSystemMessage,
  type Encoded,
  type MessageDraft,
  type Sender,
  type SystemMessage,
} from './sending/compose-message.ts'
import { SignedMessages } from './sending/signed-messages.ts'
import { claimStatements } from './statements/claim-statements.ts'
import { cleanupStatements } from './statements/cleanup-statements.ts'
import { compilerOf } from './statements/compile.ts'
import { deliveryStatements, type MessageLocation } from './statements/delivery-statements.ts'
import { mailboxReadStatements } from './statements/mailbox-read-statements.ts'
import { maintenanceStatements } from './statements/maintenance-statements.ts'
import { moveStatements } from './statements/move-statements.ts'
import { requestStatements } from './statements/request-statements.ts'
import { seenStatements } from './statements/seen-statements.ts'
import { type OutgoingMessage, sendStatements } from './statements/send-statements.ts'
import { enqueueSetStatements } from './statements/sets/enqueue-set.ts'

/** Delivers an answer to the waiting call of a step, as `Steps.answer`. */
export type AnswerStep = (
  user: string,
  step: string,
  wait: string,
  answer: { readonly value: Json } | { readonly error: StoredError },
) => Fragment

/** Ends what handlers recorded of messages; `Steps.abandon` of `durable`. */
export type AbandonSteps = (user: string, steps: readonly string[], retentionMs: number) => Fragment

/** What protects and records messages. */
interface MessageSecurity {
  readonly incidents: Incidents
  readonly audit?: AuditTrail
  /** The taint labels of what the current caller sends. */
  readonly callers?: Pick<Callers, 'taint'>
  /** The taint labels of messages that name none; none by default. */
  readonly privateLabels?: readonly TaintLabel[]
}

/** The steps that wait for messages or handle them. */
interface MessageSteps {
  /** `Steps.answer`: replies to requests that a step waits for. */
  readonly answer: AnswerStep
  /** `Steps.abandon`: what handlers recorded of messages that go to the dead letters. */
  readonly abandon: AbandonSteps
}

export interface MessagingPorts {
  readonly storage: Storage
  /** The store of payloads over 256 KB. */
  readonly blobs: Blobs
  readonly platform: Platform
  readonly security: MessageSecurity
  readonly steps: MessageSteps
}

/** Statements that hold the bounds of mailboxes. */
type Bounded = ReturnType<typeof bounded>
function bounded(dialect: Dialect, settings: MessagingSettings) {
  const compile = compilerOf(dialect)
  const send = sendStatements(compile, settings)
  return {
    settings,
    send,
    sets: enqueueSetStatements(dialect, settings, send),
    claim: claimStatements(dialect, settings),
    move: moveStatements(compile, settings, send),
    maintenance: maintenanceStatements(compile, settings),
  }
}

export class MessagingContext {
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
  readonly deliveries: ReturnType<typeof deliveryStatements>
  readonly mailboxReads: ReturnType<typeof mailboxReadStatements>
  readonly requests: ReturnType<typeof requestStatements>
  readonly cleanup: ReturnType<typeof cleanupStatements>
  /** The taint labels of messages that have none. */
  readonly privateLabels: readonly TaintLabel[]
  /** Signs messages; undefined if messages are not signed. */
  readonly signed: SignedMessages | undefined
  /** Notifies of messages that may be delivered. */
  readonly arrivals: Notifier
  /** Notifies of freed capacity. */
  readonly capacity: Notifier
  /** Notifies of answers to requests. */
  readonly answers: Notifier
  onCapacityFreed: () => void = () => {}
  onEnded: (message: MessageLocation) => void = () => {}
  onScheduled: (user: string, mailbox: string, availableAt: Bind) => void = () => {}

  constructor(
    { storage, blobs, platform, security, steps }: MessagingPorts,
    settings: MessagingSettings,
    signatures: Signatures | undefined,
  ) {
    const { clock, ids, random, events } = platform
    const { incidents, audit, privateLabels = [] } = security
    this.storage = storage
    this.blobs = blobs
    this.clock = clock
    this.ids = ids
    this.random = random
    this.answerStep = steps.answer
    this.#abandonSteps = steps.abandon
    this.#events = events
    this.#audit = audit
    this.privateLabels = privateLabels
    const { dialect } = storage
    this.#bounded = bounded(dialect, settings)
    this.deliveries = deliveryStatements(compilerOf(dialect))
    this.mailboxReads = mailboxReadStatements(dialect)
    this.requests = requestStatements(compilerOf(dialect))
    const seen = seenStatements(dialect)
    this.cleanup = cleanupStatements(dialect, seen)
    this.signed = signatures && new SignedMessages({ signatures, storage, incidents, seen })
    this.arrivals = new Notifier(clock, 'Waiting for messages')
    this.capacity = new Notifier(clock, 'Sending')
    this.answers = new Notifier(clock, 'Waiting for the reply')
  }

  /** Ends the steps that may have begun to handle a message, in the change that makes it a dead letter. */
  handlingEnded(user: string, message: DeliveryAttempt, batch: BatchMembership | undefined): readonly Statement[] {
    const retentionMs = failedRetentionMs(this.settings.retentionMs)
    const steps = [handledStep([message]), ...(batch ? [batch.step] : [])]
    return this.#abandonSteps(user, steps, retentionMs).statements
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
  get maintenance(): Bounded['maintenance'] {
    return this.#bounded.maintenance
  }
  /** Changes the settings; work in progress ends with the old ones. */
  configure(settings: MessagingSettings): void {
    this.#bounded = bounded(this.storage.dialect, settings)
  }

  /**
   * Commits a change of messaging. One process owns a SQLite file and notifies itself, so only PostgreSQL needs the hint.
   * @param id identifies the change for PostgreSQL, if its outcome may be unknown and no statement proves it
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
   * @param nowMs the recorded time of a step; by default the present time
   * @throws ValidationError
   */
  compose(sender: Sender, draft: MessageDraft, payload: Encoded, nowMs?: number): OutgoingMessage {
    const outgoing = composeMessage(this.#composing(nowMs), this.#traced(sender), draft, payload)
    checkBytes(outgoing.type, outgoing.bytes, this.settings.maxBytes)
    return outgoing
  }
  /** Adds the trace of an application that sends within its own span. */
  #traced(sender: Sender): Sender {
    const trace = sender.provenance.trace ? undefined : this.#events.surroundingSpan(sender.user)
    return trace ? { ...sender, provenance: { ...sender.provenance, trace } } : sender
  }
  systemMessage(id: string, systemMessage: SystemMessage): OutgoingMessage {
    return composeSystemMessage(this.#composing(), id, systemMessage)
  }
  #composing(nowMs = this.clock.now()): Composing {
    const { dedupeMs } = this.settings
    const { largePayload } = this.cleanup
    const { privateLabels } = this
    return { blobs: this.blobs, largePayload, signed: this.signed !== undefined, dedupeMs, nowMs, privateLabels }
  }
  /**
   * Adds a message to its mailbox; if it is full, the change fails.
   * @param before the number of earlier statements in the change
   */
  enqueue(message: OutgoingMessage, before: number): readonly Statement[] {
    return this.send.send(this.signed ? this.signed.sign(message) : message, before)
  }
  /** Adds a message to its mailbox, or to the outbox if the mailbox is full. */
  enqueueOrDefer(message: OutgoingMessage): readonly Statement[] {
    return [...this.send.sendOrHold(this.signed ? this.signed.sign(message) : message), ...this.audited(message)]
  }
  /** As `enqueueOrDefer`, for several messages of one user; the order within a mailbox is preserved. */
  async enqueueAllOrDefer(messages: readonly OutgoingMessage[]): Promise<readonly Statement[]> {
    const slice = new TimeSlice(this.clock)
    const statements: Statement[] = []
    const byMailbox = new Map<string, OutgoingMessage[]>()
    for (const message of messages) {
      if (slice.isOver) await slice.renew()
      const signed = this.signed ? this.signed.sign(message) : message
      const group = byMailbox.get(message.mailbox)
      if (group) group.push(signed)
      else byMailbox.set(message.mailbox, [signed])
    }
    for (const group of byMailbox.values())
      for (const made of this.#bounded.sets.sendOrHold(group)) {
        statements.push(...made)
        if (slice.isOver) await slice.renew()
      }
    for (const message of messages) {
      statements.push(...this.audited(message))
      if (slice.isOver) await slice.renew()
    }
    return statements
  }
  /** Records a read of a mailbox in the audit log. */
  auditRead(user: string, mailbox: string): void {
    this.#audit?.read(user, { actor: mailbox, operation: 'get_messages_from_agents', resource: mailbox })
  }
  /** Returns the audit record of a send, which is the last statement of its change. */
  audited({ user, sender, mailbox }: OutgoingMessage): readonly Statement[] {
    return this.#audit?.written(user, { actor: sender, operation: 'send_message_to_agent', resource: mailbox }) ?? []
  }
  /** Returns the payload as it was sent, before the schema and the upcasts of its type. */
  async payloadOf(row: Row): Promise<Json> {
    return decodePart({ json: await this.#jsonOf(row), bytesAt: bytesAtOf(row) }, this.clock)
  }
  async #jsonOf(row: Row): Promise<string> {
    const ref = payloadRef(row)
    return 'json' in ref ? ref.json : this.blobs.load(String(row.user_id), ref)
  }
  /** Returns the errors of messages that are rejected for their signatures, by id. */
  async unproven(user: string, rows: readonly Row[]): Promise<ReadonlyMap<string, TroupeError>> {
    return this.signed ? this.signed.check(user, rows, (row) => this.#jsonOf(row)) : new Map()
  }
  /** Notifies senders that wait for capacity, after a message has left the mailbox. */
  notifyCapacityFreed({ user, mailbox }: Pick<MessageLocation, 'user' | 'mailbox'>): void {
    this.capacity.notify(user, mailbox)
    this.onCapacityFreed()
  }
  /** Reports a committed message. */
  sent({ user, id, sender, mailbox, type, priority, trace, scheduled, availableAt }: OutgoingMessage): void {
    if (scheduled) this.onScheduled(user, mailbox, availableAt)
    const traceFields = eventContextBelow(trace)
    this.emit('message.sent', user, { ...traceFields, id, from: sender, to: mailbox, messageType: type, priority })
  }
  emit<Name extends MatchedName<'approval.closed' | 'message.*' | 'outbox.*' | 'worker.*'>>(
    type: Name,
    userId: string | undefined,
    fields: EventPayloads[Name] & Pick<EventContext, 'trace' | 'span'>,
    content?: () => EventContent,
  ): void {
    const event = { ...fields, type, at: this.clock.now(), ...(userId === undefined ? {} : { userId }) }
    this.#events.emit(event as TroupeEvent<Name>, content)
  }
}

/** The error of a change that was refused. */
export const commitRejection = (result: Extract<CommitResult, { ok: false }>) =>
  failure(result.code, { expected: 'a row', found: result.found, ...result.detail })
