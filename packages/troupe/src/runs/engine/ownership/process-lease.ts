/**
 * The lease of this process on a shared storage: one row that it renews. Its tick, each second, renews the lease if
 * that is due, and reads in one transaction the changes that lost notifications may have announced. A row is removed
 * only after its lease has expired, and runs are claimed only from processes without a row. So a process that finds its
 * own row has lost no run. A process that does not find it continues under a new name and without runs.
 *
 * The lease does not exclude concurrent writers: the epoch of each journal does.
 */
import { sql } from 'kysely'
import { type Clock, failure, type Ids, PeriodicTask, type Random } from '../../../core/index.ts'
import { type Bind, committed, type Row, type Statement, type Storage, templates } from '../../../storage/index.ts'

/** Reads changes at each tick. */
export interface TickReader {
  statements(): readonly Statement[]
  /** @param rows of each of the statements */
  read(rows: readonly (readonly Row[])[]): void
}

export interface ProcessLeaseOptions {
  readonly storage: Storage
  readonly clock: Clock
  /** Spreads the ticks of the processes. */
  readonly random?: Random
  readonly ids: Ids
  readonly leaseMs: number
}

/** After this many renewals in a row that had already expired, the lease counts as lost. */
const attempts = 5
const tickMs = 1_000

/** Opens the lease: from then on runs can be held under it. */
export async function openProcessLease(options: ProcessLeaseOptions): Promise<ProcessLease> {
  const lease = new ProcessLease(options)
  await lease.begin()
  return lease
}

export class ProcessLease {
  readonly #options: ProcessLeaseOptions
  readonly #table: ReturnType<typeof compileStatements>
  #processId = ''
  /** The monotonic time until which the lease is fresh. */
  #freshUntil = 0
  #renewing: Promise<void> | undefined
  #onLost: () => void = () => {}
  readonly #tick: PeriodicTask
  readonly #readers = new Set<TickReader>()
  #reading: Promise<void> | undefined

  constructor(options: ProcessLeaseOptions) {
    this.#options = options
    this.#table = compileStatements(options.storage)
    const { clock, random, leaseMs } = options
    const intervalMs = Math.min(tickMs, leaseMs / 3)
    this.#tick = new PeriodicTask({ name: 'tick', clock, random, intervalMs, run: () => this.#onTick(intervalMs) })
  }

  /** The id under which this process owns its runs. */
  get processId(): string {
    return this.#processId
  }

  /** Starts a lease under a new id. Owners of runs under the old id learn of their loss before the new id is used. */
  async begin(): Promise<void> {
    const { storage, clock, ids, leaseMs } = this.#options
    const processId = ids.next()
    // The read each second finds what a lost notification announced.
    await storage.broadcast?.listenAs(processId).catch(() => {})
    const asked = clock.monotonic()
    await this.#commit(this.#table.begin({ processId, until: { $: 'now', plusMs: leaseMs } }))
    const isAnother = this.#processId !== ''
    this.#processId = processId
    if (isAnother) this.#onLost()
    this.#freshUntil = asked + leaseMs
  }

  /**
   * Checks that the runs of this process are still its own. Returns undefined while the lease is fresh by the monotonic clock,
   * which a suspension of the process does not stop; otherwise asks the storage.
   * @throws LeaseLostError `journal.lost`
   */
  check(): Promise<void> | undefined {
    if (this.#options.clock.monotonic() < this.#freshUntil) return undefined
    return this.#checked()
  }

  /** @param onLost called when the process no longer owns its runs */
  start(onLost: () => void): void {
    this.#onLost = onLost
    this.#tick.start()
  }

  /** Reads with the reader now and at each tick. @returns a function that ends these reads */
  onTick(reader: TickReader): () => void {
    this.#readers.add(reader)
    void this.#tick.trigger()
    return () => void this.#readers.delete(reader)
  }

  async close(): Promise<void> {
    await this.#tick.close()
    await this.#reading
    await this.#renewing?.catch(() => {})
    await this.#commit(this.#table.end({ processId: this.#processId })).catch(() => {})
  }

  async #checked(): Promise<void> {
    const { processId } = this
    for (let attempt = 0; attempt < attempts; attempt++) {
      await this.#renewProcessLease()
      if (this.#processId !== processId) throw failure('journal.lost', { journal: 'of a process that was given up' })
      // A renewal in progress may have started before the process was suspended, so its answer is old.
      if (this.#options.clock.monotonic() < this.#freshUntil) return
    }
    throw failure('journal.lost', { journal: 'of a process whose lease ends before the notification arrives' })
  }

  /** A slow read must not keep the lease from being renewed, so the tick does not wait for it. */
  async #onTick(intervalMs: number): Promise<void> {
    const { clock, leaseMs } = this.#options
    if (this.#readers.size > 0)
      this.#reading ??= this.#read()
        .catch(() => {})
        .finally(() => {
          this.#reading = undefined
        })
    // Renewed at the tick next to the end of the first third of the lease.
    const sinceMs = clock.monotonic() - (this.#freshUntil - leaseMs)
    if (sinceMs >= leaseMs / 3 - intervalMs / 2) await this.#renewProcessLease()
  }

  async #read(): Promise<void> {
    const { storage } = this.#options
    const now = { $: 'now' } as const
    const expired = this.#table.expired({ processId: this.#processId, now }, { returns: true })
    const readers = [...this.#readers].map((reader) => ({ reader, statements: reader.statements() }))
    const [found = [], ...rows] = await storage.read({ work: true }, [expired, ...readers.flatMap((r) => r.statements)])
    if (found.length > 0) {
      // The same read returns the runs of those processes only after their rows are deleted.
      await this.#commit(this.#table.deleteExpired({ now }))
      return this.#read()
    }
    for (const { reader, statements } of readers)
      if (this.#readers.has(reader)) reader.read(rows.splice(0, statements.length))
      else rows.splice(0, statements.length)
  }

  #renewProcessLease(): Promise<void> {
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
    if (this.#tick.isClosed) return
    await this.begin()
  }

  /** @returns how many rows it touched */
  async #commit(statement: Statement): Promise<number> {
    const { storage } = this.#options
    const change = { id: null, scope: { work: true }, statements: [statement], urgent: true } as const
    const { affected } = await committed(storage, change)
    return affected[0] ?? 0
  }
}

function compileStatements({ dialect }: Storage) {
  const compile = templates(dialect)
  return {
    begin: compile<{ processId: string; until: Bind }>(
      (p) =>
        sql`insert into processes (process_id, lease_until) values (${p.processId}, ${p.until}) on conflict do nothing`,
    ),
    renew: compile<{ processId: string; until: Bind }>(
      (p) => sql`update processes set lease_until = ${p.until} where process_id = ${p.processId}`,
    ),
    expired: compile<{ processId: string; now: Bind }>(
      (p) =>
        sql`select process_id from processes where process_id <> ${p.processId} and lease_until <= ${p.now} limit 1`,
    ),
    deleteExpired: compile<{ now: Bind }>((p) => sql`delete from processes where lease_until <= ${p.now}`),
    end: compile<{ processId: string }>((p) => sql`delete from processes where process_id = ${p.processId}`),
  }
}
