/**
 * Removes expired entries, each with an `expired` item in the feed, and after a week the history of removed entries. A table
 * without content lists the users with such work. Each user's entries are removed in the scope of that user.
 */
import { type Duration, milliseconds, PeriodicTask, type UserId } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import { type Actor, endStatements } from '../entries/fragments.ts'
import { afterKey } from '../entries/pattern.ts'
import type { MeshCore } from '../mesh-core.ts'
import { now } from '../statements/visibility.ts'

/** How long the history of a removed entry is stored, in ms. */
const removedRetentionMs = 7 * 86_400_000
const chunk = 500

export class Cleaner {
  readonly #core: MeshCore
  readonly #task: PeriodicTask

  /** @param every the pause between two cleanups */
  constructor(core: MeshCore, every: Duration = '5m') {
    this.#core = core
    const intervalMs = milliseconds(every, 'The interval of clean-up')
    this.#task = new PeriodicTask({ name: 'cleanup', clock: core.clock, intervalMs, run: () => this.#all() })
  }

  /** Starts the periodic cleanup of all users. */
  start(): void {
    this.#task.start()
  }

  /** Sets the interval from now on. */
  configure(every: Duration): void {
    this.#task.setInterval(milliseconds(every, 'context.cleanup'))
  }

  stop(): Promise<void> {
    return this.#task.close()
  }

  async #all(): Promise<void> {
    try {
      for (let after = ''; !this.#task.isClosed; ) {
        const statement = { ...this.#core.reads.work({ after, limit: chunk }), returns: true }
        const [rows = []] = await this.#core.storage.read({ work: true }, [statement])
        for (const row of rows) {
          after = String(row.user_id)
          if (!this.#task.isClosed) await this.expireEntries(after)
        }
        if (rows.length < chunk) return
      }
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      this.#core.events.emit({ type: 'context.cleanup.failed', at: this.#core.clock.now(), problem })
    }
  }

  /** @returns the number of removed entries */
  async expireEntries(user: UserId): Promise<number> {
    let removed = 0
    const { reads, writes } = this.#core
    for (;;) {
      const [rows = []] = await this.#core.read(user, reads.expired({ user, now, limit: chunk }))
      const fragments = rows.map((row): Fragment => {
        const [key, change] = [String(row.key), this.#core.nextChange()]
        const over = writes.over({ user, key, now, change: String(row.change) }, { expect: { rows: 1 } })
        return {
          statements: [over, ...endStatements(this.#core, user, key, change, 'expired')],
          feed: [{ kind: 'expired', key, data: change }],
        }
      })
      removed += await this.#commit(user, fragments)
      if (rows.length < chunk) break
    }
    await this.#forgetRemoved(user)
    await this.#core.commit(user, { statements: [writes.workDone({ user })] })
    return removed
  }

  /** Removes entries in one change. If another process has removed one of them, each is removed in a separate change. */
  async #commit(user: UserId, fragments: readonly Fragment[]): Promise<number> {
    if (fragments.length === 0) return 0
    const combined = await this.#core.tryCommit(user, ...fragments)
    if (combined.ok) return fragments.length
    const results = await Promise.all(fragments.map((fragment) => this.#core.tryCommit(user, fragment)))
    return results.filter(({ ok }) => ok).length
  }

  async #forgetRemoved(user: UserId): Promise<void> {
    const { reads, writes, blobs } = this.#core
    for (;;) {
      const before = { $: 'now', plusMs: -removedRetentionMs } as const
      const [rows = []] = await this.#core.read(user, reads.oldTombstones({ user, before, limit: chunk }))
      for (const row of rows) {
        const [key, version] = [String(row.key), Number(row.version)]
        const [large = []] = blobs ? await this.#core.read(user, reads.historyValues({ user, key, version })) : []
        const released = large.flatMap(({ change }) => blobs?.release(user, `entry:${String(change)}`) ?? [])
        await this.#core.commit(user, {
          statements: [
            writes.raiseLowestVersion({ user, version }),
            writes.forgetVersions({ user, key, version }),
            writes.forgetTombstone({ user, key, version }),
            ...released,
          ],
        })
      }
      if (rows.length < chunk) return
    }
  }

  /** Deletes the large values of earlier versions of an entry, which the engine cannot do alone. */
  async forgetLarge(user: UserId, key: string, version: number): Promise<void> {
    const { reads, writes, blobs, limits } = this.#core
    const last = version - Math.max(1, limits.history) - 1
    if (!blobs || last < 1) return
    const [rows = []] = await this.#core.read(user, reads.historyValues({ user, key, version: last }))
    if (rows.length === 0) return
    const released = rows.flatMap(({ change }) => blobs.release(user, `entry:${String(change)}`))
    await this.#core.commit(user, { statements: [writes.forgetLarge({ user, key, version: last }), ...released] })
  }

  /** Removes every entry in the order of keys. */
  async clear(actor: Actor): Promise<number> {
    const { user } = actor
    const { reads, writes } = this.#core
    let removed = 0
    for (let from = ''; ; ) {
      const range = { from, to: undefined, limit: chunk }
      const [rows = []] = await this.#core.read(user, reads.list({ user, now }, 'all', range, 'keys'))
      const fragments = rows.map((row): Fragment => {
        const [key, change] = [String(row.key), this.#core.nextChange()]
        const existing = writes.existing({ user, key, now }, { expect: { rows: 1 } })
        return {
          statements: [
            existing,
            ...endStatements(this.#core, user, key, change, 'removed'),
            ...(this.#core.audit?.written(user, { actor: actor.agent, operation: 'clear_context', entry: key }) ?? []),
          ],
          feed: [{ kind: 'removed', key, data: change }],
        }
      })
      removed += await this.#commit(user, fragments)
      const last = rows.at(-1)
      if (rows.length < chunk || !last) break
      from = afterKey(String(last.key))
    }
    await this.expireEntries(user)
    return removed
  }
}
