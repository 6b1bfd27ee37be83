/**
 * Hints between processes. What this one commits is told to the others by NOTIFY, gathered for a few milliseconds, after
 * the commit and never in it. What they tell comes on a connection of its own; where that was lost, or somebody died
 * between commit and telling, a cheap read each second finds it. Notes travel the same way, and nothing finds those again.
 */
import type { Client } from 'pg'
import { type Clock, hashText, PeriodicTask, type Random } from '../../../core/index.ts'
import { Listeners } from '../../notifications/listeners.ts'
import {
  type Broadcast,
  type BroadcastConnection,
  type Hint,
  type InboxArrival,
  maxBroadcastBytes,
  type StorageState,
  type WorkQueue,
} from '../../storage-port.ts'
import { messageOf } from '../error-class.ts'
import { connect } from './connect.ts'
import type { ConnectionTarget } from './connection-target.ts'
import { backoffMs, pause } from './deadline.ts'
import { answerWithin, disconnect } from './keepalive.ts'

export interface ListenConnectionOptions {
  /** Where to listen. Undefined behind a pooler, which keeps no connection for that: then only what is read tells. */
  readonly location: ConnectionTarget | undefined
  readonly schema: string
  /** A connection that does not answer for so long is lost. */
  readonly answerMs: number
  readonly clock: Clock
  readonly random: Random
  /** Of this process: what comes back from it is known already. */
  readonly node: string
  readonly announce: (hints: readonly Hint[]) => void
  readonly notify: (channel: string, payload: string) => Promise<void>
  /** Wakes of all processes so far, and users whose revision rose since then, ms since 1970 by the database. */
  readonly poll: (
    since: number,
  ) => Promise<{ readonly wakes: number; readonly at: number; readonly users: readonly Hint[] }>
  readonly state: (state: StorageState) => void
}

const queues: readonly WorkQueue[] = ['timers', 'outbox', 'mailboxes', 'cleanup', 'schedules']
const gatherMs = 3
const pollMs = 1_000
/** A payload of NOTIFY has 8,000 bytes at most. */
const hintsPerPayload = 40
const payloadBytes = 7_500
/** As JSON: of twice `maxBroadcastBytes`, for what is encrypted is longer, and quotes are escaped. */
const maxMessageBytes = 2 * maxBroadcastBytes + 2
/** A commit may be seen so much later than the time it bears. */
const overlapMs = 15_000
/** Of other processes' listeners, which are slower than whoever sends. */
const maxQueuedMessages = 1_000
const backoff = { first: 50, last: 5_000 }

export class ListenConnection implements Broadcast {
  readonly #options: ListenConnectionOptions
  readonly #channel: string
  readonly #mine = new Map<string, Hint>()
  readonly #revisions = new Map<string, number>()
  readonly #stopping = new AbortController()
  readonly #listeners = new Listeners<string>()
  #messages: string[] = []
  #arrivals: InboxArrival[] = []
  /** The process whose arrivals come here, as the rows of work name it. */
  #owner: string | undefined
  #sending: Promise<void> | undefined
  #client: Client | undefined
  /** When the connection came or went, of the monotonic clock. */
  #turned = 0
  readonly #polling: PeriodicTask
  #seen = { wakes: -1, at: 0, repeat: false }

  constructor(options: ListenConnectionOptions) {
    this.#options = options
    this.#channel = `troupe_${options.schema}`
    const { clock, random } = options
    const run = async () => {
      await this.#poll()
      this.#polled({ state: 'open' })
    }
    const failed = (error: unknown) => this.#polled({ state: 'failed', problem: messageOf(error) })
    this.#polling = new PeriodicTask({ name: 'hints', clock, random, intervalMs: pollMs, run, failed })
  }

  /** @throws when it cannot listen at first */
  async start(): Promise<void> {
    const { location } = this.#options
    if (location) await this.#listen(location)
    this.#polling.start()
  }

  /** Tells the other processes, soon. */
  pass(hints: readonly Hint[]): void {
    for (const hint of hints) {
      if (!('arrival' in hint)) this.#mine.set('user' in hint ? `u${hint.user}` : `w${hint.work}`, hint)
      // What is for this process came to it with the commit.
      else if (hint.arrival.owner !== this.#owner) this.#arrivals.push(hint.arrival)
    }
    if (this.#mine.size > 0 || this.#arrivals.length > 0) this.#sending ??= this.#send()
  }

  async listenAs(owner: string): Promise<void> {
    const client = this.#client
    const before = this.#owner
    this.#owner = owner
    if (!client) return
    const { answerMs } = this.#options
    if (before !== undefined) await answerWithin(client, answerMs, client.query(`unlisten ${this.#channelOf(before)}`))
    await answerWithin(client, answerMs, client.query(`listen ${this.#channelOf(owner)}`))
  }

  send(message: string): void {
    const bytes = Buffer.byteLength(JSON.stringify(message))
    if (bytes > maxMessageBytes || this.#stopping.signal.aborted) return
    if (this.#messages.push(message) > maxQueuedMessages) this.#messages.shift()
    this.#sending ??= this.#send()
  }

  on(listener: (message: string) => void): () => void {
    return this.#listeners.on(listener)
  }

  line(): BroadcastConnection | undefined {
    const { location, clock } = this.#options
    return location && { connected: this.#client !== undefined, forMs: clock.monotonic() - this.#turned }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#sending
    await this.#polling.close()
    await this.#hangUp()
  }

  /** Of one process; of all where an arrival has no owner. */
  #channelOf(owner: string): string {
    return owner === '' ? this.#channel : `troupe_${hashText(`${this.#options.schema} ${owner}`).slice(0, 40)}`
  }

  async #hangUp(): Promise<void> {
    this.#client?.removeAllListeners('end')
    if (this.#client) await disconnect(this.#client)
  }

  async #send(): Promise<void> {
    const { node, notify } = this.#options
    await pause(gatherMs)
    const hints = chunksOf([...this.#mine.values()])
    const messages = chunksOf(this.#messages)
    const byOwner = Map.groupBy(this.#arrivals, ({ owner }) => owner)
    this.#mine.clear()
    this.#messages = []
    this.#arrivals = []
    this.#sending = undefined
    const payloads = [
      ...hints.map((chunk) => JSON.stringify([node, chunk])),
      ...messages.map((chunk) => JSON.stringify([node, [], chunk])),
    ]
    // Whoever is not told looks by himself.
    for (const payload of payloads) await notify(this.#channel, payload).catch(() => {})
    for (const [owner, arrivals] of byOwner)
      for (const chunk of chunksOf(arrivals.map((arrival): Hint => ({ arrival }))))
        await notify(this.#channelOf(owner), JSON.stringify([node, chunk])).catch(() => {})
  }

  async #listen(location: ConnectionTarget): Promise<void> {
    const client = await connect(location, 'troupe hints', 10_000)
    client.on('notification', ({ payload }) => this.#receive(payload ?? ''))
    client.on('end', () => void this.#reconnect(location))
    try {
      const channels = [this.#channel, ...(this.#owner === undefined ? [] : [this.#channelOf(this.#owner)])]
      const listen = channels.map((channel) => `listen ${channel}`).join('; ')
      await answerWithin(client, this.#options.answerMs, client.query(listen))
    } catch (error) {
      client.removeAllListeners('end')
      await disconnect(client)
      throw error
    }
    this.#client = client
    this.#turned = this.#options.clock.monotonic()
  }

  #receive(payload: string): void {
    const received = readPayload(payload)
    if (!received) return
    const [node, hints, messages] = received
    if (node === this.#options.node) return
    for (const message of messages) this.#listeners.notify(message)
    for (const hint of hints) if ('user' in hint) this.#recordHint(hint)
    this.#options.announce(hints)
  }

  async #reconnect(location: ConnectionTarget): Promise<void> {
    const { state, random, clock } = this.#options
    this.#client = undefined
    this.#turned = clock.monotonic()
    for (let attempt = 0; !this.#stopping.signal.aborted; attempt++) {
      try {
        await this.#listen(location)
        if (this.#stopping.signal.aborted) return await this.#hangUp()
        state({ state: 'open' })
        this.#seen = { ...this.#seen, repeat: true }
        return
      } catch (error) {
        state({ state: 'failed', problem: messageOf(error) })
        await pause(backoffMs(attempt, backoff, random))
      }
    }
  }

  /** Where nobody listens, it is this that shows whether the server is there. */
  #polled(state: StorageState): void {
    if (!this.#options.location) this.#options.state(state)
  }

  /** Told once more a second later: what was counted may not have been committed yet when it was looked at. */
  async #poll(): Promise<void> {
    // Whether it can be heard there at all: who finds it lost connects again.
    const listening = this.#client
    if (listening) void answerWithin(listening, this.#options.answerMs, listening.query('select 1')).catch(() => {})
    const { wakes, at, users } = await this.#options.poll(this.#seen.at - overlapMs)
    const hasNewWakes = wakes !== this.#seen.wakes
    const first = this.#seen.wakes < 0
    const announce = !first && (hasNewWakes || this.#seen.repeat)
    this.#seen = { wakes, at, repeat: hasNewWakes }
    const risen = users.filter((hint) => 'user' in hint && this.#recordHint(hint))
    if (this.#revisions.size > 50_000) this.#revisions.clear()
    if (!first && risen.length > 0) this.#options.announce(risen)
    if (announce) this.#options.announce(queues.map((work) => ({ work })))
  }

  /** @returns whether it is news */
  #recordHint(hint: Extract<Hint, { user: unknown }>): boolean {
    const known = this.#revisions.get(hint.user) ?? 0
    if (hint.revision > known) this.#revisions.set(hint.user, hint.revision)
    return hint.revision > known
  }
}

/** As many together as one payload carries. */
function chunksOf<T>(all: readonly T[]): readonly (readonly T[])[] {
  const chunks: T[][] = []
  let length = 0
  for (const one of all) {
    const bytes = Buffer.byteLength(JSON.stringify(one)) + 1
    const last = chunks.at(-1)
    length += bytes
    if (last && last.length < hintsPerPayload && length <= payloadBytes) last.push(one)
    else {
      chunks.push([one])
      length = bytes
    }
  }
  return chunks
}

/** Whoever may connect to the database may speak on the channel; what is none of ours is passed by. */
function readPayload(payload: string): [node: string, hints: readonly Hint[], messages: readonly string[]] | undefined {
  try {
    const parsed: unknown = JSON.parse(payload)
    if (!Array.isArray(parsed)) return undefined
    const [node, hints, messages]: unknown[] = parsed
    if (typeof node !== 'string' || !Array.isArray(hints)) return undefined
    return [
      node,
      hints.filter(isHint),
      Array.isArray(messages) ? messages.filter((message) => typeof message === 'string') : [],
    ]
  } catch {
    return undefined
  }
}

/** Anybody who may connect may notify, so what comes is looked at before it is believed. */
function isHint(value: unknown): value is Hint {
  if (typeof value !== 'object' || value === null) return false
  if ('work' in value) return queues.some((queue) => queue === value.work)
  if ('arrival' in value) return isArrival(value.arrival)
  return (
    'user' in value && typeof value.user === 'string' && 'revision' in value && Number.isSafeInteger(value.revision)
  )
}

const isArrival = (value: unknown): value is InboxArrival =>
  typeof value === 'object' &&
  value !== null &&
  ['owner', 'user', 'journal'].every((name) => name in value && typeof Reflect.get(value, name) === 'string') &&
  'arrivals' in value &&
  Number.isSafeInteger(value.arrivals)
