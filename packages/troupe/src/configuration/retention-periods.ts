/** How long ended work is stored, and what is deleted with it. */
import type { ThreadMessages } from '../agents/index.ts'
import { invalidInput, milliseconds, type UserId } from '../core/index.ts'
import { cleanupRateLimits, type JournalRetention, type Journals, journalOwnerOf } from '../journal/index.ts'
import { type MetricStore, metricTable } from '../observability/index.ts'
import { childJournalPrefixes, type EndedRuns, threadPrefix } from '../runs/index.ts'
import { runWorkspace, type StoredFiles } from '../sandbox/index.ts'
import { nextUser } from '../security/index.ts'
import type { OpenedStorage, UnusedBlobs } from '../storage/index.ts'
import type { Retention } from './troupe-config.ts'

export interface CleanupTask {
  readonly what: string
  /** @returns how many it removed, of so many at most */
  readonly cleanup: (batchSize: number) => Promise<unknown>
}

/** ms after the end of a run. */
export interface RetentionPeriods {
  readonly replay: number
  readonly runs: number
}

/** @throws ValidationError where results would go before the journals they come from */
export function retentionPeriods({ replay, runs }: Retention = {}): RetentionPeriods {
  const retention = {
    replay: milliseconds(replay ?? '30d', 'retention.replay'),
    runs: milliseconds(runs ?? '365d', 'retention.runs'),
  }
  if (retention.runs >= retention.replay) return retention
  const problem = `a run cannot go before its journal: ${runs ?? '365d'} is less than retention.replay, ${replay ?? '30d'}`
  throw invalidInput('retention.runs', problem)
}

/** The journals of its steps, their messages, and the files of the run are deleted with the journal of a run. */
export const journalRetention = (
  { replay }: RetentionPeriods,
  { threadMessages, files }: { readonly threadMessages: ThreadMessages; readonly files: Pick<StoredFiles, 'forget'> },
): JournalRetention => ({
  closedMs: replay,
  childPrefixes: childJournalPrefixes,
  also(user: UserId, journal) {
    const prefix = threadPrefix(journal)
    const run = journalOwnerOf(journal)?.run
    if (prefix === undefined || run === undefined) return []
    return [...threadMessages.forgetPrefix(user, prefix).statements, ...files.forget(user, runWorkspace(run))]
  },
})

/** @param parts `bare`: the storage without encryption over it */
export const cleanupTasksOf = ({
  journals,
  endedRuns,
  bare,
  unusedBlobs,
  metricStore,
}: {
  readonly journals: Journals
  readonly endedRuns: EndedRuns
  readonly bare: OpenedStorage
  readonly unusedBlobs: UnusedBlobs
  readonly metricStore: MetricStore
}): readonly CleanupTask[] => [
  { what: 'ended journals', cleanup: (limit) => journals.cleanup(limit) },
  { what: 'ended runs', cleanup: (limit) => endedRuns.cleanup(limit) },
  { what: 'rate limits', cleanup: () => cleanupRateLimits(bare) },
  { what: 'metrics of users', cleanup: () => cleanupMetrics(bare, metricStore) },
  { what: 'unused files', cleanup: (limit) => unusedBlobs.cleanup(limit) },
]

async function cleanupMetrics(bare: OpenedStorage, store: MetricStore): Promise<void> {
  for (let user = await nextUser(bare, [metricTable], ''); user !== undefined; ) {
    await store.cleanup(user)
    user = await nextUser(bare, [metricTable], user)
  }
}
