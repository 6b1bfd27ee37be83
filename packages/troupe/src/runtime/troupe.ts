/** The running system: its users, its events, its end. */
import { checkName, type EventPattern, eventNames, failure, nearest, type Observer } from '../core/index.ts'
import type { RunningWorker } from '../messaging/index.ts'
import type { MetricsCollector } from '../observability/index.ts'
import type { StorageSizes, StorageState } from '../storage/index.ts'
import type { TroupeParts } from './parts.ts'
import { User } from './user.ts'

export class Troupe implements AsyncDisposable {
  readonly #parts: TroupeParts
  readonly #requireUserId: boolean
  readonly #workers = new Set<RunningWorker>()
  #closing: Promise<void> | undefined

  constructor(parts: TroupeParts, options: { readonly requireUserId: boolean }) {
    this.#parts = parts
    this.#requireUserId = options.requireUserId
  }

  /** Counts and durations of what happens here. */
  get metrics(): MetricsCollector {
    return this.#parts.metrics
  }

  /**
   * Everything of one user.
   * @throws ValidationError for an id that is not allowed; with `requireUserId` for `default` too
   */
  user(id: string): User {
    checkName('user', id)
    if (this.#requireUserId && id === 'default') {
      const problem = 'requireUserId is on, and this scope is shared by all who name none'
      throw failure('name.invalid', { what: 'The user', value: id, problem, limit: 256 })
    }
    return new User(this.#parts, id, this.#workers)
  }

  /**
   * Observes what happens; an observer can neither slow nor break what it observes.
   * @param type an event's published name, all that begin alike (`run.*`), or all (`*`)
   * @returns a function that ends it
   * @throws ValidationError for a name that no event has, with the nearest
   * @example troupe.on('incident.recorded', (incident) => console.warn(incident))
   */
  on(type: EventPattern, observer: Observer): () => void {
    const known = Object.keys(eventNames)
    const begins = String(type).endsWith('.*') && known.some((name) => name.startsWith(type.slice(0, -1)))
    if (type !== '*' && !begins && !known.includes(type))
      throw failure('option.unknown', {
        where: 'troupe.on',
        option: String(type),
        nearest: nearest(String(type), known) ?? 'run.*',
      })
    return this.#parts.events.on(type, observer)
  }

  /** Whether it can write, and what is wrong where it cannot. */
  storageState(): StorageState {
    return this.#parts.storage.state()
  }
  sizes(): Promise<StorageSizes> {
    return this.#parts.storage.sizes()
  }

  /** Ends in order: nothing new, handlers and turns at work, then the storage. Waiting runs go on at the next opening. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { housekeeping, leases, mailboxes, mesh, orchestra, presence, steps, storage, timers, incidents } =
      this.#parts
    // In the reverse order of opening; each goes on although another failed to end.
    const ends = [
      () => timers.stop(),
      () => housekeeping.stop(),
      async () => void (await Promise.all([...this.#workers].map((worker) => worker.stop()))),
      () => steps.close(),
      () => orchestra.close(),
      async () => leases?.close(),
      () => mailboxes.close(),
      async () => presence.close(),
      () => mesh.close(),
      () => incidents.settled(),
      () => storage.close(),
    ]
    const failures: unknown[] = []
    for (const end of ends) await end().catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw failures[0]
  }
}
