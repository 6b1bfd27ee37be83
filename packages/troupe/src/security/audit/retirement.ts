/**
 * Deletes records that are older than their retention, and then their leaves of the tree. The deletion is recorded first, and that
 * record has a leaf before the first record is deleted, so that the verifier knows which records may be missing.
 */
import { type Clock, idAt, PeriodicTask } from '../../core/index.ts'
import type { Storage } from '../../storage/index.ts'
import type { AuditStatements } from './audit-statements.ts'
import { incidentsMs } from './schema/audit-tables.ts'
import { TreePruner } from './tree/tree-pruner.ts'

export interface RetirementParts {
  readonly storage: Pick<Storage, 'commit' | 'read' | 'dialect'>
  readonly clock: Clock
  readonly statements: AuditStatements
  readonly retentionMs: number
  /** Records the deletion durably and in the tree. */
  readonly announce: (operation: 'audit.retire' | 'audit.prune', resource: string) => Promise<void>
  readonly failed: (error: unknown) => void
}

const everyMs = 3_600_000
const batch = 500

export class Retirement {
  readonly #parts: RetirementParts
  readonly #pruner: TreePruner
  readonly #task: PeriodicTask
  #running: Promise<unknown> = Promise.resolve()

  constructor(parts: RetirementParts) {
    this.#parts = parts
    const { storage, statements, announce, clock, failed } = parts
    const run = async () => void (await this.now())
    this.#task = new PeriodicTask({ name: 'audit retention', clock, intervalMs: everyMs, run, failed })
    this.#pruner = new TreePruner({
      storage,
      statements,
      announce: (resource) => announce('audit.prune', resource),
    })
  }

  start(): void {
    this.#task.start()
  }

  async stop(): Promise<void> {
    await this.#task.close()
    await this.#running
  }

  /** @returns the number of deleted records */
  now(): Promise<number> {
    const next = this.#running.then(() => this.#retireRecords())
    this.#running = next.catch(() => {})
    return next
  }

  async #retireRecords(): Promise<number> {
    const { clock, retentionMs } = this.#parts
    const now = clock.now()
    const incidentsBefore = idAt(now - Math.max(retentionMs, incidentsMs))
    const removed = await this.#removeRecords(idAt(now - retentionMs), incidentsBefore)
    await this.#pruner.prune(incidentsBefore)
    return removed
  }

  async #removeRecords(before: string, incidentsBefore: string): Promise<number> {
    const { announce, statements, storage } = this.#parts
    const [found = []] = await storage.read({ work: true }, [statements.retirable(before, incidentsBefore)])
    if (found.length === 0) return 0
    await announce('audit.retire', before)
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
