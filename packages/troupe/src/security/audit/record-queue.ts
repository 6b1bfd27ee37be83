/**
 * Records that nobody waits for: gathered per user, a change at a time. What the storage refuses, and what comes while too
 * many wait, is lost and said; whoever acted notices neither.
 */
import type { UserId } from '../../core/index.ts'
import type { Statement, Storage } from '../../storage/index.ts'

/** Records that may wait, over all users. */
const mostWaiting = 10_000
/** Of one change. */
const mostTogether = 100

interface Waiting {
  readonly statements: readonly Statement[]
  readonly lost: (problem: unknown) => void
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
  add(user: UserId, statements: readonly Statement[], lost: (problem: unknown) => void): void {
    if (this.#count >= mostWaiting) {
      lost('storage.busy')
      return
    }
    this.#count++
    const known = this.#users.get(user)
    if (known) {
      known.push({ statements, lost })
      return
    }
    const waiting = [{ statements, lost }]
    this.#users.set(user, waiting)
    const drained = this.#drain(user, waiting)
    this.#busy.add(drained)
    void drained.then(() => this.#busy.delete(drained))
  }

  /** Resolves when all that was added until then is stored or lost. */
  async settled(): Promise<void> {
    await Promise.all(this.#busy)
  }

  async #drain(user: UserId, waiting: Waiting[]): Promise<void> {
    // What is recorded in one go shares a change.
    await Promise.resolve()
    while (waiting.length > 0) {
      const group = waiting.slice(0, mostTogether)
      const problem = await this.#commit(user, group)
      if (problem !== undefined) for (const { lost } of group) lost(problem)
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
