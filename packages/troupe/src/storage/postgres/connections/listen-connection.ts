/**
 * Hints between processes. What this one commits is told to the others by NOTIFY, gathered for a few milliseconds, after
 * the commit and never in it. What they tell comes on a connection of its own; where that was lost, or somebody died
 * between commit and telling, a cheap read each second finds it. Notes travel the same way, and nothing finds those again.
 */
import type { Client } from 'pg'
import { type Clock, PeriodicTask, type Random } from '../../../core/index.ts'
import { Listeners } from '../../notifications/listeners.ts'
import {
  type Broadcast,
  type BroadcastConnection,
  type Hint,
  maxBroadcastBytes,
  type StorageState,
} from '../../storage-port.ts'
import { messageOf } from '../error-class.ts'
import { connect } from './connect.ts'
import type { ConnectionTarget } from './connection-target.ts'
import { backoffMs, pause } from './deadline.ts'
import { answerWithin, disconnect } from './keepalive.ts'
import { OutgoingHints } from './outgoing-hints.ts'
import { channelOf, readPayload } from './read-payload.ts'
import { type PolledHints, SeenHints } from './seen-hints.ts'

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
  readonly poll: (since: number) => Promise<PolledHints>
  readonly state: (state: StorageState) => void
}

const pollMs = 1_000
/** As JSON: of twice `maxBroadcastBytes`, for what is encrypted is longer, and quotes are escaped. */
const maxMessageBytes = 2 * maxBroadcastBytes + 2
const backoff = { first: 50, last: 5_000 }

export class ListenConnection implements Broadcast {
  readonly #options: ListenConnectionOptions
  readonly #outgoing: OutgoingHints
  readonly #seen = new SeenHints()
  readonly #stopping = new AbortController()
  readonly #listeners = new Listeners<string>()
  /** The process whose arrivals come here, as the rows of work name it. */
  #owner: string | undefined
  #client: Client | undefined
  /** When the connection came or went, of the monotonic clock. */
  #turned = 0
  readonly #polling: PeriodicTask

  constructor(options: ListenConnectionOptions) {
    this.#options = options
    this.#outgoing = new OutgoingHints(options)
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
    this.#outgoing.add(hints, this.#owner)
  }

  async listenAs(owner: string): Promise<void> {
    const client = this.#client
    const before = this.#owner
    this.#owner = owner
    if (!client) return
    const { answerMs, schema } = this.#options
    if (before !== undefined)
      await answerWithin(client, answerMs, client.query(`unlisten ${channelOf(schema, before)}`))
    await answerWithin(client, answerMs, client.query(`listen ${channelOf(schema, owner)}`))
  }

  send(message: string): void {
    const bytes = Buffer.byteLength(JSON.stringify(message))
    if (bytes > maxMessageBytes || this.#stopping.signal.aborted) return
    this.#outgoing.addMessage(message)
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
    await this.#outgoing.flush()
    await this.#polling.close()
    await this.#hangUp()
  }

  async #hangUp(): Promise<void> {
    this.#client?.removeAllListeners('end')
    if (this.#client) await disconnect(this.#client)
  }

  async #listen(location: ConnectionTarget): Promise<void> {
    const client = await connect(location, 'troupe hints', 10_000)
    client.on('notification', ({ payload }) => this.#receive(payload ?? ''))
    client.on('end', () => void this.#reconnect(location))
    try {
      const owners = ['', ...(this.#owner === undefined ? [] : [this.#owner])]
      const listen = owners.map((owner) => `listen ${channelOf(this.#options.schema, owner)}`).join('; ')
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
    for (const hint of hints) if ('user' in hint) this.#seen.isRaisedBy(hint)
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
        this.#seen.repeat()
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

  async #poll(): Promise<void> {
    // Whether it can be heard there at all: who finds it lost connects again.
    const listening = this.#client
    if (listening) void answerWithin(listening, this.#options.answerMs, listening.query('select 1')).catch(() => {})
    const news = this.#seen.newsOf(await this.#options.poll(this.#seen.since))
    if (news.length > 0) this.#options.announce(news)
  }
}
