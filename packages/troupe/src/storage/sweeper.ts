/**
 * Keeps what storage itself needs within its bounds: ids of changes, items of the feed. Works in small changes, so that
 * nobody's commit waits long for it.
 *
 * Invariant: the floor of a user is raised in the change that removes what lies below it.
 */
import type { Cancel, Clock } from '../core/index.ts'
import type { Row, Storage } from './port.ts'
import { type Retention, type RetentionBounds, retentionBounds } from './retention.ts'
import type { Statement } from './statement.ts'

export interface SweeperOptions {
  readonly storage: Pick<Storage, 'commit' | 'read'>
  readonly clock: Clock
  readonly retention: Retention
  /** After a round. */
  readonly afterwards: () => Promise<void>
}

const step = 500
/** A user is cut back when so much above the bound, so that it happens once in many commits. */
const slack = 1.25

export class Sweeper {
  readonly #options: SweeperOptions
  #bounds: RetentionBounds
  #cancel: Cancel | undefined
  #stopped = false
  #round: Promise<void> = Promise.resolve()

  constructor(options: SweeperOptions) {
    this.#options = options
    this.#bounds = retentionBounds(options.retention)
    this.#schedule()
  }

  /** Until everything is within its bounds. */
  async sweep(): Promise<void> {
    const { clock, afterwards } = this.#options
    const { changeIdsMs, feedMs, feedRevisions } = this.#bounds
    while (!this.#stopped && (await this.#ids(clock.now() - changeIdsMs)));
    while (!this.#stopped && (await this.#old(clock.now() - feedMs)));
    while (!this.#stopped && (await this.#many(feedRevisions)));
    if (!this.#stopped) await afterwards()
  }

  /** Holds from now on; the next round is counted from now too. */
  keep(retention: Retention): void {
    this.#bounds = retentionBounds(retention)
    if (!this.#cancel) return
    this.#cancel()
    this.#schedule()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    await this.#round
  }

  #schedule(): void {
    if (this.#stopped) return
    const run = () => {
      // What cannot be written now is found again in the next round; the storage's state tells of the failure.
      this.#cancel = undefined
      this.#round = this.sweep().then(
        () => this.#schedule(),
        () => this.#schedule(),
      )
    }
    this.#cancel = this.#options.clock.after(this.#bounds.everyMs, run, { background: true })
  }

  async #ids(before: number): Promise<boolean> {
    const sql = `delete from storage_changes where (id, user_id) in
      (select id, user_id from storage_changes where at < ? order by at limit ${step})`
    return (await this.#change([{ sql, binds: [before] }])) === step
  }

  async #old(before: number): Promise<boolean> {
    const [row] = await this.#rows(
      `select max(n) as n, count(*) as count from (select n, at from storage_feed order by n limit ${step}) where at < ?`,
      before,
    )
    if (!row || row.n === null) return false
    const last = row.n as number
    const raise = `update storage_revisions set floor = max(floor, (select max(revision) from storage_feed
        where storage_feed.user_id = storage_revisions.user_id and n <= ?))
      where user_id in (select user_id from storage_feed where n <= ?)`
    await this.#change([
      { sql: raise, binds: [last, last] },
      { sql: 'delete from storage_feed where n <= ?', binds: [last] },
    ])
    return row.count === step
  }

  async #many(bound: number): Promise<boolean> {
    const above = Math.floor(bound * slack)
    // The literal lets the engine use the partial index, which holds only such users.
    const indexed = above >= 10_000 ? 'revision - floor > 10000 and' : ''
    const sql = `select user_id, revision, floor from storage_revisions where ${indexed} revision - floor > ? limit 1`
    const [row] = await this.#rows(sql, above)
    if (!row) return false
    const user = row.user_id as string
    const floor = Math.min((row.floor as number) + step, (row.revision as number) - bound)
    await this.#change([
      { sql: 'update storage_revisions set floor = max(floor, ?) where user_id = ?', binds: [floor, user] },
      { sql: 'delete from storage_feed where user_id = ? and revision <= ?', binds: [user, floor] },
    ])
    return true
  }

  async #rows(sql: string, bind: number): Promise<readonly Row[]> {
    return (await this.#options.storage.read({ work: true }, [{ sql, binds: [bind], returns: true }]))[0] ?? []
  }

  /** How many rows the last statement removed. */
  async #change(statements: readonly Statement[]): Promise<number> {
    const result = await this.#options.storage.commit({ id: null, scope: { work: true }, statements })
    return result.ok ? (result.affected.at(-1) ?? 0) : 0
  }
}
