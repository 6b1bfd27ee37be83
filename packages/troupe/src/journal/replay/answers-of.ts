/** The answers of a step to calls of one kind, read back from its journal. */
import type { JournalRecord } from '../journal-port.ts'
import type { RecordedAnswer } from '../steps-port.ts'
import type { LogEntry } from './log-entry.ts'

export function answersOf(records: readonly JournalRecord[], kind: string): readonly RecordedAnswer[] {
  // A stage has no slash, but a name may have one.
  const mark = `/${kind}:`
  return records
    .flatMap((record) => record.body as LogEntry[])
    .flatMap((entry) => {
      if ((entry.t !== 'answer' && entry.t !== 'now') || entry.v === undefined) return []
      const at = entry.id.indexOf('/')
      if (!entry.id.startsWith(mark, at)) return []
      return [{ name: entry.id.slice(at + mark.length, entry.id.lastIndexOf('#')), value: entry.v }]
    })
}
