/**
 * Hints between processes. What this one commits is told to the others by NOTIFY, gathered for a few milliseconds, after
 * the commit and never in it. What they tell comes on a connection of its own; where that was lost, or somebody died
 * between commit and telling, a cheap read each second finds it.
 */
import type { Client } from 'pg'
import type { Hint, StorageState, WorkQueue } from '../port.ts'
import { connect } from './connect.ts'
import { pause } from './patience.ts'
import type { Place } from './place.ts'
import { messageOf } from './postgres-error.ts'

export interface HintLineOptions {
  readonly place: Place
  /** Of this process: what comes back from it is known already. */
  readonly node: string
  readonly tell: (hints: readonly Hint[]) => void
  readonly notify: (channel: string, payload: string) => Promise<void>
  /** Wakes of all processes so far, and users whose revision rose since then, ms since 1970 by the database. */
  readonly look: (
    since: number,
  ) => Promise<{ readonly wakes: number; readonly at: number; readonly users: readonly Hint[] }>
  readonly state: (state: StorageState) => void
}

const queues: readonly WorkQueue[] = ['runs', 'steps', 'timers', 'outbox', 'mailboxes', 'cleanup']
const gatherMs = 3
const lookMs = 1_000
/** A payload of NOTIFY has 8,000 bytes at most. */
const perNotice = 40
/** A commit may be seen so much later than the time it bears. */
const overlapMs = 15_000
const backoff = { first: 50, last: 5_000 }

export class HintLine {
  readonly #options: HintLineOptions
  readonly #channel: string
  readonly #mine = new Map<string, Hint>()
  readonly #told = new Map<string, number>()
  readonly #stopping = new AbortController()
  #sending: Promise<void> | undefined
  #client: Client | undefined
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()
  #seen = { wakes: -1, at: 0, again: false }

  constructor(options: HintLineOptions) {
    this.#options = options
    this.#channel = `troupe_${options.place.schema}`
  }

  /** @throws when it cannot listen at first */
  async start(): Promise<void> {
    await this.#listen()
    this.#schedule()
  }

  /** Tells the other processes, soon. */
  pass(hints: readonly Hint[]): void {
    for (const hint of hints) this.#mine.set('user' in hint ? `u${hint.user}` : `w${hint.work}`, hint)
    if (this.#mine.size > 0) this.#sending ??= this.#send()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    clearTimeout(this.#timer)
    await this.#sending
    await this.#looking
    await this.#hangUp()
  }

  async #hangUp(): Promise<void> {
    this.#client?.removeAllListeners('end')
    await this.#client?.end().catch(() => {})
  }

  async #send(): Promise<void> {
    const { node, notify } = this.#options
    await pause(gatherMs)
    const hints = [...this.#mine.values()]
    this.#mine.clear()
    this.#sending = undefined
    for (let i = 0; i < hints.length; ) {
      const payload: Hint[] = []
      let length = 0
      for (; i < hints.length && payload.length < perNotice; i++) {
        length += Buffer.byteLength(JSON.stringify(hints[i])) + 1
        if (length > 7_000 && payload.length > 0) break
        payload.push(hints[i] as Hint)
      }
      // Whoever is not told looks by himself.
      await notify(this.#channel, JSON.stringify([node, payload])).catch(() => {})
    }
  }

  async #listen(): Promise<void> {
    const { place } = this.#options
    const client = await connect(place, 'troupe hints', 10_000)
    client.on('notification', ({ payload }) => this.#hear(payload ?? ''))
    client.on('end', () => void this.#reconnect())
    try {
      await client.query(`listen ${this.#channel}`)
    } catch (error) {
      client.removeAllListeners('end')
      await client.end().catch(() => {})
      throw error
    }
    this.#client = client
  }

  #hear(payload: string): void {
    const [node, hints] = JSON.parse(payload) as [string, Hint[]]
    if (node === this.#options.node) return
    for (const hint of hints) if ('user' in hint) this.#note(hint)
    this.#options.tell(hints)
  }

  async #reconnect(): Promise<void> {
    const { state } = this.#options
    this.#client = undefined
    for (let wait = backoff.first; !this.#stopping.signal.aborted; wait = Math.min(wait * 2, backoff.last)) {
      try {
        await this.#listen()
        if (this.#stopping.signal.aborted) return await this.#hangUp()
        state({ state: 'open' })
        this.#seen = { ...this.#seen, again: true }
        return
      } catch (error) {
        state({ state: 'failed', problem: messageOf(error) })
        await pause(wait)
      }
    }
  }

  #schedule(): void {
    if (this.#stopping.signal.aborted) return
    const run = () => {
      this.#looking = this.#look().then(
        () => this.#schedule(),
        () => this.#schedule(),
      )
    }
    this.#timer = setTimeout(run, lookMs).unref()
  }

  /** Told once more a second later: what was counted may not have been committed yet when it was looked at. */
  async #look(): Promise<void> {
    const { wakes, at, users } = await this.#options.look(this.#seen.at - overlapMs)
    const moved = wakes !== this.#seen.wakes
    const first = this.#seen.wakes < 0
    const tell = !first && (moved || this.#seen.again)
    this.#seen = { wakes, at, again: moved }
    const risen = users.filter((hint) => 'user' in hint && this.#note(hint))
    if (this.#told.size > 50_000) this.#told.clear()
    if (!first && risen.length > 0) this.#options.tell(risen)
    if (tell) this.#options.tell(queues.map((work) => ({ work })))
  }

  /** @returns whether it is news */
  #note(hint: Extract<Hint, { user: unknown }>): boolean {
    const known = this.#told.get(hint.user) ?? 0
    if (hint.revision > known) this.#told.set(hint.user, hint.revision)
    return hint.revision > known
  }
}
