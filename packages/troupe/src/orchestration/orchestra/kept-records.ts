/** The journal of a run as long as it is kept: `retention.replay` after its end. What remains is the row: its result. */
import { failure, type UserId } from '../../core/index.ts'
import type { JournalRecord } from '../../durable/index.ts'
import type { OrchestraParts } from './parts.ts'
import { runJournal } from './run-journals.ts'
import type { RunRow } from './run-store.ts'

type Kept = Pick<OrchestraParts, 'journals' | 'clock'>
const page = 500

/** ms since 1970; undefined while it is not over. */
export const replayableUntil = ({ journals }: Pick<Kept, 'journals'>, { endedAt }: RunRow): number | undefined =>
  endedAt === null ? undefined : endedAt + journals.keptMs

/** As ISO text, for whoever asks how a run stands. */
export function toldUntil(parts: Pick<Kept, 'journals'>, row: RunRow): { readonly replayableUntil?: string } {
  const until = replayableUntil(parts, row)
  return until === undefined ? {} : { replayableUntil: new Date(until).toISOString() }
}

/** @throws NotFoundError `replay.expired` */
export function refuseExpired({ journals, clock }: Kept, row: RunRow, gone = false): void {
  const until = replayableUntil({ journals }, row)
  if (until !== undefined && (gone || until <= clock.now()))
    throw failure('replay.expired', { run: row.run, until: new Date(until).toISOString() })
}

/**
 * All records of the run, from its first.
 * @throws NotFoundError `replay.expired`
 */
export async function keptRecords(parts: Kept, user: UserId, row: RunRow): Promise<readonly JournalRecord[]> {
  refuseExpired(parts, row)
  const records: JournalRecord[] = []
  for (;;) {
    const more = await parts.journals.read(user, runJournal(row.run), records.at(-1)?.seq ?? 0, page)
    records.push(...more)
    if (more.length < page) break
  }
  refuseExpired(parts, row, records.length === 0)
  return records
}
