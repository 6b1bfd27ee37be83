/** The records of an exported log: each matches its leaf, or a signed record explains why it was deleted. */
import { markOf } from '../../encryption/data-key-statements.ts'
import { isCovered, leafNumbersDigest, recordDigest, toRecord } from '../audit-record.ts'
import type { ReportFinding } from './audit-finding.ts'
import type { ExportedLeaf, ExportedStray, ExportedSubtree } from './export-audit.ts'
import type { RemovalExcuses } from './removal-excuses.ts'

export interface RecordCounts {
  readonly retired: number
  readonly erased: number
  readonly waiting: number
}

export class ExportedRecords {
  readonly #excuses: RemovalExcuses
  readonly #marksWithRows: ReadonlySet<string>
  readonly #report: ReportFinding
  /** Leaves without a record; whether that is allowed is known after the last line. */
  readonly #gone: { readonly n: number; readonly id: string; readonly mark: string }[] = []
  readonly #pruned: ExportedSubtree[] = []
  /** The numbers of leaves of the troupe's own records, which are never pruned. */
  readonly #systemLeaves: number[] = []
  /** The last leaf of each user, by the user's mark. */
  readonly #lastLeaf = new Map<string, number>()
  #waiting = 0

  constructor(excuses: RemovalExcuses, marksWithRows: ReadonlySet<string>, report: ReportFinding) {
    this.#excuses = excuses
    this.#marksWithRows = marksWithRows
    this.#report = report
  }

  /** @param leaf a leaf in its position */
  add({ n, id, mark, digest, record }: ExportedLeaf): void {
    if (mark === '') this.#systemLeaves.push(n)
    else this.#lastLeaf.set(mark, n)
    if (!record) {
      this.#gone.push({ n, id, mark })
      return
    }
    const ownMark = record.user === '' ? '' : markOf(record.user)
    const isUnchanged = record.id === id && ownMark === mark && recordDigest(record) === digest && isCovered(record)
    if (isUnchanged) this.#excuses.add(n, record)
    else this.#report({ kind: 'changed', n, record: toRecord(record), problem: `the record ${id} was changed` })
  }
  addPruned(subtree: ExportedSubtree): void {
    this.#pruned.push(subtree)
  }
  /** Adds a record without a leaf: it has no leaf yet, or it was inserted. */
  addStray({ record, waits }: ExportedStray): void {
    if (waits !== null && waits === recordDigest(record) && isCovered(record)) this.#waiting++
    else {
      const problem = waits === null ? `the record ${record.id} has no place` : `the record ${record.id} was changed`
      this.#report({ kind: waits === null ? 'inserted' : 'changed', record: toRecord(record), problem })
    }
  }

  /** After the last line. */
  end(): RecordCounts {
    const { retiredBefore, firstUnsigned } = this.#excuses
    let [retired, erased] = [this.#judgePruned(), 0]
    const unexcused =
      firstUnsigned === undefined ? '' : `; the record ${firstUnsigned}, which would excuse some, is not signed`
    for (const { n, id, mark } of this.#gone) {
      const erasedAt = this.#excuses.erasedAt(mark)
      // The records of a user that returned come after the erasure.
      const hasOldRows = this.#marksWithRows.has(mark) && (this.#lastLeaf.get(mark) ?? -1) < erasedAt
      if (n < erasedAt && !hasOldRows) erased++
      else if (mark !== '' && id < retiredBefore) retired++
      else {
        const why = n < erasedAt ? '; its user is recorded as erased, and has rows' : unexcused
        this.#report({ kind: 'missing', n, record: { id }, problem: `the record ${id} is gone${why}` })
      }
    }
    return { retired, erased, waiting: this.#waiting }
  }

  #judgePruned(): number {
    const { size, systemLeaves } = this.#excuses.prune
    let count = 0
    for (const { first, level } of this.#pruned) {
      const behind = first + 2 ** level
      if (behind <= size) count += behind - first
      else this.#report({ kind: 'missing', n: first, problem: `leaves ${first} to ${behind - 1} are gone` })
    }
    if (size > 0 && leafNumbersDigest(this.#systemLeaves.filter((n) => n < size)) !== systemLeaves)
      this.#report({ kind: 'missing', n: 0, problem: `leaves of what the troupe did are gone among 0 to ${size - 1}` })
    return count
  }
}
