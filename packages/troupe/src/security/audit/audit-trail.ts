/** What rooms tell the audit log: a write as statements of its own change, a read and a refusal in passing. */
import type { UserId } from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'

export interface AuditEntry {
  readonly actor: string
  readonly operation: string
  /** The key of an entry: stands there as the policy says, by name or hashed. */
  readonly entry?: string
  /** What else it was about: a recipient, a run, a topic. Never a value. */
  readonly resource?: string
  /** The id of the API key by which it came in. */
  readonly key?: string
}

export interface AuditTrail {
  /** Go with the write, after its own statements: either both are there or none. */
  written(user: UserId, auditEntry: AuditEntry): readonly Statement[]
  /** Recorded soon, where reads are. Neither fails nor waits. */
  read(user: UserId, auditEntry: AuditEntry): void
  /** What the troupe, or its host, did as a whole: goes with the change that did it. */
  actionStatements(auditEntry: AuditAction): readonly Statement[]
  /** What changes nothing in the database, or was decided elsewhere. Recorded soon; neither fails nor waits. */
  record(auditEntry: Decision): void
}

/** By the `troupe` itself, where it says nobody else. */
export interface AuditAction extends Omit<AuditEntry, 'actor' | 'entry'> {
  readonly actor?: string
}

export interface Decision extends AuditEntry {
  /** Absent: of the troupe as a whole. */
  readonly user?: UserId
  readonly allowed: boolean
  readonly reason?: string
}
