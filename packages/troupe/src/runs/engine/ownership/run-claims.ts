/**
 * Finds runs that should go on and that no living process holds: those of processes that were given up, and those that
 * were let go and move. Some of each user before more of any, so that a user with many runs keeps nobody waiting.
 *
 * It only says which: to take one is a statement of the change that takes over its journal.
 */
import { sql } from 'kysely'
import { type Cancel, type Clock, TroupeError, type UserId } from '../../../core/index.ts'
import { rawTemplates, type Storage } from '../../../storage/index.ts'
import type { ProcessLease } from './process-lease.ts'

export interface RunClaims {
  /** @param claim rejects where this process can't, or another was faster */
  start(claim: (user: UserId, run: string) => Promise<unknown>): void
  close(): Promise<void>
}

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
  /** A process that is gone, or empty. */
  readonly owner: string
}

/** Between looks; sooner where a process is about to be given up. */
const pollMs = 1_000
const soonestMs = 20
/** Users in one look, and runs of each. */
const users = 100
const perUser = 4
/** Takeovers at once: fewer than the connections of a pool by default, for its own runs go on meanwhile. */
const concurrency = 8
/** A run whose code is not here is not looked at again for so long. */
const passedOverMs = 30_000
const maxPassedOver = 10_000
/** Of one user, behind those that were passed over. */
const maxPages = 25
/** It may be free again at once: of a process that took it and dies, or when the storage is well. */
const passing = new Set(['run.not_owned', 'run.over', 'run.unknown', 'journal.lost'])

/** @example const claims = createRunClaims({ storage, clock, lease, form: journals.form }) */
export function createRunClaims(options: RunClaimsOptions): RunClaims {
  return new Claims(options)
}

class Claims implements RunClaims {
  readonly #options: RunClaimsOptions
  readonly #table: ReturnType<typeof compileStatements>
  /** Where this process can't take them, by user. */
  readonly #passedOver = new Map<string, Set<string>>()
  #forgetAt = 0
  #passed = 0
  #after = ''
  #claim: (user: UserId, run: string) => Promise<unknown> = async () => {}
  #cancel: Cancel = () => {}
  #polling: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: RunClaimsOptions) {
    this.#options = options
    this.#table = compileStatements(options.storage)
  }

  start(claim: (user: UserId, run: string) => Promise<unknown>): void {
    this.#claim = claim
    this.#schedule(0)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel()
    await this.#polling
  }

  #schedule(ms: number): void {
    if (this.#closed) return
    const run = () => {
      this.#polling = this.#poll().then(
        (wait) => this.#schedule(wait),
        () => this.#schedule(pollMs),
      )
    }
    this.#cancel = this.#options.clock.after(ms, run, { background: true })
  }

  /** @returns ms until the next one */
  async #poll(): Promise<number> {
    const { clock, lease } = this.#options
    const end = await lease.nextEnd()
    if (clock.monotonic() >= this.#forgetAt) {
      this.#passedOver.clear()
      this.#passed = 0
      this.#forgetAt = clock.monotonic() + passedOverMs
    }
    // As long as something was taken there may be more.
    while (!this.#closed && (await this.#claimPage()));
    return Math.max(soonestMs, Math.min(end || pollMs, pollMs))
  }

  async #claimPage(): Promise<boolean> {
    const found = await this.#free()
    let claimed = 0
    const one = async () => {
      for (let each = found.shift(); each && !this.#closed; each = found.shift()) {
        const { user, run } = each
        await this.#claim(user as UserId, run).then(
          () => claimed++,
          (error: unknown) => {
            const code = error instanceof TroupeError ? error.code : ''
            if (!passing.has(code) && !code.startsWith('storage.')) this.#passOver(user, run)
          },
        )
      }
    }
    await Promise.all(Array.from({ length: concurrency }, one))
    return claimed > 0
  }

  async #free(): Promise<Found[]> {
    const { storage, form } = this.#options
    const [rows = []] = await storage.read({ work: true }, [
      this.#table.free({ after: this.#after, form }, { returns: true }),
    ])
    const all = rows.map(
      (row): UnownedRun => ({ user: String(row.user_id), run: String(row.run_id), owner: String(row.owner) }),
    )
    const names = new Set(all.map(({ user }) => user))
    // More users than one look takes: the next look goes on after them.
    this.#after = names.size >= users ? ([...names].sort().at(-1) ?? '') : ''
    const found: Found[] = []
    for (const runs of Map.groupBy(all, ({ user, owner }) => JSON.stringify([user, owner])).values())
      found.push(...(await this.#claimable(runs)))
    return found
  }

  /** Of one user and one holder: what this process has not passed over, found behind that if need be. */
  async #claimable(first: readonly UnownedRun[]): Promise<readonly Found[]> {
    const { storage, form } = this.#options
    let runs = first
    for (let page = 0; page < maxPages; page++) {
      const free = runs.filter((each) => !this.#isPassedOver(each))
      const last = runs.at(-1)
      if (free.length > 0 || !last || runs.length < perUser) return free
      const { user, owner, run: after } = last
      const [rows = []] = await storage.read({ work: true }, [
        this.#table.freeOf({ user, owner, form, after, limit: perUser }, { returns: true }),
      ])
      runs = rows.map((row) => ({ user, owner, run: String(row.run_id) }))
    }
    return []
  }

  #isPassedOver({ user, run }: Found): boolean {
    return this.#passedOver.get(user)?.has(run) === true
  }

  #passOver(user: string, run: string): void {
    if (++this.#passed > maxPassedOver) return
    const runs = this.#passedOver.get(user) ?? new Set()
    this.#passedOver.set(user, runs.add(run))
  }
}

/**
 * Goes by the index alone, step by step: over the processes that hold runs, over the users of those that are gone, over
 * the first runs of each. What it costs grows with the number of processes and of users found, not with that of runs.
 */
function compileStatements(storage: Storage) {
  const { dialect } = storage
  const compile = rawTemplates(dialect)
  const isOwned = sql`(w.moving = 1 or w.owner <> '')`
  return {
    free: compile<{ after: string; form: number }>(
      (p) => sql`with recursive
        holders (owner) as (
          select min(w.owner) from run_work w where ${isOwned}
          union all
          select (select min(w.owner) from run_work w where ${isOwned} and w.owner > h.owner) from holders h
            where h.owner is not null),
        gone (owner) as (
          select h.owner from holders h
            where h.owner is not null and not exists (select 1 from run_processes n where n.process_id = h.owner)),
        waiting (owner, user_id) as (
          select g.owner, (select min(w.user_id) from run_work w
            where ${isOwned} and w.owner = g.owner and w.user_id > ${p.after}) from gone g
          union all
          select u.owner, (select min(w.user_id) from run_work w
            where ${isOwned} and w.owner = u.owner and w.user_id > u.user_id) from waiting u where u.user_id is not null),
        served (owner, user_id) as (select owner, user_id from waiting where user_id is not null limit ${sql.lit(users)}),
        firsts (owner, user_id, run_id, nth) as (
          select s.owner, s.user_id, (select min(w.run_id) from run_work w
            where ${isOwned} and w.owner = s.owner and w.user_id = s.user_id and w.form <= ${p.form}), 1 from served s
          union all
          select f.owner, f.user_id, (select min(w.run_id) from run_work w
            where ${isOwned} and w.owner = f.owner and w.user_id = f.user_id and w.form <= ${p.form} and w.run_id > f.run_id),
            f.nth + 1 from firsts f where f.run_id is not null and f.nth < ${sql.lit(perUser)})
        select owner, user_id, run_id from firsts where run_id is not null order by nth, user_id`,
    ),
    freeOf: compile<{ user: string; owner: string; form: number; after: string; limit: number }>(
      (p) => sql`select w.run_id from run_work w
        where ${isOwned} and w.owner = ${p.owner} and w.user_id = ${p.user} and w.form <= ${p.form} and w.run_id > ${p.after}
        order by w.run_id limit ${p.limit}`,
    ),
  }
}
