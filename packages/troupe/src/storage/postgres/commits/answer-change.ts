/**
 * Turns the outcome of one attempt of a change into a result, an error, or another attempt.
 *
 * Invariant: a change whose outcome is unknown is answered only after a lookup of its id, or with an error that says
 * so.
 */
import { failure, type TroupeError } from '../../../core/index.ts'
import type { Change, CommitResult } from '../../storage-port.ts'
import type { PostgresSettings } from '../connections/connection-target.ts'
import type { Deadline } from '../connections/deadline.ts'
import { failureOf, messageOf } from '../error-class.ts'
import type { Failed, Identified, TransactionOutcome, Transactions } from '../transactions.ts'

/** A change with the state of its attempts. */
export interface AttemptedChange extends Identified {
  /** Until this deadline a lost connection leads to another attempt. */
  readonly deadline: Pick<Deadline, 'isOver'>
  /** The number of attempts that failed without a fault of the change. */
  attempts: number
}

export interface AnswerPorts {
  readonly transactions: Pick<Transactions, 'changes' | 'unblock'>
  readonly settings: PostgresSettings
}

/** The maximum number of attempts of one change after deadlocks and similar errors. */
const maxRepeats = 20

/**
 * @returns undefined if the change must be attempted again
 * @throws the error that the caller of the change gets
 */
export async function answerChange(
  attempted: AttemptedChange,
  outcome: TransactionOutcome,
  ports: AnswerPorts,
): Promise<CommitResult | undefined> {
  if (outcome.kind === 'done') {
    const { rows, affected, revision, at } = outcome
    return { ok: true, rows, affected, revision, at, repeated: false }
  }
  const { errorClass } = outcome
  if (errorClass.kind === 'aborted') return undefined
  if (errorClass.kind === 'repeated' && attempted.id !== null) return earlierResult(attempted, ports)
  // A failure before the first statement of a change did not look its id up.
  const isUnknown = attempted.unknown && outcome.statement < 0
  if ((await mayPass(outcome, ports)) || isUnknown) return attemptLater(attempted, outcome, { ports, isUnknown })
  return rejection(attempted.change, outcome, ports.settings)
}

/** @throws if the change was attempted too often or for too long */
function attemptLater(
  attempted: AttemptedChange,
  { errorClass, error }: Failed,
  { ports: { settings }, isUnknown }: { readonly ports: AnswerPorts; readonly isUnknown: boolean },
): undefined {
  attempted.attempts++
  const isOver = errorClass.kind === 'retry' ? attempted.attempts >= maxRepeats : attempted.deadline.isOver()
  if (!isOver) return undefined
  // The errors of other codes say that nothing was changed.
  if (isUnknown)
    throw failure('storage.unreachable', { path: settings.location.name, problem: messageOf(error) }, { cause: error })
  throw failureOf(error, settings)
}

/** Returns whether another attempt may succeed. */
async function mayPass({ errorClass: { kind }, statement }: Failed, { transactions }: AnswerPorts): Promise<boolean> {
  if (kind === 'lost' || kind === 'retry') return true
  // The change waited for locks of a stalled client. A negative statement index means that it only waited for its
  // user's lock.
  return kind === 'slow' && ((await transactions.unblock()) > 0 || statement < 0)
}

/** Returns the result of an earlier attempt that committed the change. */
async function earlierResult(attempted: AttemptedChange, ports: AnswerPorts): Promise<CommitResult | undefined> {
  const { change, id, unknown } = attempted
  const { transactions, settings } = ports
  // The caller gave no id, so it needs the rows, which are lost with the answer.
  if (unknown && change.id === null && change.statements.some(({ returns, hints }) => returns && !hints))
    throw unanswered('the connection was lost; the change was committed, its answer is lost', settings)
  const user = 'user' in change.scope ? change.scope.user : ''
  // A lookup that only reads would not wait for the synchronous standby, which the earlier attempt may not have reached.
  const sql = 'select at, revision from storage_changes where id = $1 and user_id = $2 for update'
  const lookup: Change = { id: null, scope: change.scope, statements: [{ sql, binds: [id, user], returns: true }] }
  const [found] = await transactions.changes([{ change: lookup, id: null, unknown: false }])
  // The next attempt looks the id up again.
  if (found?.kind === 'failed') return attemptLater(attempted, found, { ports, isUnknown: true })
  const row = found?.rows[0]?.[0]
  if (!row) throw unanswered('the change is not found', settings)
  const revision = row.revision === null ? null : Number(row.revision)
  return { ok: true, rows: [], affected: [], revision, at: Number(row.at), repeated: true }
}

const unanswered = (problem: string, { location }: PostgresSettings): TroupeError =>
  failure('storage.io', { path: location.name, problem })

/** @throws if the change has no result */
function rejection(change: Change, { errorClass, statement, error }: Failed, settings: PostgresSettings): CommitResult {
  if (errorClass.kind === 'unexpected') return unmet(change, errorClass.statement, errorClass.found)
  if (errorClass.kind === 'unique-violation' && statement >= 0) return unmet(change, statement, 0)
  if (errorClass.kind === 'full') throw failure('storage.full', { path: settings.location.name }, { cause: error })
  if (errorClass.kind === 'invalid' && statement >= 0)
    throw failure('invariant.broken', { rule: `statements are valid (${messageOf(error)})` }, { cause: error })
  throw failureOf(error, settings)
}

/** Returns the rejection of a change because the expectation of a statement failed. */
function unmet(change: Change, statement: number, found: number): CommitResult {
  const { otherwise, detail } = change.statements[statement] ?? {}
  const code = otherwise ?? 'storage.expectation'
  return { ok: false, code, statement, found, ...(detail === undefined ? {} : { detail }) }
}
