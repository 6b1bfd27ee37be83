/** What the signed records of a log say about records and leaves that are gone: erased, retired or pruned. */
import { idAt } from '../../../core/index.ts'
import type { StoredRecord } from '../audit-record.ts'
import { incidentsMs, leastRetentionMs } from '../audit-tables.ts'
import { type PruneExcuse, readPruneExcuse } from '../tree/tree-pruner.ts'
import { type AuditVerifier, excusingOperations } from './checkpoint.ts'

export class RemovalExcuses {
  readonly #isSigned: AuditVerifier['excuses']
  readonly #retentionMs: number
  /** By the mark of a user: the last leaf that says it was forgotten. */
  readonly #erasedAt = new Map<string, number>()
  #firstUnsigned: string | undefined
  #retiredBefore = ''
  #prune: PruneExcuse = { size: 0, before: '', systemLeaves: '' }

  /** @param retentionMs the shortest that the log had: a retirement excuses no younger record */
  constructor(isSigned: AuditVerifier['excuses'], retentionMs: number) {
    this.#isSigned = isSigned
    this.#retentionMs = Math.max(retentionMs, leastRetentionMs)
  }

  /** Records of this or a later id may not be retired. */
  get retiredBefore(): string {
    return this.#retiredBefore
  }
  /** The prune that reaches farthest. */
  get prune(): PruneExcuse {
    return this.#prune
  }
  /** The first record that would excuse others, and whose signature does not hold. */
  get firstUnsigned(): string | undefined {
    return this.#firstUnsigned
  }
  /** @returns the last leaf that says that the user of this mark was forgotten; -1 if none does */
  erasedAt(mark: string): number {
    return mark === '' ? -1 : (this.#erasedAt.get(mark) ?? -1)
  }

  /** @param n the leaf of a record that is unchanged */
  add(n: number, record: StoredRecord): void {
    const { id, at, user, operation, resource, signature } = record
    if (user !== '' || !excusingOperations.includes(operation)) return
    if (resource === null || !this.#isSigned(record, signature)) this.#firstUnsigned ??= id
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
