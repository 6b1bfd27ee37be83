/**
 * The callers that follow runs, here and in other processes: each commit of a run and each live part reaches both. A
 * change of a run that another process owns comes by the broadcast; a recheck each second finds one that was lost.
 */
import { type Clock, type UserId, userKey } from '../../../core/index.ts'
import type { Broadcast } from '../../../storage/index.ts'
import type { RunLivePart } from '../orchestra-parts.ts'
import { Signals } from '../signals.ts'
import { RunBroadcast } from './run-broadcast.ts'
import type { Wakeups } from './wakeups.ts'

export interface RunFollowersOptions {
  /** Undefined if no other process uses the storage. */
  readonly broadcast: Broadcast | undefined
  readonly clock: Clock
  readonly wakeups: Wakeups
  readonly isOwner: (user: UserId, run: string) => boolean
}

const remoteRecheckMs = 1_000

export class RunFollowers {
  readonly #options: RunFollowersOptions
  readonly #changes = new Signals<void>()
  readonly #live = new Signals<RunLivePart>()
  /** Undefined if no other process uses the storage. */
  readonly #broadcast: RunBroadcast | undefined

  constructor(options: RunFollowersOptions) {
    const { broadcast, clock, isOwner } = options
    this.#options = options
    this.#broadcast =
      broadcast &&
      new RunBroadcast(broadcast, clock, {
        isOwner,
        onChanged: (user, run) => this.notify(user, run),
        onLive: (user, run, part) => this.#live.emit(userKey(user, run), part),
      })
  }

  /** The run committed here: followers of every process continue. */
  changed(user: UserId, run: string): void {
    this.notify(user, run)
    this.#broadcast?.changed(user, run)
  }

  /** The followers in this process check the run. */
  notify(user: UserId, run: string): void {
    this.#changes.emit(userKey(user, run))
  }

  live(user: UserId, run: string, part: RunLivePart): void {
    this.#live.emit(userKey(user, run), part)
    this.#broadcast?.live(user, run, part)
  }

  /** Resolves with the next change of the run, or the signal; rejects when the troupe closes. */
  next(user: UserId, run: string, signal?: AbortSignal, live = false) {
    const { isOwner, wakeups } = this.#options
    const key = userKey(user, run)
    const next = this.#changes.next(key, signal)
    if (!this.#broadcast) return next
    if (!isOwner(user, run)) this.#broadcast.follow(user, run, live)
    const recheck = `recheck ${key}`
    if (!wakeups.has(recheck)) wakeups.set(recheck, remoteRecheckMs, () => this.#changes.emit(key))
    return next
  }

  liveParts(user: UserId, run: string, signal?: AbortSignal): AsyncIterable<RunLivePart> {
    return this.#live.iterate(userKey(user, run), signal)
  }

  /** No live part of the run follows. */
  endLive(user: UserId, run: string): void {
    this.#live.end(userKey(user, run))
  }

  /** Receives nothing more from other processes. */
  disconnect(): void {
    this.#broadcast?.close()
  }

  /** Rejects what waits for a change, and ends all live parts. */
  close(error: Error): void {
    this.#changes.close(error)
    this.#live.close()
  }
}
