/**
 * The notifications about runs between processes on one storage: that a run changed, and its live parts. A process
 * receives those of the runs that it follows, and announces this to their owners by the same channel. If notifications
 * are lost, a follower misses live parts and reads changes at its next recheck.
 */
import type { Clock, Json, UserId } from '../../../core/index.ts'
import type { Broadcast } from '../../../storage/index.ts'
import type { RunLivePart } from '../orchestra-parts.ts'

export interface RunBroadcastHost {
  /** Returns true if this process owns the run. */
  isOwner(user: UserId, run: string): boolean
  onChanged(user: UserId, run: string): void
  onLive(user: UserId, run: string, part: RunLivePart): void
}

type RunMessage =
  | readonly ['follow', UserId, string, boolean]
  | readonly ['changed', UserId, string]
  | readonly ['live', UserId, string, Json]

interface Followed {
  until: number
  live: number
}

/** The interval in ms of a follower's requests, and how long after a request it is notified. */
const askMs = 2_000
const notifyMs = 5_000
const maxFollowed = 10_000

export class RunBroadcast {
  readonly #broadcast: Broadcast
  readonly #clock: Clock
  readonly #host: RunBroadcastHost
  readonly #off: () => void
  /** Runs that other processes follow. */
  readonly #followed = new Map<string, Followed>()
  /** Runs that this process follows, with the time of its last request. */
  readonly #asked = new Map<string, number>()

  constructor(broadcast: Broadcast, clock: Clock, host: RunBroadcastHost) {
    this.#broadcast = broadcast
    this.#clock = clock
    this.#host = host
    this.#off = broadcast.on((text) => {
      const message = readMessage(text)
      if (message) this.#receive(message)
    })
  }

  /** Requests the notifications of a run for the next few seconds. @param live its live parts too */
  follow(user: UserId, run: string, live: boolean): void {
    const key = JSON.stringify([user, run, live])
    const now = this.#clock.monotonic()
    if (now - (this.#asked.get(key) ?? Number.NEGATIVE_INFINITY) < askMs) return
    if (this.#asked.size >= maxFollowed) this.#asked.clear()
    this.#asked.set(key, now)
    this.#send(['follow', user, run, live])
  }

  changed(user: UserId, run: string): void {
    const followed = this.#followedNow(user, run)
    if (followed) this.#send(['changed', user, run])
  }

  live(user: UserId, run: string, part: RunLivePart): void {
    const followed = this.#followedNow(user, run)
    if (followed && followed.live >= this.#clock.monotonic()) this.#send(['live', user, run, part])
  }

  close(): void {
    this.#off()
  }

  #send(message: RunMessage): void {
    this.#broadcast.send(JSON.stringify(message))
  }

  #receive(message: RunMessage): void {
    const [what, user, run] = message
    if (what === 'changed') this.#host.onChanged(user, run)
    else if (what === 'live') this.#host.onLive(user, run, message[3] as RunLivePart)
    else if (what === 'follow' && this.#host.isOwner(user, run)) {
      const until = this.#clock.monotonic() + notifyMs
      const key = JSON.stringify([user, run])
      const known = this.#followed.get(key)
      if (this.#followed.size >= maxFollowed && !known) this.#followed.clear()
      this.#followed.set(key, { until, live: message[3] ? until : (known?.live ?? 0) })
      // Delivers the changes that happened during the request.
      this.#send(['changed', user, run])
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

/** Messages of a newer release are ignored. */
function readMessage(text: string): RunMessage | undefined {
  try {
    const message: unknown = JSON.parse(text)
    return isRunMessage(message) ? message : undefined
  } catch {
    return undefined
  }
}

const isRunMessage = (message: unknown): message is RunMessage => Array.isArray(message) && message.length >= 3
