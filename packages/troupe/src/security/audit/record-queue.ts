/**
 * A queue of records without awaiting callers: gathered per user, one change at a time. A record that the storage
 * rejects, or that arrives while too many wait, is lost and reported; the actor is not affected.
 */
import { TroupeError, type UserId } from '../../core/index.ts'
import type { Statement, Storage } from '../../storage/index.ts'

/** Records that may wait, over all users. */
const maxWaiting = 10_000
/** The maximal number of records of one change. */
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

  /** @param user empty for records of the troupe */
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
    // Records of one macrotask share a change.
    await Promise.resolve()
    while (waiting.length > 0) {
      const group = waiting.slice(0, maxBatch)
      await this.#store(user, group)
      waiting.splice(0, group.length)
      this.#count -= group.length
    }
    this.#users.delete(user)
  }

  async #store(user: UserId, group: readonly Waiting[]): Promise<void> {
    const problem = await this.#commit(user, group)
    if (problem === undefined) return
    // The text of one record, such as half of a surrogate pair, is no reason to lose the others.
    if (group.length > 1 && problem instanceof TroupeError && problem.code === 'validation.failed')
      for (const record of group) await this.#store(user, [record])
    else for (const { onLost } of group) onLost(problem)
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
