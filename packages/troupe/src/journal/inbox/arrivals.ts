/**
 * Reports inboxes with new rows to listeners. Each commit that adds a row sends a hint to the process that owns the run, or
 * to all processes if the run has no owner. A hint may be lost. Therefore `work` has for each inbox `woken`, which is set if
 * rows may be unread, and `arrivals`, their number. A process reads no arrivals of runs of other processes.
 */
import { sql } from 'kysely'
import { prefixEnd } from '../../core/index.ts'
import {
  type Dialect,
  type InboxArrival,
  type Row,
  type Statement,
  type Storage,
  templates,
} from '../../storage/index.ts'
import type { JournalId } from '../journal-port.ts'
import { journalOwnerOf, runPrefix, stepJournal, workJournal, workShards } from '../run-journal.ts'
import { ArrivalCounts } from './arrival-counts.ts'

export type ArrivalListener = (user: string, journal: JournalId) => void

export interface ArrivalsOptions {
  readonly storage: Storage
  /** The id of this process in the rows of work; absent if no other process uses the storage. */
  readonly owner?: (() => string) | undefined
}

interface WokenJournal {
  readonly user: string
  readonly journal: JournalId
  readonly arrivals: number
}

const pageSize = 1_000

export class Arrivals {
  readonly #options: ArrivalsOptions
  readonly #statements: ReturnType<typeof compileStatements>
  readonly #listeners = new Set<ArrivalListener>()
  readonly #counts = new ArrivalCounts()
  /** For each statement of `missed`: the last row of a full page. */
  readonly #pageEnds: (Row | undefined)[] = []
  #stop: (() => void) | undefined

  constructor(options: ArrivalsOptions) {
    this.#options = options
    this.#statements = compileStatements(options.storage.dialect)
  }

  /** Calls the listener for all unread rows and for later arrivals. */
  on(listener: ArrivalListener): () => void {
    this.#listeners.add(listener)
    this.#stop ??= this.#start()
    // Rows that were reported to other listeners are reported to this one too.
    this.#counts.forgetReported()
    void this.#poll().catch(() => {})
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#stop?.()
      this.#stop = undefined
    }
  }

  /** Returns the number of arrivals before the last read of the run's inbox. Later rows may be unread. */
  readUpTo(user: string, journal: JournalId): number {
    return this.#counts.readUpTo(user, journal)
  }

  /** Records a read of a run's inbox after so many arrivals. */
  wasRead(user: string, journal: JournalId, arrivals: number): void {
    if (this.#counts.wasRead(user, journal, arrivals)) void this.#reportSteps(user, journal).catch(() => {})
  }

  #start(): () => void {
    return this.#options.storage.onHint((hint) => {
      if ('arrival' in hint) this.#receive(hint.arrival)
      else if ('missed' in hint) void this.#poll().catch(() => {})
    })
  }

  /** The reads of missed arrivals. After a full page, the next read continues with the next page. */
  readonly missed = {
    statements: (): readonly Statement[] =>
      this.#templates().map((template, i) => this.#pageAfter(template, this.#pageEnds[i])),
    read: (pages: readonly (readonly Row[])[]): void => {
      for (const [i, rows] of pages.entries()) this.#pageEnds[i] = rows.length === pageSize ? rows.at(-1) : undefined
      void this.#reportAll(pages.flat()).catch(() => {})
    },
  }

  /** Reports all unread rows, read in pages. */
  async #poll(): Promise<void> {
    for (const template of this.#templates())
      for (let after: Row | undefined, more = true; more; ) {
        const statement = this.#pageAfter(template, after)
        const [rows = []]: readonly (readonly Row[])[] = await this.#options.storage.read({ work: true }, [statement])
        await this.#reportAll(rows)
        after = rows.at(-1)
        more = rows.length === pageSize
      }
  }

  #templates() {
    const { owned, unowned, any } = this.#statements
    return this.#options.owner ? [owned, unowned] : [any]
  }

  #pageAfter(template: ReturnType<typeof compileStatements>['any'], after: Row | undefined): Statement {
    const { owner = () => '' } = this.#options
    const [user, journal] = [String(after?.user_id ?? ''), String(after?.journal_id ?? '')]
    return template({ owner: owner(), user, journal }, { returns: true })
  }

  async #reportAll(rows: readonly Row[]): Promise<void> {
    for (const row of rows)
      await this.#reportWoken({
        user: String(row.user_id),
        journal: String(row.journal_id),
        arrivals: Number(row.arrivals),
      })
  }

  async #reportWoken({ user, journal, arrivals }: WokenJournal): Promise<void> {
    if (!journal.startsWith(runPrefix)) return this.#notify(user, journal)
    if (this.#counts.reported(user, journal) >= arrivals) return
    this.#notify(user, journal)
    await this.#reportSteps(user, journal)
    this.#counts.report(user, journal, arrivals)
  }

  #receive({ owner, user, journal, arrivals }: InboxArrival): void {
    const own = this.#options.owner?.()
    if (own !== undefined && owner !== '' && owner !== own) return
    this.#notify(user, journal)
    const work = workJournal(journal)
    if (!work.startsWith(runPrefix) || (own !== undefined && owner !== own)) return
    const seen = this.#counts.reported(user, work)
    if (arrivals <= seen) return
    if (arrivals === seen + 1) this.#counts.report(user, work, arrivals)
    // An earlier hint was lost or is late.
    else void this.#reportWoken({ user, journal: work, arrivals }).catch(() => {})
  }

  /** Reports the steps of the run whose inboxes have rows. */
  async #reportSteps(user: string, work: JournalId): Promise<void> {
    const prefix = stepJournal(journalOwnerOf(work)?.run ?? '', '')
    const [rows = []] = await this.#options.storage.read({ user }, [
      this.#statements.steps({ user, from: prefix, to: prefixEnd(prefix) }, { returns: true }),
    ])
    for (const row of rows) this.#notify(user, String(row.journal_id))
  }

  #notify(user: string, journal: JournalId): void {
    for (const listener of [...this.#listeners]) listener(user, journal)
  }
}

function compileStatements(dialect: Dialect) {
  const compile = templates(dialect)
  type Page = { readonly owner: string; readonly user: string; readonly journal: string }
  const after = (p: Page) => sql`(w.user_id, w.journal_id) > (${p.user}, ${p.journal})`
  const order = sql`order by w.user_id, w.journal_id limit ${sql.lit(pageSize)}`
  const columns = sql`w.user_id, w.journal_id, w.arrivals`
  return {
    owned: compile<Page>(
      (p) => sql`select ${columns} from work w where w.woken = 1 and w.owner = ${p.owner} and ${after(p)} ${order}`,
    ),
    /** Journals outside runs. Runs without an owner are claimed instead. */
    unowned: compile<Page>(
      (p) => sql`select ${columns} from work w where w.woken = 1 and w.owner = '' and w.due_at is null
        and w.shard between 0 and ${sql.lit(workShards - 1)} and ${after(p)} ${order}`,
    ),
    any: compile<Page>((p) => sql`select ${columns} from work w where w.woken = 1 and ${after(p)} ${order}`),
    steps: compile<{ user: string; from: string; to: string }>(
      (p) => sql`select distinct journal_id from inbox
        where user_id = ${p.user} and journal_id >= ${p.from} and journal_id < ${p.to}`,
    ),
  }
}
