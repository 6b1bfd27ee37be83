/** How a step that is over, or given up, is reported. */
import type { JournalContent, JournalRecord } from '../journal-port.ts'
import type { StepEnd } from '../steps-port.ts'
import type { Refusal } from './appender.ts'
import type { LogEntry } from './log-entry.ts'
import { StepLog } from './step-log.ts'

export function logOf(records: readonly JournalRecord[], options: { readonly enterBodies?: boolean } = {}): StepLog {
  const log = new StepLog(options)
  for (const record of records) for (const entry of record.body as LogEntry[]) log.add(entry)
  return log
}

/** The end of a step whose journal is closed; one that was closed without an end was cancelled. */
export function endOf(content: JournalContent): StepEnd {
  const { end } = logOf(content.records)
  if (!end) return { status: 'cancelled' }
  return end.error ? { status: 'failed', error: end.error } : { status: 'settled', outcome: end.value ?? null }
}

/** Closing is no cancel: the step goes on when it is executed again. */
export const givenUp = (why: 'cancelled' | 'closed'): StepEnd =>
  why === 'cancelled' ? { status: 'cancelled' } : { status: 'parked', waits: [] }

export const describeRefusal = ({ code, detail }: Refusal): string =>
  detail === undefined ? code : `${code} ${JSON.stringify(detail)}`
