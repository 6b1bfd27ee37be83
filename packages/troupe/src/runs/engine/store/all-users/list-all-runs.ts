/** Lists the runs of all users, for operators. */
import {
  checkName,
  checkOptions,
  checkSignal,
  createPage,
  failure,
  invalidInput,
  isInStep,
  nearest,
  type Page,
} from '../../../../core/index.ts'
import type { OrchestraParts } from '../../orchestra-parts.ts'
import { type RunSummary, summaryOf } from '../list-run-summaries.ts'
import { noteRunTaint } from '../note-run-taint.ts'
import { type AllRunsStatus, candidateRuns, type FoundRun, type RunPosition, readCandidates } from './read-all-runs.ts'

/** The options of `troupe.listRuns`. */
export interface AllRunsOptions {
  /**
   * `open` by default: the runs that have not ended. `waiting`: those that wait for a person, also if other branches work, or
   * were paused. `ended`: those that have ended. `failed`: those that failed.
   */
  readonly status?: AllRunsStatus
  /** The number of runs of a page, 1 to 500; 50 by default. */
  readonly limit?: number
  /** The cursor of the previous page, with the same status. */
  readonly cursor?: string
  /** Rejects the call with CancelledError if it aborts. */
  readonly signal?: AbortSignal
}

/** A run in a list of the runs of all users. */
export interface UserRunSummary extends RunSummary {
  /** The id of the user. */
  readonly user: string
}

const what = 'troupe.listRuns'
const statuses: readonly string[] = ['open', 'waiting', 'ended', 'failed']
const limits = { default: 50, max: 500 }
/** The number of candidates that one page reads at most, and how many of the open runs at a time to find waiting ones. */
const scan = { runs: 2_000, batch: 200 }

/** @throws ValidationError, also for a cursor of a list with another status; CancelledError */
export async function listAllRuns(parts: OrchestraParts, options: AllRunsOptions): Promise<Page<UserRunSummary>> {
  checkOptions(what, options, ['status', 'limit', 'cursor', 'signal'])
  const { status = 'open', limit = limits.default, cursor: start, signal } = options
  checkSignal(what, signal)
  const wrong = (name: string, problem: string) => invalidInput(`${what}.${name}`, problem)
  if (!statuses.includes(status))
    throw wrong(
      'status',
      `it must be one of ${statuses.join(', ')}; the nearest is ${nearest(String(status), statuses) ?? 'open'}`,
    )
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > limits.max)
    throw wrong('limit', `it must be from 1 to ${limits.max}`)
  const after = start === undefined ? undefined : readCursor(start, status)
  const { runs, last } = await readPage(parts, { status, limit, after, signal })
  if (isInStep()) for (const { user, run } of runs) await noteRunTaint(parts, user, run)
  const items = runs.map(({ user, row }) => ({ user, ...summaryOf(parts, row) }))
  const cursor = last && JSON.stringify([last.at, last.user, last.run, status])
  return createPage(items, cursor, (next) =>
    listAllRuns(parts, { status, limit, ...(signal ? { signal } : {}), cursor: next }),
  )
}

interface PageRead {
  readonly runs: readonly FoundRun[]
  /** The position after which the next page starts; absent if nothing follows. */
  readonly last?: RunPosition | undefined
}

/** A page that found fewer than `limit` runs among 2,000 candidates ends, with a cursor. */
async function readPage(
  { stores }: OrchestraParts,
  {
    status,
    limit,
    after,
    signal,
  }: {
    readonly status: AllRunsStatus
    readonly limit: number
    readonly after: RunPosition | undefined
    readonly signal: AbortSignal | undefined
  },
): Promise<PageRead> {
  const found: FoundRun[] = []
  // An additional row tells whether another follows.
  const batch = status === 'waiting' ? Math.max(limit + 1, scan.batch) : limit + 1
  let last = after
  for (let read = 0; ; ) {
    checkSignal(what, signal)
    const candidates = await candidateRuns(stores, status, batch, last)
    for (const one of await readCandidates(stores, status, candidates)) {
      if (found.length === limit) return { runs: found, last: found.at(-1) }
      found.push(one)
    }
    last = candidates.at(-1)
    read += candidates.length
    if (candidates.length < batch) return { runs: found }
    if (read >= scan.runs) return { runs: found, last }
  }
}

function readCursor(cursor: string, status: AllRunsStatus): RunPosition {
  try {
    const [at, user, run, of] = JSON.parse(cursor) as [unknown, unknown, unknown, unknown]
    if (Number.isSafeInteger(at) && of === status)
      return { at: at as number, user: checkName('user', user), run: checkName('run', run) }
  } catch {
    // Falls through to the rejection.
  }
  throw failure('cursor.invalid')
}
