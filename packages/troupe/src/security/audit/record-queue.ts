/**
 * Records that nobody waits for: gathered per user, a change at a time. What the storage refuses, and what comes while too
 * many wait, is lost and said; whoever acted notices neither.
 */
import type { UserId } from '../../core/index.ts'
import type { Statement, Storage } from '../../storage/index.ts'

/** Records that may wait, over all users. */
const maxWaiting = 10_000
/** Of one change. */
const maxBatch = 100

interface Waiting {
  readonly statements: readonly Statement[]
  readonly onLost: (problem: unknown) => void
}

export class RecordQueue {
  readonly #storage: Pick<Storage, 'commit'>
  readonly #users = new Map<UserId, Waiting[]>()
  readonly #busy = new Set<Promise<void>>()
  #count = 0

  constructor(storage: Pick<Storage, 'commit'>) {
    this.#storage = storage
  }

  /** @param user empty for the troupe's own */
  add(user: UserId, statements: readonly Statement[], onLost: (problem: unknown) => void): void {
    if (this.#count >= maxWaiting) {
      onLost('storage.busy')
      return
    }
    this.#count++
    const known = this.#users.get(user)
    if (known) {
      known.push({ statements, onLost })
      return
    }
    const waiting = [{ statements, onLost }]
    this.#users.set(user, waiting)
    const drainTask = this.#drain(user, waiting)
    this.#busy.add(drainTask)
    void drainTask.then(() => this.#busy.delete(drainTask))
  }

  /** Resolves when all that was added until then is stored or lost. */
  async flush(): Promise<void> {
    await Promise.all(this.#busy)
  }

  async #drain(user: UserId, waiting: Waiting[]): Promise<void> {
    // What is recorded in one go shares a change.
    await Promise.resolve()
    while (waiting.length > 0) {
      const group = waiting.slice(0, maxBatch)
      const problem = await this.#commit(user, group)
      if (problem !== undefined) for (const { onLost } of group) onLost(problem)
      waiting.splice(0, group.length)
      this.#count -= group.length
    }
    this.#users.delete(user)
  }

  async #commit(user: UserId, group: readonly Waiting[]): Promise<unknown> {
    try {
      const statements = group.flatMap((one) => one.statements)
      const scope = user === '' ? ({ work: true } as const) : { user }
      const result = await this.#storage.commit({ id: null, scope, statements })
      return result.ok ? undefined : result.code
    } catch (error) {
      return error
    }
  }
}
