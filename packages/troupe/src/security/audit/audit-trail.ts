/**
 * The port of the audit log for other modules: a write is recorded by statements of its own change, a read or a refusal
 * soon after it.
 */
import { checkOptions, fieldOf, invalidInput, type UserId } from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'

/** What a module reports to the audit log. */
export interface AuditEntry {
  /** The agent that acts; `host` for the application, `troupe` for Troupe itself. */
  readonly actor: string
  /** A right (`push_context`) or an operation (`run.start`). */
  readonly operation: string
  /** The key of an entry, recorded by name or hashed as `audit.keys` says. */
  readonly entry?: string
  /** What else it is about: a recipient, a run, a topic. Never a value. */
  readonly resource?: string
  /**
   * The id of the API key with which the call came in; null if there was none. If absent, the key and the agent of the
   * call that is being handled are recorded, if there is one.
   */
  readonly key?: string | null
}

/** The caller of a request from outside. */
export interface AuditCaller {
  /** The id of the API key, session or token. */
  readonly key: string | undefined
  /** The agent as which the caller acts; undefined for the application. */
  readonly agent: string | undefined
}

export interface AuditTrail {
  /**
   * Returns the statements that record a write. They follow the statements of the write, so that both are stored or
   * neither.
   */
  written(user: UserId, auditEntry: AuditEntry): readonly Statement[]
  /** Records a read soon, if reads are recorded. Does not fail or wait. */
  read(user: UserId, auditEntry: AuditEntry): void
  /**
   * Returns the statements that record an action of the troupe, the application or a person, for the change that makes
   * it. Such an action is recorded also if writes are not.
   * @param user empty by default: the action concerns no user
   */
  actionStatements(auditEntry: AuditAction, user?: UserId): readonly Statement[]
  /** Records what changes nothing in the database, or was decided elsewhere, soon. Does not fail or wait. */
  record(auditEntry: Decision): void
  /** Returns the caller whose request is being handled; undefined for work of the process itself. */
  caller(): AuditCaller | undefined
}

/** An action of the troupe itself, of the application or of a person. */
export interface AuditAction extends Omit<AuditEntry, 'actor' | 'entry'> {
  /** The actor; `troupe` by default. */
  readonly actor?: string
}

/** A decision that the application records in the audit log. */
export interface Decision extends AuditEntry {
  /** The user whose data it concerns; absent for the troupe as a whole. */
  readonly user?: UserId
  /** True if the action was allowed, false if it was refused. */
  readonly allowed: boolean
  /** The reason, such as an error code. */
  readonly reason?: string
}

/** The number of characters of a text in a record of the application. */
const maxCharacters = 4_096
const auditEntryFields = ['user', 'actor', 'operation', 'resource', 'entry', 'key', 'allowed', 'reason'] as const

/** Checks a record of the application: one that could not be stored would be lost with only an event. */
export function checkAuditEntry(auditEntry: Decision): void {
  checkOptions('audit.record', auditEntry, auditEntryFields)
  const wrong = (what: string, problem: string) => invalidInput(`audit.record ${what}`, problem)
  for (const name of ['actor', 'operation'] as const)
    if (typeof auditEntry[name] !== 'string' || auditEntry[name] === '')
      throw wrong(name, 'it must be a text that is not empty')
  for (const name of ['user', 'resource', 'reason', 'key', 'entry'] as const) {
    const text: unknown = fieldOf(auditEntry, name)
    if (text === undefined || typeof text === 'string' || (name === 'key' && text === null)) continue
    throw wrong(name, name === 'key' ? 'it must be a text or null' : 'it must be a text')
  }
  for (const name of auditEntryFields) {
    const text: unknown = fieldOf(auditEntry, name)
    if (typeof text === 'string' && text.length > maxCharacters)
      throw wrong(name, `it must have at most ${maxCharacters} characters`)
  }
  if (typeof auditEntry.allowed !== 'boolean') throw wrong('allowed', 'it must be true or false')
}
