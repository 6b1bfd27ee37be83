/** The mailboxes of a troupe: the clients of agents, the outbox, and notifications of other processes. */
import { checkName } from '../core/index.ts'
import { type JournalId, type Recorder, type Resolution, StageInTurn } from '../journal/index.ts'
import { type Access, createSignatures, type Signatures } from '../security/index.ts'
import type { Row } from '../storage/index.ts'
import type { Mailbox } from './mailbox.ts'
import type { CommittedMessages, MessageClient } from './message-client.ts'
import { type MessagingConfig, messagingSettings } from './messaging-config.ts'
import { MessagingContext, type MessagingPorts } from './messaging-context.ts'
import { DueAlarms } from './receiving/due-alarms.ts'
import { liveMailbox } from './receiving/live-mailbox.ts'
import { Maintenance } from './receiving/maintenance.ts'
import { Receiver } from './receiving/receiver.ts'
import {
  type HandledEffectParts,
  type HandledMessage,
  handledMessages,
  resolveHandledEffect,
} from './receiving/resolve-handled-effect.ts'
import type { BatchedMessages } from './sending/batched-messages.ts'
import { committedMessages } from './sending/committed-messages.ts'
import { payloadOwnerOf } from './sending/compose-message.ts'
import { type Action, MailboxMessageClient, type SenderPorts } from './sending/mailbox-message-client.ts'
import { MessageStage } from './sending/message-stage.ts'
import { OutboundQueue } from './sending/outbound-queue.ts'
import { Outbox } from './sending/outbox.ts'
import { stepRequests } from './sending/step-requests.ts'
import { largeMessageBytes } from './statements/cleanup-statements.ts'
import type { MessageLocation } from './statements/delivery-statements.ts'
import { maxEnds } from './statements/mailbox-read-statements.ts'

/** Finds the recipients of messages that name none. */
interface Recipients {
  /** Returns the agents that are subscribed to a topic, for `publish`. @throws AccessDeniedError if the agent may not post to it */
  readonly subscribersOf: (user: string, topic: string, agent: string) => Promise<readonly string[]>
  /** Returns the running agents, with or without a mailbox, for a broadcast to all. */
  readonly presentOf: (user: string, role?: string) => Promise<readonly string[]>
}

export interface MailboxesParts extends MessagingPorts {
  readonly recipients: Recipients
}

export interface Identity {
  readonly user: string
  readonly agent: string
  readonly access: Access
}

/** The end of a message in its mailbox. */
export interface MessageEnd {
  /** `discarded`: it expired, or a full mailbox rejected it. */
  readonly state: 'handled' | 'dead-lettered' | 'discarded'
  /** In ms since 1970, by the clock of the storage. */
  readonly at: number
}

function endOf({ state, reason, ended_at }: Row): MessageEnd | undefined {
  if (state !== 'done' && state !== 'dead') return undefined
  const ended = state === 'dead' ? 'dead-lettered' : reason === null ? 'handled' : 'discarded'
  return { state: ended, at: Number(ended_at) }
}

/** The end of one message in 2^7 also deletes rows of its mailbox that are no longer needed. */
const cleanupBits = 7

/**
 * Returns whether the end of the message cleans up its mailbox. The number of the message is stored, so mailboxes are
 * cleaned up although each process handles few messages; and so are many mailboxes with few messages each.
 */
function isChosen({ user, mailbox, seq }: MessageLocation): boolean {
  let hash = 0
  for (const letter of user + mailbox) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0
  // Fibonacci hashing spreads the chosen numbers of a mailbox evenly.
  return Math.imul(hash + seq, 0x9e3779b1) >>> (32 - cleanupBits) === 0
}

/** @example const mailboxes = new Mailboxes({ storage, blobs, platform, security: { incidents }, recipients, steps }) */
export class Mailboxes {
  readonly messaging: MessagingContext
  readonly outboundQueue: OutboundQueue
  readonly receiver: Receiver
  readonly outbox: Outbox
  readonly parts: MailboxesParts
  /** The signatures; undefined if messages are not signed. */
  readonly signatures: Signatures | undefined
  readonly #maintenance: Maintenance
  readonly #alarms: DueAlarms
  readonly #batches = new Set<BatchedMessages>()
  readonly #cleanups = new Set<Promise<void>>()
  readonly #stopHints: () => void
  #polling: Promise<void> | undefined
  #pollPending = false
  #closed = false

  constructor(parts: MailboxesParts, config?: MessagingConfig) {
    this.parts = parts
    const { storage, security } = parts
    const { clock } = parts.platform
    this.signatures =
      config?.signatures && createSignatures(config.signatures, { storage, clock, audit: security.audit })
    this.messaging = new MessagingContext(parts, messagingSettings(config), this.signatures)
    this.#maintenance = new Maintenance(this.messaging)
    this.outboundQueue = new OutboundQueue(this.messaging, this.#maintenance)
    this.receiver = new Receiver(this.messaging, this.#maintenance)
    this.outbox = new Outbox(this.messaging, this.outboundQueue, this.#maintenance)
    this.#alarms = new DueAlarms({ clock, maintenance: this.#maintenance })
    this.messaging.onScheduled = (user, mailbox, at) => this.#alarms.expect(user, mailbox, at)
    this.messaging.onCapacityFreed = () => {
      if (!this.#closed && this.outbox.holding) void this.outbox.pump()
    }
    this.messaging.onEnded = (message) => this.#onEnded(message)
    this.#stopHints = storage.onHint((hint) => {
      if (this.#closed) return
      const work = 'work' in hint ? hint.work : undefined
      if ('missed' in hint) this.messaging.arrivals.notifyAll()
      if (work === 'outbox' || 'missed' in hint) void this.outbox.pump()
      if (work === 'mailboxes' || 'missed' in hint) this.#poll()
    })
  }

  /** Returns the message client of an agent outside steps: each message commits when it is sent. */
  messages(identity: Identity): CommittedMessages {
    const { user, agent } = identity
    checkName('agent', agent)
    return committedMessages({
      ports: this.#portsOf(identity),
      outboundQueue: this.outboundQueue,
      batches: this.#batches,
      sender: () => ({ user, agent, provenance: { agent }, taint: this.parts.security.callers?.taint ?? [] }),
    })
  }

  mailbox(user: string, agent: string): Mailbox {
    checkName('agent', agent)
    return liveMailbox(this.messaging, this.receiver, this.#maintenance, user, agent)
  }

  /** Returns the message client of a step, whose messages are staged and commit with the turn. */
  staged(recorder: Recorder, access: Access): MessageClient {
    const { userId: user, name: agent } = recorder.principal
    const target = new StageInTurn(recorder)
    const stage = new MessageStage(this.messaging, recorder)
    const sender = () => ({ user, agent, ...target.origin() })
    const requests = stepRequests(this.messaging, recorder, stage, sender)
    return new MailboxMessageClient(this.#portsOf({ user, agent, access }), target, stage.send, requests)
  }

  #portsOf(identity: Identity): SenderPorts {
    const { user, agent } = identity
    return {
      messaging: this.messaging,
      identity,
      authorize: (action) => this.authorize(identity, action),
      subscribersOf: (topic) => this.parts.recipients.subscribersOf(user, topic, agent),
      everyone: (role) => this.everyone(user, role),
    }
  }

  /** @throws AccessDeniedError, after recording the incident */
  authorize({ user, agent, access }: Identity, action: Action): void {
    try {
      access.require(agent, action)
      this.signatures?.requireKey(user, agent)
    } catch (error) {
      this.parts.security.incidents.rejected(user, agent, action, error)
      throw error
    }
  }

  /** A page of the mailboxes of a user, by name. */
  async names(user: string, after: string, limit: number): Promise<readonly string[]> {
    const rows = await this.messaging.read(user, this.messaging.mailboxReads.mailboxes({ user, after, limit }))
    return rows.map((row) => String(row.mailbox))
  }

  /** Returns the number of dead letters in all mailboxes of a user. */
  async deadLetters(user: string): Promise<number> {
    const [row] = await this.messaging.read(user, this.messaging.mailboxReads.allDead({ user }))
    return Number(row?.dead ?? 0)
  }

  /** Returns how messages ended, by their ids, without those that are not stored any more. */
  async endsOf(user: string, ids: readonly string[]): Promise<ReadonlyMap<string, MessageEnd | undefined>> {
    const found = new Map<string, MessageEnd | undefined>()
    for (let at = 0; at < ids.length; at += maxEnds) {
      const statement = this.messaging.mailboxReads.ends(user, ids.slice(at, at + maxEnds))
      for (const row of await this.messaging.read(user, statement)) found.set(String(row.id), endOf(row))
    }
    return found
  }

  /** Returns the messages that were handled in a step of a handler and are still stored. */
  async handledIn(user: string, step: JournalId): Promise<readonly HandledMessage[]> {
    return handledMessages(this.messaging, user, step)
  }

  /** Resolves an uncertain effect of a handler, as `resolveHandledEffect` describes. */
  async resolve(
    steps: HandledEffectParts['steps'],
    user: string,
    effect: { readonly step: JournalId; readonly call: string },
    resolution: Resolution,
  ): Promise<void> {
    const { audit } = this.parts.security
    const parts = { messaging: this.messaging, maintenance: this.#maintenance, steps, ...(audit ? { audit } : {}) }
    await resolveHandledEffect(parts, user, effect, resolution)
  }

  /** Agents of the user that have a mailbox or are present; with a role, those present with it. */
  async everyone(user: string, role?: string): Promise<readonly string[]> {
    if (role !== undefined) return this.parts.recipients.presentOf(user, role)
    const names = new Set(await this.parts.recipients.presentOf(user))
    for (let after = ''; ; ) {
      const rows = await this.messaging.read(user, this.messaging.mailboxReads.mailboxes({ user, after, limit: 1_000 }))
      for (const row of rows) names.add(String(row.mailbox))
      const last = rows.at(-1)
      if (rows.length < 1_000 || !last) return [...names]
      after = String(last.mailbox)
    }
  }

  /** Changes the limits from the next call on. Held messages and waiting sends that a larger capacity allows are sent. */
  configure(config: MessagingConfig | undefined): void {
    this.messaging.configure(messagingSettings(config))
    this.messaging.capacity.notifyAll()
    if (!this.#closed) void this.outbox.pump()
  }

  /** Begins to let out what earlier processes held back. */
  start(): void {
    void this.outbox.pump()
  }

  /** Ends every wait; changes under way are finished. Workers are stopped before. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopHints()
    const flushed = [...this.#batches].map((batch) => batch.close())
    for (const notifier of [this.messaging.arrivals, this.messaging.capacity, this.messaging.answers]) notifier.close()
    await Promise.all([...flushed, ...this.#cleanups])
    await this.#alarms.close()
    await this.outbox.close()
    await this.#polling
    await this.signatures?.stop()
  }

  #onEnded(message: MessageLocation): void {
    if (this.#closed || !(isChosen(message) || message.bytes > largeMessageBytes)) return
    const { user, mailbox } = message
    // Only the close of the troupe waits for a cleanup; the next one continues it.
    const cleanup = this.#cleanup(user, mailbox).catch(() => {})
    this.#cleanups.add(cleanup)
    void cleanup.then(() => this.#cleanups.delete(cleanup))
  }
  async #cleanup(user: string, mailbox: string): Promise<void> {
    const { messaging } = this
    await messaging.commit(user, messaging.cleanup.mailbox({ user, mailbox }), null, [])
    for (const { id } of await messaging.read(user, messaging.cleanup.orphaned({ user, mailbox }))) {
      const released = messaging.blobs.release(user, payloadOwnerOf(String(id)))
      await messaging.commit(user, [messaging.cleanup.forget({ user, id: String(id) }), ...released], null, [])
    }
  }

  /**
   * Checks mailboxes after a change in any process, and notifies receivers that can claim a message. One check at a
   * time.
   */
  #poll(): void {
    this.#pollPending = this.#polling !== undefined
    this.#polling ??= this.#pollOnce()
      .catch(() => this.messaging.arrivals.notifyAll())
      .finally(() => {
        this.#polling = undefined
        if (this.#pollPending && !this.#closed) this.#poll()
      })
  }
  async #pollOnce(): Promise<void> {
    this.messaging.capacity.notifyAll()
    this.messaging.answers.notifyAll()
    if (this.outbox.holding) void this.outbox.pump()
    const waiting = Map.groupBy(this.messaging.arrivals.list(), ({ user }) => user)
    for (const [user, channels] of waiting) {
      const probes = channels.map(({ name }) => this.messaging.claim.anyReady({ user, mailbox: name }))
      const found = await this.messaging.storage.read({ user }, probes)
      for (const [i, { name }] of channels.entries())
        if (Number(found[i]?.[0]?.ready) === 1) this.messaging.arrivals.notify(user, name)
    }
  }
}
