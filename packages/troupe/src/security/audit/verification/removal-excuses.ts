/** The signed records that explain deleted records and leaves: erasures, retention and pruning. */
import { idAt } from '../../../core/index.ts'
import type { StoredRecord } from '../audit-record.ts'
import { incidentsMs, leastRetentionMs } from '../schema/audit-tables.ts'
import { type PruneExcuse, readPruneExcuse } from '../tree/tree-pruner.ts'
import { type AuditVerifier, excusingOperations } from './checkpoint.ts'

export class RemovalExcuses {
  readonly #isSigned: AuditVerifier['excuses']
  readonly #retentionMs: number
  /** The last leaf that records the erasure of a user, by the user's mark. */
  readonly #erasedAt = new Map<string, number>()
  #firstUnsigned: string | undefined
  #retiredBefore = ''
  #prune: PruneExcuse = { size: 0, before: '', systemLeaves: '' }

  /** @param retentionMs the shortest retention of the log, which covers no younger record */
  constructor(isSigned: AuditVerifier['excuses'], retentionMs: number) {
    this.#isSigned = isSigned
    this.#retentionMs = Math.max(retentionMs, leastRetentionMs)
  }

  /** Retention may not delete records of this or a later id. */
  get retiredBefore(): string {
    return this.#retiredBefore
  }
  /** The prune that reaches farthest. */
  get prune(): PruneExcuse {
    return this.#prune
  }
  /** The first such record with an invalid signature. */
  get firstUnsigned(): string | undefined {
    return this.#firstUnsigned
  }
  /** @returns the last leaf that records the erasure of the user; -1 if there is none */
  erasedAt(mark: string): number {
    return mark === '' ? -1 : (this.#erasedAt.get(mark) ?? -1)
  }

  /** @param n the leaf of a record that is unchanged */
  add(n: number, record: StoredRecord): void {
    const { id, at, user, operation, resource, signature } = record
    if (user !== '' || !excusingOperations.includes(operation)) return
    if (resource === null || !this.#isSigned(record, signature, n)) this.#firstUnsigned ??= id
    else if (operation === 'user.forget') this.#erasedAt.set(resource, n)
    else if (operation === 'audit.prune') {
      const excuse = readPruneExcuse(resource)
      const oldEnough = idAt(at - Math.max(this.#retentionMs, incidentsMs))
      if (excuse.before <= oldEnough && excuse.size > this.#prune.size) this.#prune = excuse
    } else {
      const oldEnough = idAt(at - this.#retentionMs)
      const before = resource < oldEnough ? resource : oldEnough
      if (before > this.#retiredBefore) this.#retiredBefore = before
    }
  }
}
