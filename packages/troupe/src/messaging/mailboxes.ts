/** The mailboxes of a troupe: hands for agents, the outbox, wake-ups from other processes. */
import type { Clock, Events, Ids, Provenance, Random, TaintLabel } from '../core/index.ts'
import { checkName } from '../core/index.ts'
import type { Access, Incidents } from '../security/index.ts'
import type { Storage } from '../storage/index.ts'
import { type MessagingConfig, messagingSettings } from './config.ts'
import { Dispatch } from './dispatch.ts'
import { liveMailbox } from './live-mailbox.ts'
import { type Action, liveMessages } from './live-messages.ts'
import type { MailboxHands } from './mailbox-hands.ts'
import type { MessageHands } from './message-hands.ts'
import { Outbox } from './outbox.ts'
import { type AnswerStep, Post } from './post.ts'
import { Receiver } from './receiver.ts'
import { Upkeep } from './upkeep.ts'

export interface MailboxesParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly ids: Ids
  readonly random: Random
  readonly events: Events
  readonly incidents: Incidents
  readonly config?: MessagingConfig
  /** The agents subscribed to a topic now; `publish` sends to them. */
  readonly subscribersOf: (user: string, topic: string) => Promise<readonly string[]>
  /** Agents that are at work without a mailbox yet; a broadcast to all reaches them too. */
  readonly presentOf: (user: string) => Promise<readonly string[]>
  /** `Steps.answer`: replies to requests that a step waits for. */
  readonly answerStep: AnswerStep
}

export interface Identity {
  readonly user: string
  readonly agent: string
  readonly access: Access
  readonly provenance?: Provenance
  readonly taint?: readonly TaintLabel[]
}

/** One of a lane's acknowledgements in so many also sweeps its mailbox. */
const sweepEvery = 128

export class Mailboxes {
  readonly post: Post
  readonly dispatch: Dispatch
  readonly receiver: Receiver
  readonly outbox: Outbox
  readonly parts: MailboxesParts
  readonly #upkeep: Upkeep
  readonly #stopHints: () => void
  #looking: Promise<void> | undefined
  #lookAgain = false
  #closed = false

  constructor(parts: MailboxesParts) {
    this.parts = parts
    const { config, ...rest } = parts
    this.post = new Post({ ...rest, settings: messagingSettings(config) })
    this.#upkeep = new Upkeep(this.post)
    this.dispatch = new Dispatch(this.post, this.#upkeep)
    this.receiver = new Receiver(this.post, this.#upkeep)
    this.outbox = new Outbox(this.post, this.dispatch, this.#upkeep)
    this.post.onFreed = (user, mailbox) => this.#freed(user, mailbox)
    this.#stopHints = parts.storage.onHint((hint) => {
      if (!('work' in hint) || this.#closed) return
      if (hint.work === 'outbox') void this.outbox.pump()
      if (hint.work === 'mailboxes') this.#look()
    })
  }

  hands(identity: Identity): { readonly messages: MessageHands; readonly mailbox: MailboxHands } {
    const { user, agent, provenance = { agent }, taint = [] } = identity
    checkName('agent', agent)
    const messages = liveMessages({
      post: this.post,
      dispatch: this.dispatch,
      sender: { user, agent, provenance, taint },
      authorize: (action) => this.authorize(identity, action),
      subscribersOf: this.parts.subscribersOf,
      everyone: (of) => this.everyone(of),
    })
    return { messages, mailbox: liveMailbox(this.post, this.receiver, this.#upkeep, user, agent) }
  }

  /** @throws AccessDeniedError, after recording the incident */
  authorize({ user, agent, access }: Pick<Identity, 'user' | 'agent' | 'access'>, action: Action): void {
    try {
      access.require(agent, action)
    } catch (error) {
      this.parts.incidents.refused(user, agent, action, error)
      throw error
    }
  }

  /** Agents of the user that have a mailbox or are present. */
  async everyone(user: string): Promise<readonly string[]> {
    const names = new Set(await this.parts.presentOf(user))
    for (let after = ''; ; ) {
      const rows = await this.post.read(user, this.post.look.mailboxes(user, after, 1_000))
      for (const row of rows) names.add(String(row.mailbox))
      const last = rows.at(-1)
      if (rows.length < 1_000 || !last) return [...names]
      after = String(last.mailbox)
    }
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
    for (const bells of [this.post.arrivals, this.post.room, this.post.answers]) bells.close()
    await this.outbox.close()
    await this.#looking
  }

  #freed(user: string, mailbox: string): void {
    if (this.#closed) return
    if (this.outbox.holding) void this.outbox.pump()
    if (this.post.random.next() * sweepEvery < 1)
      // Nobody waits for it, and what it leaves the next one takes.
      void this.post.commit(user, this.post.sweep.mailbox(user, mailbox), null, []).catch(() => {})
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

/** @example const mailboxes = createMailboxes({ storage, clock, ids, random, events, incidents, subscribersOf, presentOf, answerStep }) */
export const createMailboxes = (parts: MailboxesParts): Mailboxes => new Mailboxes(parts)
