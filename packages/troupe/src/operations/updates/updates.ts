/** Watches what changes for a user, in this process and in those that share the storage. Nothing is stored. */
import { type Clock, type Events, sleep, whenAborted } from '../../core/index.ts'
import type { Broadcast } from '../../storage/index.ts'
import { PendingUpdates, type UpdateBatch } from './pending-updates.ts'
import { SharedUpdates } from './shared-updates.ts'
import { type ListUpdate, type ObservedEvent, observedPatterns, updateOf } from './update.ts'

/** The interval in ms of batches for one watcher: at most four a second. */
const batchMs = 250
/** Instead of the name of a user, which is never empty: the notices about all users. */
const allUsers = ''

type Listener = (update: ListUpdate | 'resync') => void

interface UpdatesParts {
  readonly clock: Clock
  readonly events: Pick<Events, 'on'>
  readonly storage: { readonly broadcast?: Broadcast }
}

export class Updates {
  readonly #clock: Clock
  readonly #events: UpdatesParts['events']
  readonly #shared: SharedUpdates | undefined
  /** The listeners by user, or of all users: watchers, and other processes. */
  readonly #listeners = new Map<string, Set<Listener>>()
  #stopObserving: readonly (() => void)[] = []

  constructor({ clock, events, storage: { broadcast } }: UpdatesParts) {
    this.#clock = clock
    this.#events = events
    this.#shared =
      broadcast &&
      new SharedUpdates({
        clock,
        broadcast,
        listen: (user, listener) => this.#listen(user, (update) => update !== 'resync' && listener(update)),
        received: (user, update) => this.#deliver(user, update),
      })
  }

  /**
   * Yields batches of what changed for the user from now on, at most four a second, each with the latest update of a
   * subject. Ends with the signal.
   * @param options.allUsers adds `all-runs` when a run of any user changes its status, and `all-approvals`
   */
  async *watch(
    user: string,
    signal: AbortSignal,
    options: { readonly allUsers?: boolean } = {},
  ): AsyncGenerator<UpdateBatch> {
    const watched = options.allUsers ? [user, allUsers] : [user]
    const pending = new PendingUpdates()
    let arrival = Promise.withResolvers<void>()
    const stops = watched.map((one) =>
      this.#listen(one, (update) => {
        pending.add(update)
        arrival.resolve()
      }),
    )
    const stopWatching = whenAborted(signal, () => arrival.resolve())
    for (const one of watched) this.#shared?.watch(one)
    try {
      while (!signal.aborted) {
        if (pending.isEmpty) {
          await arrival.promise
          arrival = Promise.withResolvers()
          continue
        }
        yield pending.take()
        await sleep(this.#clock, batchMs, signal).catch(() => {})
      }
    } finally {
      stopWatching()
      for (const one of watched) this.#shared?.unwatch(one)
      for (const stop of stops) stop()
    }
  }

  /** Notifies the watchers of all users that a health check of this process changed. */
  healthChanged(): void {
    this.#deliver(allUsers, { kind: 'health' })
  }

  close(): void {
    this.#shared?.close()
    this.#listeners.clear()
    this.#observe(false)
  }

  #listen(user: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(user) ?? new Set()
    this.#listeners.set(user, listeners.add(listener))
    this.#observe(true)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(user) === listeners) this.#listeners.delete(user)
      if (this.#listeners.size === 0) this.#observe(false)
    }
  }

  /** Without a watched user, events cost nothing. */
  #observe(isWatched: boolean): void {
    if (isWatched === this.#stopObserving.length > 0) return
    for (const stop of this.#stopObserving) stop()
    const observe = (event: ObservedEvent) => {
      if (event.userId === undefined) return
      if (!this.#listeners.has(event.userId) && !this.#listeners.has(allUsers)) return
      const update = updateOf(event)
      if (update) this.#deliver(event.userId, update)
      if (update?.kind === 'run') this.#deliver(allUsers, { kind: 'all-runs' })
      if (update?.kind === 'approvals' || update?.kind === 'question')
        this.#deliver(allUsers, { kind: 'all-approvals' })
    }
    this.#stopObserving = isWatched ? observedPatterns.map((pattern) => this.#events.on(pattern, observe)) : []
  }

  #deliver(user: string, update: ListUpdate | 'resync'): void {
    for (const listener of this.#listeners.get(user) ?? []) listener(update)
  }
}
