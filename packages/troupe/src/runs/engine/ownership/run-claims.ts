/**
 * Finds due runs that no process with a valid lease owns: those of ended processes, and released runs that can
 * continue. Takes some runs of each user before more of any, so that a user with many runs does not delay others.
 *
 * It only finds the runs: the claim is a statement of the change that takes over the journal.
 */
import { type RawBuilder, sql } from 'kysely'
import { type Clock, TroupeError, type UserId } from '../../../core/index.ts'
import { runJournal, runPrefix, workShards } from '../../../journal/index.ts'
import { type Bind, type Row, type Statement, type Storage, templates } from '../../../storage/index.ts'
import { PassedOverRuns } from './passed-over-runs.ts'
import type { ProcessLease } from './process-lease.ts'

export interface RunClaimsOptions {
  readonly storage: Storage
  readonly clock: Clock
  readonly lease: ProcessLease
  /** The newest form of records that this build reads. */
  readonly form: number
}

interface Found {
  readonly user: string
  readonly run: string
}
interface UnownedRun extends Found {
  /** An ended process, or empty. */
  readonly owner: string
}

/** The number of users in one read, and of runs for each. */
const users = 100
const perUser = 4
/** The number of concurrent takeovers: fewer than the default connections of a pool, because its own runs continue. */
const concurrency = 8
/** The highest number of pages of one user that are read to find a run which this process does not skip. */
const maxPages = 25
/** The run may soon be free again: its new owner may end, or the storage may recover. */
const passing = new Set(['run.not_owned', 'run.over', 'run.unknown', 'journal.lost'])

/** The position before all users. */
const start = { afterShard: -1, after: '', afterOrphaned: '' }

const runOf = (row: Row): string => String(row.journal_id).slice(runPrefix.length)

/** Returns the users after which the next read continues if there are more than one read returns. @param rows in order */
function lastUsers(rows: readonly Row[]): typeof start {
  const first = rows.filter(({ nth }) => Number(nth) === 0)
  const due = first.filter(({ owner }) => owner === '')
  const orphaned = first.filter(({ owner }) => owner !== '')
  const lastDue = due.length < users ? undefined : due.at(-1)
  const lastOrphaned = orphaned.length < users ? undefined : orphaned.at(-1)
  return {
    ...start,
    ...(lastDue ? { afterShard: Number(lastDue.shard), after: String(lastDue.user_id) } : {}),
    ...(lastOrphaned ? { afterOrphaned: String(lastOrphaned.user_id) } : {}),
  }
}

/** @example const claims = new RunClaims({ storage, clock, lease, form: journals.form }) */
export class RunClaims {
  readonly #options: RunClaimsOptions
  readonly #table: ReturnType<typeof compileStatements>
  readonly #passedOver: PassedOverRuns
  #after = start
  #claim: (user: UserId, run: string) => Promise<unknown> = async () => {}
  #claiming: Promise<void> | undefined
  #stop: (() => void) | undefined

  constructor(options: RunClaimsOptions) {
    this.#options = options
    this.#table = compileStatements(options.storage)
    this.#passedOver = new PassedOverRuns(options.clock)
  }

  /**
   * Reads with each tick of the lease.
   * @param claim rejects if this process cannot claim the run, or another process was faster
   */
  start(claim: (user: UserId, run: string) => Promise<unknown>): void {
    this.#claim = claim
    this.#stop = this.#options.lease.onTick({
      statements: () => (this.#claiming ? [] : [this.#freeStatement()]),
      read: ([rows]) => {
        if (rows) this.#claimAll(rows)
      },
    })
  }

  async close(): Promise<void> {
    this.#stop?.()
    this.#stop = undefined
    await this.#claiming
  }

  /** Continues while runs were claimed, because more may follow. The next tick finds failed claims. */
  #claimAll(first: readonly Row[]): void {
    const claimAll = async () => {
      for (let rows = first; this.#stop && (await this.#claimPage(rows)); ) rows = await this.#readFree()
    }
    this.#claiming ??= claimAll()
      .catch(() => {})
      .finally(() => {
        this.#claiming = undefined
      })
  }

  async #claimPage(rows: readonly Row[]): Promise<boolean> {
    this.#passedOver.expire()
    const found = await this.#claimableOf(rows)
    let claimed = 0
    const one = async () => {
      for (let each = found.shift(); each && this.#stop; each = found.shift()) {
        const { user, run } = each
        await this.#claim(user as UserId, run).then(
          () => claimed++,
          (error: unknown) => {
            const code = error instanceof TroupeError ? error.code : ''
            if (!passing.has(code) && !code.startsWith('storage.')) this.#passedOver.add(user, run)
          },
        )
      }
    }
    await Promise.all(Array.from({ length: concurrency }, one))
    return claimed > 0
  }

  #freeStatement(): Statement {
    const { form } = this.#options
    return this.#table.free({ ...this.#after, form, now: { $: 'now' } }, { returns: true })
  }

  async #readFree(): Promise<readonly Row[]> {
    const [rows = []] = await this.#options.storage.read({ work: true }, [this.#freeStatement()])
    return rows
  }

  async #claimableOf(rows: readonly Row[]): Promise<Found[]> {
    const all = rows.map(
      (row): UnownedRun => ({ user: String(row.user_id), run: runOf(row), owner: String(row.owner) }),
    )
    this.#after = lastUsers(rows)
    const found: Found[] = []
    for (const runs of Map.groupBy(all, ({ user, owner }) => JSON.stringify([user, owner])).values())
      found.push(...(await this.#claimable(runs)))
    return found
  }

  /** Returns the runs of one user and one owner that this process does not skip. */
  async #claimable(first: readonly UnownedRun[]): Promise<readonly Found[]> {
    const { storage, form } = this.#options
    let runs = first
    for (let page = 0; page < maxPages; page++) {
      const free = runs.filter((each) => !this.#passedOver.has(each.user, each.run))
      const last = runs.at(-1)
      if (free.length > 0 || !last || runs.length < perUser) return free
      const { user, owner, run } = last
      const after = runJournal(run)
      const [rows = []] = await storage.read({ work: true }, [
        this.#table.freeOf({ user, owner, form, after, limit: perUser }, { returns: true }),
      ])
      runs = rows.map((row) => ({ user, owner, run: runOf(row) }))
    }
    return []
  }
}

/**
 * Follows indexes alone: the users with due work without an owner, in the order of their shards; the processes that own
 * runs, and the users of ended processes; the first runs of each user. The cost grows with the number of processes and
 * users found, not with the number of runs.
 */
function compileStatements(storage: Storage) {
  const { dialect } = storage
  const compile = templates(dialect)
  type Free = typeof start & { readonly form: number; readonly now: Bind }
  const lastShard = sql.lit(workShards - 1)
  const isDue = (now: Bind) => sql`w.owner = '' and w.due_at is not null and w.due_at <= ${now}`
  /** The next user with due work, as one column of the row. */
  const next = (column: 'shard' | 'user_id', p: Free, shard: RawBuilder<unknown>, user: RawBuilder<unknown>) =>
    sql`(select ${sql.ref(`w.${column}`)} from work w where ${isDue(p.now)} and w.shard between 0 and ${lastShard}
      and (w.shard, w.user_id) > (${shard}, ${user}) order by w.shard, w.user_id limit 1)`
  /**
   * The next work of a user, as one column of the row: of what is due the oldest first, of what a lost process owned by
   * id.
   */
  const following = (column: 'due_at' | 'journal_id', p: Free, from: 's' | 'f') => {
    const of = (name: string) => sql.ref(`${from}.${name}`)
    const isFit = sql`w.user_id = ${of('user_id')} and w.form <= ${p.form}`
    const [afterDue, afterOwned] =
      from === 's'
        ? [sql``, sql``]
        : [sql`and (w.due_at, w.journal_id) > (f.due_at, f.journal_id)`, sql`and w.journal_id > f.journal_id`]
    const value = sql.ref(`w.${column}`)
    return sql`case when ${of('owner')} = ''
      then (select ${value} from work w where ${isDue(p.now)} and w.shard = ${of('shard')} and ${isFit} ${afterDue}
        order by w.due_at, w.journal_id limit 1)
      else (select ${value} from work w where w.owner <> '' and w.owner = ${of('owner')} and ${isFit} ${afterOwned}
        order by w.journal_id limit 1) end`
  }
  return {
    free: compile<Free>(
      (p) => sql`with recursive
        due (shard, user_id) as (
          select ${next('shard', p, sql`${p.afterShard}`, sql`${p.after}`)}, ${next('user_id', p, sql`${p.afterShard}`, sql`${p.after}`)}
          union all
          select ${next('shard', p, sql`d.shard`, sql`d.user_id`)}, ${next('user_id', p, sql`d.shard`, sql`d.user_id`)}
            from due d where d.user_id is not null),
        owners (owner) as (
          select min(w.owner) from work w where w.owner <> ''
          union all
          select (select min(w.owner) from work w where w.owner <> '' and w.owner > o.owner) from owners o
            where o.owner is not null),
        gone (owner) as (
          select o.owner from owners o
            where o.owner is not null and not exists (select 1 from processes n where n.process_id = o.owner)),
        orphaned (owner, user_id) as (
          select g.owner, (select min(w.user_id) from work w
            where w.owner <> '' and w.owner = g.owner and w.user_id > ${p.afterOrphaned}) from gone g
          union all
          select u.owner, (select min(w.user_id) from work w
            where w.owner <> '' and w.owner = u.owner and w.user_id > u.user_id) from orphaned u where u.user_id is not null),
        served (owner, shard, user_id) as (
          select * from (select '' as owner, shard, user_id from due where user_id is not null limit ${sql.lit(users)}) d
          union all
          select * from (select owner, 0 as shard, user_id from orphaned where user_id is not null limit ${sql.lit(users)}) o),
        firsts (owner, shard, user_id, nth, due_at, journal_id) as (
          select s.owner, s.shard, s.user_id, 0, ${following('due_at', p, 's')}, ${following('journal_id', p, 's')} from served s
          union all
          select f.owner, f.shard, f.user_id, f.nth + 1, ${following('due_at', p, 'f')}, ${following('journal_id', p, 'f')}
            from firsts f where f.journal_id is not null and f.nth < ${sql.lit(perUser - 1)})
        select owner, shard, user_id, journal_id, nth from firsts where journal_id is not null order by nth, shard, user_id`,
    ),
    freeOf: compile<{ user: string; owner: string; form: number; after: string; limit: number }>(
      (p) => sql`select w.journal_id from work w
        where w.owner = ${p.owner} and (w.owner <> '' or w.due_at is not null) and w.user_id = ${p.user}
          and w.form <= ${p.form} and w.journal_id > ${p.after}
        order by w.journal_id limit ${p.limit}`,
    ),
  }
}
