/** The journal of a run as long as it is kept: `retention.replay` after its end. What remains is the row: its result. */
import { failure, type UserId } from '../../core/index.ts'
import type { JournalRecord } from '../../durable/index.ts'
import type { OrchestraParts } from './parts.ts'
import { runJournal } from './run-journals.ts'
import type { RunRow } from './run-store.ts'

type Kept = Pick<OrchestraParts, 'journals' | 'clock'>
type Keeping = Pick<OrchestraParts, 'journals' | 'endedRuns'>
const page = 500

/** ms since 1970; undefined while it is not over. */
export const replayableUntil = ({ journals }: Pick<Kept, 'journals'>, { endedAt }: RunRow): number | undefined =>
  endedAt === null ? undefined : endedAt + journals.keptMs

/** As ISO text, for whoever asks how a run stands. */
export interface ToldUntil {
  /** Once it is over: until then it can be replayed and forked. */
  readonly replayableUntil?: string
  /** Until then its result stays; afterwards there is no such run. */
  readonly keptUntil?: string
}

export function toldUntil({ journals, endedRuns }: Keeping, row: RunRow): ToldUntil {
  const until = replayableUntil({ journals }, row)
  if (until === undefined || row.endedAt === null) return {}
  return {
    replayableUntil: new Date(until).toISOString(),
    keptUntil: new Date(row.endedAt + endedRuns.keptMs).toISOString(),
  }
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
