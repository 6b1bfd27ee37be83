/** The mailboxes of a troupe: hands for agents, the outbox, wake-ups from other processes. */
import type { Clock, Events, Ids, Provenance, Random, TaintLabel } from '../core/index.ts'
import { checkName } from '../core/index.ts'
import { type Access, type AuditTrail, createSignatures, type Incidents, type Signatures } from '../security/index.ts'
import type { Blobs, Storage } from '../storage/index.ts'
import type { Batch } from './batched-messages.ts'
import { ownerOf } from './compose.ts'
import { type MessagingConfig, messagingSettings } from './config.ts'
import { Dispatch } from './dispatch.ts'
import { DueAlarms } from './due-alarms.ts'
import { liveMailbox } from './live-mailbox.ts'
import { type Action, liveMessages } from './live-messages.ts'
import type { MailboxHands } from './mailbox-hands.ts'
import type { LiveMessageHands } from './message-hands.ts'
import { Outbox } from './outbox.ts'
import { type AbandonSteps, type AnswerStep, Post } from './post.ts'
import { Receiver } from './receiver.ts'
import { largeBytes } from './statements/sweep-statements.ts'
import { Upkeep } from './upkeep.ts'

export interface MailboxesParts {
  readonly storage: Storage
  /** Payloads over 256 KB. */
  readonly blobs: Blobs
  readonly clock: Clock
  readonly ids: Ids
  readonly random: Random
  readonly events: Events
  readonly incidents: Incidents
  readonly audit?: AuditTrail
  readonly config?: MessagingConfig
  /** The agents subscribed to a topic now: `publish` sends to them, if the agent may post to it. */
  readonly subscribersOf: (user: string, topic: string, agent: string) => Promise<readonly string[]>
  /** Agents that are at work without a mailbox yet; a broadcast to all reaches them too. */
  readonly presentOf: (user: string, role?: string) => Promise<readonly string[]>
  /** `Steps.answer`: replies to requests that a step waits for. */
  readonly answerStep: AnswerStep
  /** `Steps.abandon`: what handlers recorded of messages that go to the dead letters. */
  readonly abandonSteps: AbandonSteps
}

export interface Identity {
  readonly user: string
  readonly agent: string
  readonly access: Access
  readonly provenance?: Provenance
  readonly taint?: readonly TaintLabel[]
}

/** One message in 2^7 that leaves a mailbox also sweeps it. */
const sweepBits = 7

export class Mailboxes {
  readonly post: Post
  readonly dispatch: Dispatch
  readonly receiver: Receiver
  readonly outbox: Outbox
  readonly parts: MailboxesParts
  /** Where messages are signed. */
  readonly signatures: Signatures | undefined
  readonly #upkeep: Upkeep
  readonly #alarms: DueAlarms
  readonly #batches = new Set<Batch>()
  readonly #sweeps = new Set<Promise<void>>()
  readonly #stopHints: () => void
  #looking: Promise<void> | undefined
  #lookAgain = false
  #closed = false
  #freedCount = 0

  constructor(parts: MailboxesParts) {
    this.parts = parts
    const { config, ...rest } = parts
    this.signatures = config?.signatures && createSignatures(config.signatures, parts)
    this.post = new Post({ ...rest, settings: messagingSettings(config), signatures: this.signatures })
    this.#upkeep = new Upkeep(this.post)
    this.dispatch = new Dispatch(this.post, this.#upkeep)
    this.receiver = new Receiver(this.post, this.#upkeep)
    this.outbox = new Outbox(this.post, this.dispatch, this.#upkeep)
    this.#alarms = new DueAlarms({ clock: parts.clock, upkeep: this.#upkeep })
    this.post.onScheduled = (user, mailbox, at) => this.#alarms.expect(user, mailbox, at)
    this.post.onFreed = (user, mailbox, bytes) => this.#freed(user, mailbox, bytes)
    this.#stopHints = parts.storage.onHint((hint) => {
      if (!('work' in hint) || this.#closed) return
      if (hint.work === 'outbox') void this.outbox.pump()
      if (hint.work === 'mailboxes') this.#look()
    })
  }

  hands(identity: Identity): { readonly messages: LiveMessageHands; readonly mailbox: MailboxHands } {
    const { user, agent, provenance = { agent }, taint = [] } = identity
    checkName('agent', agent)
    const messages = liveMessages({
      post: this.post,
      dispatch: this.dispatch,
      batches: this.#batches,
      sender: { user, agent, provenance, taint },
      authorize: (action) => this.authorize(identity, action),
      subscribersOf: this.parts.subscribersOf,
      everyone: (of, role) => this.everyone(of, role),
    })
    return { messages, mailbox: liveMailbox(this.post, this.receiver, this.#upkeep, user, agent) }
  }

  /** @throws AccessDeniedError, after recording the incident */
  authorize({ user, agent, access }: Pick<Identity, 'user' | 'agent' | 'access'>, action: Action): void {
    try {
      access.require(agent, action)
      this.signatures?.requireKey(user, agent)
    } catch (error) {
      this.parts.incidents.refused(user, agent, action, error)
      throw error
    }
  }

  /** A page of the mailboxes of a user, by name. */
  async names(user: string, after: string, limit: number): Promise<readonly string[]> {
    const rows = await this.post.read(user, this.post.look.mailboxes(user, after, limit))
    return rows.map((row) => String(row.mailbox))
  }

  /** Agents of the user that have a mailbox or are present; with a role, those present with it. */
  async everyone(user: string, role?: string): Promise<readonly string[]> {
    if (role !== undefined) return this.parts.presentOf(user, role)
    const names = new Set(await this.parts.presentOf(user))
    for (let after = ''; ; ) {
      const rows = await this.post.read(user, this.post.look.mailboxes(user, after, 1_000))
      for (const row of rows) names.add(String(row.mailbox))
      const last = rows.at(-1)
      if (rows.length < 1_000 || !last) return [...names]
      after = String(last.mailbox)
    }
  }

  /** Other bounds, from the next call on; what a larger mailbox has room for is let out. */
  configure(config: MessagingConfig | undefined): void {
    this.post.configure(messagingSettings(config))
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
    for (const bells of [this.post.arrivals, this.post.room, this.post.answers]) bells.close()
    await Promise.all([...flushed, ...this.#sweeps])
    await this.#alarms.close()
    await this.outbox.close()
    await this.#looking
    await this.signatures?.stop()
  }

  #freed(user: string, mailbox: string, bytes: number): void {
    if (this.#closed) return
    if (this.outbox.holding) void this.outbox.pump()
    // Fibonacci hashing: spread evenly over whatever order mailboxes come in, and cheaper than chance.
    const chosen = Math.imul(++this.#freedCount, 0x9e3779b1) >>> (32 - sweepBits) === 0
    if (!chosen && bytes <= largeBytes) return
    // Nobody waits for it, and what it leaves the next one takes; only the end of the troupe does.
    const sweep = this.#sweep(user, mailbox).catch(() => {})
    this.#sweeps.add(sweep)
    void sweep.then(() => this.#sweeps.delete(sweep))
  }
  async #sweep(user: string, mailbox: string): Promise<void> {
    const { post } = this
    await post.commit(user, post.sweep.mailbox(user, mailbox), null, [])
    for (const { id } of await post.read(user, post.sweep.left(user, mailbox))) {
      const released = post.blobs.release(user, ownerOf(String(id)))
      await post.commit(user, [post.sweep.forget(user, String(id)), ...released], null, [])
    }
  }

  /** Somebody, maybe in another process, changed mailboxes: rings where something can be taken. One look at a time. */
  #look(): void {
    this.#lookAgain = this.#looking !== undefined
    this.#looking ??= this.#lookOnce()
      .catch(() => this.post.arrivals.ringAll())
      .finally(() => {
        this.#looking = undefined
        if (this.#lookAgain && !this.#closed) this.#look()
      })
  }
  async #lookOnce(): Promise<void> {
    this.post.room.ringAll()
    this.post.answers.ringAll()
    if (this.outbox.holding) void this.outbox.pump()
    const waiting = Map.groupBy(this.post.arrivals.list(), ({ user }) => user)
    for (const [user, bells] of waiting) {
      const probes = bells.map(({ name }) => this.post.claim.anyReady(user, name))
      const found = await this.post.storage.read({ user }, probes)
      for (const [i, { name }] of bells.entries())
        if (Number(found[i]?.[0]?.ready) === 1) this.post.arrivals.ring(user, name)
    }
  }
}

/** @example const mailboxes = createMailboxes({ storage, clock, ids, random, events, incidents, subscribersOf, presentOf, answerStep, abandonSteps }) */
export const createMailboxes = (parts: MailboxesParts): Mailboxes => new Mailboxes(parts)
