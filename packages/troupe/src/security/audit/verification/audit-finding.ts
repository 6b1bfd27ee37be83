/** A difference between an exported log and its checkpoints. */
import type { AuditRecord } from '../audit-record.ts'

/** A difference between an exported log and its checkpoints, or its own hashes. */
export interface AuditFinding {
  /**
   * `changed`: a record or its leaf was changed. `missing`: a record or its leaf is missing. `inserted`: a record never
   * got a place. `reordered`: leaves changed places. `rewritten`: leaves and hashes were changed, so that only the next
   * checkpoint differs. `truncated`: the end, which a checkpoint covers, is missing. `checkpoint`: a checkpoint is not
   * signed by the key.
   */
  readonly kind: 'changed' | 'missing' | 'inserted' | 'reordered' | 'rewritten' | 'truncated' | 'checkpoint'
  /** The index of the leaf, from 0; the first of several. */
  readonly n?: number
  /** The record, or its id if the record is missing. */
  readonly record?:
    | AuditRecord
    | {
        /** The id of the record. */
        readonly id: string
      }
  /** The problem, for people. */
  readonly problem: string
}

export type ReportFinding = (finding: AuditFinding) => void
