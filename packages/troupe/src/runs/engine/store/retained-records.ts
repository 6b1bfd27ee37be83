/** The journal of a run, which is deleted `retention.replay` after its end. Only the row with the result remains. */
import { failure, type UserId } from '../../../core/index.ts'
import { type JournalRecord, runJournal } from '../../../journal/index.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import type { RunRow } from './run-store.ts'

type RecordReader = Pick<OrchestraParts, 'journal' | 'platform' | 'reporting'>
type RetentionParts = Pick<OrchestraParts, 'journal' | 'stores'>
const page = 500

/** ms since 1970; undefined while the run is open. */
export const replayableUntil = ({ journal }: Pick<RecordReader, 'journal'>, { endedAt }: RunRow): number | undefined =>
  endedAt === null ? undefined : endedAt + journal.journals.retentionMs

/** The retention times of a run as ISO text. */
export interface RetentionTimes {
  /** Present once the run has ended: until then it can be replayed and forked. */
  readonly replayableUntil?: string
  /** Until then its result stays; afterwards the run does not exist. */
  readonly retainedUntil?: string
}

export function retentionTimesOf(parts: RetentionParts, row: RunRow): RetentionTimes {
  const until = replayableUntil(parts, row)
  if (until === undefined || row.endedAt === null) return {}
  return {
    replayableUntil: new Date(until).toISOString(),
    retainedUntil: new Date(row.endedAt + parts.stores.endedRuns.retentionMs).toISOString(),
  }
}

/** @throws NotFoundError `replay.expired` */
export function rejectExpired(parts: RecordReader, row: RunRow, gone = false): void {
  const until = replayableUntil(parts, row)
  if (until !== undefined && (gone || until <= parts.platform.clock.now()))
    throw failure('replay.expired', { run: row.run, until: new Date(until).toISOString() })
}

/**
 * Returns all records of the run, from the first.
 * @throws NotFoundError `replay.expired`, or `user.forgotten` while the user is being erased
 */
export async function readRetainedRecords(
  parts: RecordReader,
  user: UserId,
  row: RunRow,
): Promise<readonly JournalRecord[]> {
  rejectExpired(parts, row)
  const records: JournalRecord[] = []
  for (;;) {
    const more = await parts.journal.journals.read(user, runJournal(row.run), records.at(-1)?.seq ?? 0, page)
    records.push(...more)
    if (more.length < page) break
  }
  rejectExpired(parts, row)
  if (records.length === 0) {
    const erased = await parts.reporting.erasureError?.(user)
    if (erased) throw erased
    rejectExpired(parts, row, true)
  }
  return records
}
