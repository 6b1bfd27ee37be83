/**
 * Takes away records that are older than their retention. What goes is recorded first, and that record has its place in
 * the tree before the first one goes: whoever verifies knows which records may be missing.
 */
import type { Cancel, Clock } from '../../core/index.ts'
import type { Storage } from '../../storage/index.ts'
import type { AuditStatements } from './audit-statements.ts'
import { incidentsMs } from './audit-tables.ts'

export interface RetirementParts {
  readonly storage: Pick<Storage, 'commit' | 'read' | 'dialect'>
  readonly clock: Clock
  readonly statements: AuditStatements
  readonly retentionMs: number
  /** Ids of records that are made from this moment on sort behind it. */
  readonly idAt: (ms: number) => string
  /** Records that what is older goes, durably and in the tree. */
  readonly announce: (before: string) => Promise<void>
  readonly failed: (error: unknown) => void
}

const everyMs = 3_600_000
const batch = 500

export class Retirement {
  readonly #parts: RetirementParts
  #cancel: Cancel | undefined
  #running: Promise<unknown> = Promise.resolve()

  constructor(parts: RetirementParts) {
    this.#parts = parts
  }

  start(): void {
    const { clock, failed } = this.#parts
    const round = async () => {
      await this.now().catch(failed)
      if (this.#cancel) this.start()
    }
    this.#cancel = clock.after(everyMs, () => void round(), { background: true })
  }

  async stop(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    await this.#running
  }

  /** @returns how many records went */
  now(): Promise<number> {
    const next = this.#running.then(() => this.#retireRecords())
    this.#running = next.catch(() => {})
    return next
  }

  async #retireRecords(): Promise<number> {
    const { clock, retentionMs, idAt, announce, statements, storage } = this.#parts
    const now = clock.now()
    const before = idAt(now - retentionMs)
    const incidentsBefore = idAt(now - Math.max(retentionMs, incidentsMs))
    const [found = []] = await storage.read({ work: true }, [statements.retirable(before, incidentsBefore)])
    if (found.length === 0) return 0
    await announce(before)
    for (let removed = 0; ; ) {
      const statement = statements.retireRecords(before, incidentsBefore, batch)
      const result = await storage.commit({ id: null, scope: { work: true }, statements: [statement] })
      const done = !result.ok
        ? 0
        : storage.dialect.name === 'sqlite'
          ? Number(result.affected[0])
          : Number(result.rows[0]?.[0]?.done)
      removed += done
      if (done < batch) return removed
    }
  }
}
