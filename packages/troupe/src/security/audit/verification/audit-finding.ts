/** A difference between an exported log and its checkpoints. */
import type { AuditRecord } from '../audit-record.ts'

export interface AuditFinding {
  /**
   * `changed`: a record, or the leaf that stands for it. `missing`: a record, or its leaf. `inserted`: a record that never
   * got its place. `reordered`: leaves that stand in each other's place. `rewritten`: leaves, hashes and all, so that only
   * the next checkpoint tells. `truncated`: the end, which a checkpoint had. `checkpoint`: one that is not signed by the key.
   */
  readonly kind: 'changed' | 'missing' | 'inserted' | 'reordered' | 'rewritten' | 'truncated' | 'checkpoint'
  /** Index of the leaf, from 0. Of several, the first. */
  readonly n?: number
  readonly record?: AuditRecord | { readonly id: string }
  readonly problem: string
}

export type ReportFinding = (finding: AuditFinding) => void
