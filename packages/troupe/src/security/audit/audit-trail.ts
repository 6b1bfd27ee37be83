/** What rooms tell the audit log: a write as statements of its own change, a read and a refusal in passing. */
import { checkOptions, failure, fieldOf, type UserId } from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'

export interface AuditEntry {
  readonly actor: string
  readonly operation: string
  /** The key of an entry: stands there as the policy says, by name or hashed. */
  readonly entry?: string
  /** What else it was about: a recipient, a run, a topic. Never a value. */
  readonly resource?: string
  /**
   * The id of the API key by which it came in; null: by none. Absent: the key and the agent of the call that is being
   * answered, where one is.
   */
  readonly key?: string | null
}

/** In whose name a call came in from outside. */
export interface AuditCaller {
  /** The id of the API key, session or token. */
  readonly key: string | undefined
  /** As which it acts; the host where absent. */
  readonly agent: string | undefined
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
  /** Whose call is being answered here; undefined for what the process does by itself. */
  caller(): AuditCaller | undefined
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

const auditEntryFields = ['user', 'actor', 'operation', 'resource', 'entry', 'key', 'allowed', 'reason']

/** What a host tells: one that could not be stored would be lost with only an event. */
export function checkAuditEntry(auditEntry: Decision): void {
  checkOptions('audit.record', auditEntry, auditEntryFields)
  const wrong = (what: string, problem: string) =>
    failure('validation.failed', { what: `audit.record ${what}`, problem })
  for (const name of ['actor', 'operation'] as const)
    if (typeof auditEntry[name] !== 'string' || auditEntry[name] === '')
      throw wrong(name, 'it must be a text that is not empty')
  for (const name of ['user', 'resource', 'reason', 'key', 'entry'] as const) {
    const text: unknown = fieldOf(auditEntry, name)
    if (text !== undefined && typeof text !== 'string') throw wrong(name, 'it must be a text')
  }
  if (typeof auditEntry.allowed !== 'boolean') throw wrong('allowed', 'it must be true or false')
}
