/**
 * What processes on one storage tell each other of runs, besides what is durable: that one moved, and its live parts. A
 * process is told of the runs that it follows; whoever carries them on hears that by the same way. Losing all of it costs
 * a follower live parts, and the time until it looks by itself.
 */
import type { Clock, Json, UserId } from '../../core/index.ts'
import type { Notes } from '../../storage/index.ts'
import type { LivePart } from './parts.ts'

export interface RunNotes {
  /** Asks for news of a run for the next few seconds. @param live its live parts too */
  follow(user: UserId, run: string, live: boolean): void
  moved(user: UserId, run: string): void
  live(user: UserId, run: string, part: LivePart): void
  close(): void
}

export interface RunNotesHost {
  /** Whether this process carries it on. */
  holds(user: UserId, run: string): boolean
  onMoved(user: UserId, run: string): void
  onLive(user: UserId, run: string, part: LivePart): void
}

type Note =
  | readonly ['follow', UserId, string, boolean]
  | readonly ['moved', UserId, string]
  | readonly ['live', UserId, string, Json]

interface Followed {
  until: number
  live: number
}

/** A follower asks again so often, and is told until this long after it asked. */
const askMs = 2_000
const toldMs = 5_000
const maxFollowed = 10_000

const none: RunNotes = { follow() {}, moved() {}, live() {}, close() {} }

/** @param notes undefined where nobody else is on the storage */
export function createRunNotes(notes: Notes | undefined, clock: Clock, host: RunNotesHost): RunNotes {
  return notes ? new SentNotes(notes, clock, host) : none
}

class SentNotes implements RunNotes {
  readonly #notes: Notes
  readonly #clock: Clock
  readonly #host: RunNotesHost
  readonly #off: () => void
  /** By others. */
  readonly #followed = new Map<string, Followed>()
  /** By this process: when it asked last. */
  readonly #asked = new Map<string, number>()

  constructor(notes: Notes, clock: Clock, host: RunNotesHost) {
    this.#notes = notes
    this.#clock = clock
    this.#host = host
    this.#off = notes.on((text) => {
      const note = readNote(text)
      if (note) this.#hear(note)
    })
  }

  follow(user: UserId, run: string, live: boolean): void {
    const key = JSON.stringify([user, run, live])
    const now = this.#clock.monotonic()
    if (now - (this.#asked.get(key) ?? Number.NEGATIVE_INFINITY) < askMs) return
    if (this.#asked.size >= maxFollowed) this.#asked.clear()
    this.#asked.set(key, now)
    this.#send(['follow', user, run, live])
  }

  moved(user: UserId, run: string): void {
    const followed = this.#followedNow(user, run)
    if (followed) this.#send(['moved', user, run])
  }

  live(user: UserId, run: string, part: LivePart): void {
    const followed = this.#followedNow(user, run)
    if (followed && followed.live >= this.#clock.monotonic()) this.#send(['live', user, run, part])
  }

  close(): void {
    this.#off()
  }

  #send(note: Note): void {
    this.#notes.send(JSON.stringify(note))
  }

  #hear(note: Note): void {
    const [what, user, run] = note
    if (what === 'moved') this.#host.onMoved(user, run)
    else if (what === 'live') this.#host.onLive(user, run, note[3] as LivePart)
    else if (what === 'follow' && this.#host.holds(user, run)) {
      const until = this.#clock.monotonic() + toldMs
      const key = JSON.stringify([user, run])
      const known = this.#followed.get(key)
      if (this.#followed.size >= maxFollowed && !known) this.#followed.clear()
      this.#followed.set(key, { until, live: note[3] ? until : (known?.live ?? 0) })
      // What happened while it asked.
      this.#send(['moved', user, run])
    }
  }

  #followedNow(user: UserId, run: string): Followed | undefined {
    const key = JSON.stringify([user, run])
    const followed = this.#followed.get(key)
    if (!followed || followed.until >= this.#clock.monotonic()) return followed
    this.#followed.delete(key)
    return undefined
  }
}

/** What a newer release says is passed by. */
function readNote(text: string): Note | undefined {
  try {
    const note: unknown = JSON.parse(text)
    return isNote(note) ? note : undefined
  } catch {
    return undefined
  }
}

const isNote = (note: unknown): note is Note => Array.isArray(note) && note.length >= 3
