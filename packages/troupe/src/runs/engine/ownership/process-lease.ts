/**
 * That this process is alive, where several share a storage: one row that it renews. A row is removed only once its lease
 * has run out, and runs are taken only from a process whose row is gone; so whoever still finds its own row has lost
 * nothing. Whoever does not begins anew under another name, and with no runs.
 *
 * A lease only says who may try: that two write one journal is made impossible by the journal's epoch.
 */
import { sql } from 'kysely'
import { type Cancel, type Clock, failure, type Ids } from '../../../core/index.ts'
import { type Bind, rawTemplates, type Statement, type Storage } from '../../../storage/index.ts'

export interface ProcessLease {
  /** The name under which this process holds its runs. */
  readonly processId: string
  /**
   * Whether the runs of this process are surely still its own: nothing while the lease is fresh by a clock that a stopped
   * process cannot stop; else the answer of the storage.
   * @throws LeaseLostError `journal.onLost`
   */
  check(): Promise<void> | undefined
  /** @param onLost the runs that were held are another's, or nobody's */
  start(onLost: () => void): void
  /** ms until the next process but this one is given up, unless it is heard of; removes those that are. */
  nextEnd(): Promise<number | undefined>
  close(): Promise<void>
}

export interface ProcessLeaseOptions {
  readonly storage: Storage
  readonly clock: Clock
  readonly ids: Ids
  readonly leaseMs: number
}

/** A lease that is over as soon as it is renewed, so often in a row, is none. */
const attempts = 5

/** Opens the lease: from then on runs can be held under it. */
export async function openProcessLease(options: ProcessLeaseOptions): Promise<ProcessLease> {
  const lease = new StoredLease(options)
  await lease.begin()
  return lease
}

class StoredLease implements ProcessLease {
  readonly #options: ProcessLeaseOptions
  readonly #table: ReturnType<typeof compileStatements>
  #processId = ''
  /** By the monotonic clock. */
  #freshUntil = 0
  #renewing: Promise<void> | undefined
  #onLost: () => void = () => {}
  #cancel: Cancel = () => {}
  #closed = false

  constructor(options: ProcessLeaseOptions) {
    this.#options = options
    this.#table = compileStatements(options.storage)
  }

  get processId(): string {
    return this.#processId
  }

  async begin(): Promise<void> {
    const { storage, clock, ids, leaseMs } = this.#options
    const processId = ids.next()
    // A hint that is not heard is found by the read each second.
    await storage.broadcast?.listenAs(processId).catch(() => {})
    const asked = clock.monotonic()
    await this.#commit(this.#table.begin({ processId, until: { $: 'now', plusMs: leaseMs } }))
    this.#processId = processId
    this.#freshUntil = asked + leaseMs
  }

  check(): Promise<void> | undefined {
    if (this.#options.clock.monotonic() < this.#freshUntil) return undefined
    return this.#checked()
  }

  start(onLost: () => void): void {
    this.#onLost = onLost
    this.#schedule()
  }

  async nextEnd(): Promise<number | undefined> {
    const { storage } = this.#options
    const now = { $: 'now' } as const
    const [rows] = await storage.read({ work: true }, [
      this.#table.next({ processId: this.#processId, now }, { returns: true }),
    ])
    const left = rows?.[0]?.remaining
    if (left === undefined || left === null) return undefined
    if (Number(left) > 0) return Number(left)
    await this.#commit(this.#table.deleteExpired({ now }))
    return 0
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel()
    await this.#renewing?.catch(() => {})
    await this.#commit(this.#table.end({ processId: this.#processId })).catch(() => {})
  }

  async #checked(): Promise<void> {
    const { processId } = this
    for (let attempt = 0; attempt < attempts; attempt++) {
      await this.#renew()
      if (this.#processId !== processId) throw failure('journal.lost', { journal: 'of a process that was given up' })
      // A renewal that was under way may have been asked for before the process stood still: its answer is old.
      if (this.#options.clock.monotonic() < this.#freshUntil) return
    }
    throw failure('journal.lost', { journal: 'of a process whose lease ends before it is told of it' })
  }

  #schedule(): void {
    if (this.#closed) return
    const scheduleNext = () => this.#schedule()
    const run = () => void this.#renew().then(scheduleNext, scheduleNext)
    this.#cancel = this.#options.clock.after(this.#options.leaseMs / 3, run, { background: true })
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#askForMore().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  async #askForMore(): Promise<void> {
    const { clock, leaseMs } = this.#options
    const asked = clock.monotonic()
    const found = await this.#commit(
      this.#table.renew({ processId: this.#processId, until: { $: 'now', plusMs: leaseMs } }),
    )
    if (found > 0) {
      this.#freshUntil = asked + leaseMs
      return
    }
    if (this.#closed) return
    await this.begin()
    this.#onLost()
  }

  /** @returns how many rows it touched */
  async #commit(statement: Statement): Promise<number> {
    const { storage } = this.#options
    const result = await storage.commit({ id: null, scope: { work: true }, statements: [statement], urgent: true })
    if (!result.ok) throw failure(result.code, { ...result.detail })
    return result.affected[0] ?? 0
  }
}

function compileStatements({ dialect }: Storage) {
  const compile = rawTemplates(dialect)
  return {
    begin: compile<{ processId: string; until: Bind }>(
      (p) =>
        sql`insert into processes (process_id, lease_until) values (${p.processId}, ${p.until}) on conflict do nothing`,
    ),
    renew: compile<{ processId: string; until: Bind }>(
      (p) => sql`update processes set lease_until = ${p.until} where process_id = ${p.processId}`,
    ),
    next: compile<{ processId: string; now: Bind }>(
      (p) => sql`select min(lease_until) - ${p.now} as remaining from processes where process_id <> ${p.processId}`,
    ),
    deleteExpired: compile<{ now: Bind }>((p) => sql`delete from processes where lease_until <= ${p.now}`),
    end: compile<{ processId: string }>((p) => sql`delete from processes where process_id = ${p.processId}`),
  }
}
