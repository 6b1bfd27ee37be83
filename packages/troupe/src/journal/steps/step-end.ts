/** The ends of steps, and their errors. */
import { ConflictError, failure, hashJson, invalidInput, type Json, TroupeError } from '../../core/index.ts'
import type { JournalContent, JournalRecord } from '../journal-port.ts'
import type { LogEntry } from '../replay/log-entry.ts'
import { StepRecord } from '../replay/step-record.ts'
import type { StepEnd } from '../steps-port.ts'
import type { Rejection } from '../turns/own-journal.ts'
import type { Execution } from './execution.ts'

/** The number of hexadecimal digits of a SHA-256 that distinguish the inputs of a step. */
export const hashOfInput = (input: Json): string => hashJson(input).slice(0, 32)

export function logOf(
  records: readonly JournalRecord[],
  options: { readonly reexecuteBodies?: boolean } = {},
): StepRecord {
  const log = new StepRecord(options)
  for (const record of records) for (const entry of record.body as LogEntry[]) log.add(entry)
  return log
}

/** Returns the end of a step whose journal is closed; one that was closed without an end was cancelled. */
export function stepEndOf(content: JournalContent): StepEnd {
  const { end } = logOf(content.records)
  if (!end) return { status: 'cancelled' }
  return end.error ? { status: 'failed', error: end.error } : { status: 'completed', outcome: end.value ?? null }
}

/** Returns the error of a step whose staged writes cannot be committed. */
export const invalidTurn = (error: unknown): TroupeError =>
  error instanceof TroupeError ? error : invalidInput('A staged write', String(error))

/**
 * Returns the error of a turn that was rejected at each attempt: a conflict with other writers, or the rejection
 * itself.
 */
export function neverCommitted({ code, detail }: Rejection, step: string, attempts: number): TroupeError {
  const own = failure(code, detail)
  if (!(own instanceof ConflictError)) return own
  const problem = detail === undefined ? code : `${code} ${JSON.stringify(detail)}`
  return failure('turn.conflict', { step, attempts, problem })
}

/** Returns the rejection of the turn if the code ended with the error of a read or write that found a changed version. */
export function staleRejection({ stale }: Pick<Execution, 'stale'>, thrown: unknown): Rejection | undefined {
  if (!(thrown instanceof TroupeError) || !stale.has(thrown)) return undefined
  return { ok: false, code: thrown.code, detail: thrown.details as Rejection['detail'] } as Rejection
}
