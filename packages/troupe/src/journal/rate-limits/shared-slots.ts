/**
 * A number of calls at once that all processes on one storage share. A call of a process whose lease has ended does not count.
 */
import { sql } from 'kysely'
import { type Clock, hashText, type Ids, isClosedFailure, sleep } from '../../core/index.ts'
import { type Bind, type Dialect, type Storage, templates } from '../../storage/index.ts'

/** The first and the longest pause between two attempts to get a slot, and the pause before a slot is freed again. */
const pauses = { first: 20, last: 500, retry: 1_000 } as const

export interface SharedSlotsParts {
  readonly storage: Pick<Storage, 'dialect' | 'commit'>
  readonly clock: Clock
  readonly ids: Ids
  /** Returns the id of this process in the table `processes`. */
  readonly holder: () => string
}

export class SharedSlots {
  readonly #parts: SharedSlotsParts
  readonly #key: string
  readonly #limit: number
  readonly #statements: ReturnType<typeof compileStatements>

  /** @param limit the number of slots; limits with one name share them */
  constructor(parts: SharedSlotsParts, { name, limit }: { readonly name: string; readonly limit: number }) {
    this.#parts = parts
    this.#key = hashText(JSON.stringify(['slots', name]))
    this.#limit = limit
    this.#statements = compileStatements(parts.storage.dialect)
  }

  /**
   * Waits for a slot.
   * @returns a function that frees it
   * @throws CancelledError if the signal aborts; errors of the storage
   */
  async acquire(signal: AbortSignal | undefined): Promise<() => void> {
    const { clock, ids } = this.#parts
    const id = ids.next()
    for (let pauseMs: number = pauses.first; ; pauseMs = Math.min(2 * pauseMs, pauses.last)) {
      if (await this.#take(id)) return () => void this.#free(id)
      await sleep(clock, pauseMs, signal)
    }
  }

  async #take(id: string): Promise<boolean> {
    const { storage, holder } = this.#parts
    const key = this.#key
    const { lock, dropEnded, take } = this.#statements
    const values = { key, id, holder: holder(), limit: this.#limit }
    const statements = [
      lock({ key, now: { $: 'now' } }),
      dropEnded({ key }),
      take(values, { expect: { rows: 1 }, otherwise: 'rate.limited' }),
    ]
    try {
      return (await storage.commit({ id: null, scope: { work: true }, statements })).ok
    } catch (error) {
      // The change may be committed although its answer was lost.
      void this.#free(id)
      throw error
    }
  }

  /** Retries until the slot is free: while this process lives, no other process frees it. */
  async #free(id: string): Promise<void> {
    const { storage, clock } = this.#parts
    try {
      const statements = [this.#statements.free({ key: this.#key, id })]
      await storage.commit({ id: null, scope: { work: true }, statements })
    } catch (error) {
      // A process that closes ends its lease.
      if (isClosedFailure(error)) return
      clock.after(pauses.retry, () => void this.#free(id), { background: true })
    }
  }
}

function compileStatements(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    // Locks the row of the key, so that its callers count the slots one after the other.
    lock: compile<{ key: string; now: Bind }>(
      (p) => sql`insert into rate_limits (key, last_used_at) values (${p.key}, ${p.now})
        on conflict (key) do update set last_used_at = excluded.last_used_at`,
    ),
    dropEnded: compile<{ key: string }>(
      (p) => sql`delete from rate_limit_calls
        where key = ${p.key} and holder not in (select process_id from processes)`,
    ),
    take: compile<{ key: string; id: string; holder: string; limit: number }>(
      (p) => sql`insert into rate_limit_calls (key, id, holder) select ${p.key}, ${p.id}, ${p.holder}
        where (select count(*) from rate_limit_calls where key = ${p.key}) < ${p.limit}`,
    ),
    free: compile<{ key: string; id: string }>(
      (p) => sql`delete from rate_limit_calls where key = ${p.key} and id = ${p.id}`,
    ),
  }
}
