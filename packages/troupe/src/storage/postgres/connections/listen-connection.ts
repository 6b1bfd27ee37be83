/**
 * Hints and broadcasts between processes. Committed changes are announced by NOTIFY, collected for a few milliseconds,
 * and always after the commit. Notifications of other processes arrive on a separate connection. If that connection is
 * lost, or a process dies between commit and NOTIFY, a cheap poll each second finds the hints. Broadcasts use the same
 * connection; a lost broadcast is not recovered.
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
  /**
   * The target to listen at. Undefined behind a pooler, which provides no permanent connection; hints then come only
   * from the poll.
   */
  readonly location: ConnectionTarget | undefined
  readonly schema: string
  /** The time in ms without an answer after which a connection is lost. */
  readonly answerMs: number
  readonly clock: Clock
  readonly random: Random
  /** The name of this process, by which it ignores its own payloads. */
  readonly node: string
  readonly announce: (hints: readonly Hint[]) => void
  readonly notify: (channel: string, payload: string) => Promise<void>
  /**
   * Reads the wakes of all processes so far, and the users whose revision rose since `since`, ms since 1970 in the
   * server's time.
   */
  readonly poll: (since: number) => Promise<PolledHints>
  readonly state: (state: StorageState) => void
}

const pollMs = 1_000
/**
 * The limit of a message as JSON: twice `maxBroadcastBytes`, because encrypted messages are longer and quotes are
 * escaped.
 */
const maxMessageBytes = 2 * maxBroadcastBytes + 2
const backoff = { first: 50, last: 5_000 }

export class ListenConnection implements Broadcast {
  readonly #options: ListenConnectionOptions
  readonly #outgoing: OutgoingHints
  readonly #seen = new SeenHints()
  readonly #stopping = new AbortController()
  readonly #listeners = new Listeners<string>()
  /** The name of this process in the rows of work; arrivals for it are sent here. */
  #owner: string | undefined
  #client: Client | undefined
  /** The monotonic time at which the connection was made or lost. */
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

  /** @throws if the first poll or the first attempt to listen fails */
  async start(): Promise<void> {
    const { location, poll } = this.#options
    // The next poll finds what is committed from now on, also if no notification arrives.
    this.#seen.newsOf(await poll(this.#seen.since))
    if (location) await this.#listen(location)
    this.#polling.start()
  }

  /** Announces hints to the other processes after a short delay. */
  pass(hints: readonly Hint[]): void {
    this.#outgoing.add(hints, this.#owner)
  }

  async listenAs(owner: string): Promise<void> {
    this.#owner = owner
    // A connection that is being made listens on the channel of the new name.
    if (this.#client) await listenOn(this.#client, this.#options, () => this.#owner)
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
      await listenOn(client, this.#options, () => this.#owner)
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
        await pause(backoffMs(attempt, backoff, random), this.#stopping.signal)
      }
    }
  }

  /** Without a LISTEN connection the poll determines whether the server is reachable. */
  #polled(state: StorageState): void {
    if (!this.#options.location) this.#options.state(state)
  }

  async #poll(): Promise<void> {
    // The query tests the LISTEN connection; a lost connection is replaced.
    const listening = this.#client
    if (listening) void answerWithin(listening, this.#options.answerMs, listening.query('select 1')).catch(() => {})
    const news = this.#seen.newsOf(await this.#options.poll(this.#seen.since))
    if (news.length > 0) this.#options.announce(news)
  }
}

/** Listens on the channels of a process, which may get another name meanwhile. */
async function listenOn(
  client: Client,
  options: Pick<ListenConnectionOptions, 'schema' | 'answerMs'>,
  ownerOf: () => string | undefined,
): Promise<void> {
  const { schema, answerMs } = options
  const owner = ownerOf()
  const channels = ['', ...(owner === undefined ? [] : [owner])].map((name) => `listen ${channelOf(schema, name)}`)
  await answerWithin(client, answerMs, client.query(['unlisten *', ...channels].join('; ')))
  if (ownerOf() !== owner) await listenOn(client, options, ownerOf)
}
