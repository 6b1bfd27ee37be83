/** Lists runs with what a reader needs to tell them apart: task, team, status, tokens, cost and times. */
import {
  capture,
  checkName,
  checkOptions,
  checkSignal,
  createPage,
  failure,
  invalidInput,
  isInStep,
  type Page,
  type StoredError,
  type UserId,
} from '../../../core/index.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import type { RunResult } from '../run-result.ts'
import { readAccountOutline } from './account-text.ts'
import { noteRunTaint } from './note-run-taint.ts'
import { type RetentionTimes, retentionTimesOf } from './retained-records.ts'
import { checkFilter, type RunFilter, type RunListPosition, runFilters, runStatuses } from './run-filter.ts'
import type { ListedRun, RunRow } from './run-store.ts'
import { sumsOf } from './usage/run-usage.ts'

/** The options of `orchestra.list`: a filter, the order and the page. */
export interface RunListOptions extends RunFilter {
  /** The number of runs of a page, 1 to 500; 50 by default. */
  readonly limit?: number
  /** The cursor of the previous page, in the same order. */
  readonly cursor?: string
  /** Rejects the call with CancelledError if it has aborted before the call starts. */
  readonly signal?: AbortSignal
}

/** A run in a list. */
export interface RunSummary extends RetentionTimes {
  /** The id of the run. */
  readonly id: string
  /** The status: `running`, `waiting`, `completed`, `failed` or `cancelled`. */
  readonly status: string
  /** Why the run waits, or `question` if a branch of a run in progress waits for an answer; absent otherwise. */
  readonly reason?: string
  /** The tags with which the run was started. */
  readonly tags: readonly string[]
  /** The names of the agents of its topology. */
  readonly agents: readonly string[]
  /** The beginning of the task on one line, at most 200 characters. */
  readonly title: string
  /** The name of its team, if it was registered in the troupe that started the run. */
  readonly team?: string
  /** The id of the thread that the run continues; absent for a run without one. */
  readonly threadId?: string
  /** The tokens used so far; while the run executes, as of 10 s ago at most, without its child runs. Absent before the first. */
  readonly usage?: RunResult['usage']
  /** The cost so far; as `usage`. */
  readonly cost?: RunResult['cost']
  /** The number of started steps; present once the run has ended or waits. */
  readonly steps?: number
  /** The error with which it failed; absent if it did not fail. */
  readonly error?: StoredError
  /** The time of the start, as ISO 8601 text. */
  readonly createdAt: string
  /** The time of the end, as ISO 8601 text; absent before the end. */
  readonly endedAt?: string
}

/** @throws ValidationError; of a cursor that belongs to a list in another order too */
export async function listRunSummaries(
  parts: OrchestraParts,
  user: UserId,
  options: RunListOptions,
): Promise<Page<RunSummary>> {
  checkOptions('orchestra.list', options, ['limit', 'cursor', 'signal', ...runFilters])
  checkSignal('orchestra.list', options.signal)
  const { limit = 50, ...rest } = capture(options)
  const { cursor: start, signal: _, ...filter } = rest
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 500)
    throw invalidInput('orchestra.list.limit', 'it must be from 1 to 500')
  const { order = 'newest' } = checkFilter(filter)
  const after = start === undefined ? undefined : readCursor(start, order)
  const { rows, last } = await readRows(parts, user, { filter, limit, after })
  const cursor = last && JSON.stringify([last.at, last.run, order, ...(order === 'status' ? [last.status] : [])])
  const items = rows.map((row) => summaryOf(parts, row))
  // A title is the beginning of a task, and an error may quote anything.
  if (isInStep()) for (const { id } of items) await noteRunTaint(parts, user, id)
  return createPage(items, cursor, (next) => listRunSummaries(parts, user, { ...rest, limit, cursor: next }))
}

/** Returns what a list shows of a run. */
export const summaryOf = (parts: OrchestraParts, row: RunRow): RunSummary => ({
  id: row.run,
  status: row.status,
  ...(row.reason === null ? {} : { reason: row.reason }),
  tags: row.tags,
  agents: row.agents,
  title: row.title,
  ...(row.team === null ? {} : { team: row.team }),
  ...(row.thread === null ? {} : { threadId: row.thread }),
  ...(row.spent === null ? outcomeOf(row.result) : sumsOf(row.spent)),
  createdAt: new Date(row.createdAt).toISOString(),
  ...(row.endedAt === null ? {} : { endedAt: new Date(row.endedAt).toISOString() }),
  ...retentionTimesOf(parts, row),
})

/** The highest number of runs that one page reads to find a title, and how many at a time. */
const titleScan = { runs: 5_000, batch: 250 }

interface RowsRead {
  readonly rows: readonly ListedRun[]
  /** The last row that was read; absent if no row follows it. */
  readonly last?: RunListPosition | undefined
}

/**
 * Titles are content, which the storage may encrypt, so no index holds parts of them: the rows of the other filters are
 * read in their order and compared. A page that found fewer than `limit` runs among 5,000 ends, with a cursor.
 */
async function readRows(
  { stores: { store } }: OrchestraParts,
  user: UserId,
  {
    filter,
    limit,
    after,
  }: { readonly filter: RunFilter; readonly limit: number; readonly after?: RunListPosition | undefined },
): Promise<RowsRead> {
  const parts = filter.title?.trim().toLowerCase().split(/\s+/)
  const found: ListedRun[] = []
  let last = after
  for (let read = 0; ; ) {
    const batch = parts === undefined ? limit : titleScan.batch
    // One more row tells whether another follows.
    const rows = await store.list(user, filter, batch + 1, last)
    for (const row of rows.slice(0, batch)) {
      last = row
      if (parts === undefined || hasParts(row, parts)) found.push(row)
      if (found.length === limit) return { rows: found, last: row === rows.at(-1) ? undefined : row }
    }
    read += batch
    if (rows.length <= batch) return { rows: found }
    if (read >= titleScan.runs) return { rows: found, last }
  }
}

function hasParts({ title, tags }: Pick<ListedRun, 'title' | 'tags'>, parts: readonly string[]): boolean {
  const texts = [title, ...tags].map((text) => text.toLowerCase())
  return parts.every((part) => texts.some((text) => text.includes(part)))
}

function outcomeOf(result: string | null): Pick<RunSummary, 'usage' | 'cost' | 'steps' | 'error'> {
  if (result === null) return {}
  const { usage, cost, totalSteps, error } = readAccountOutline(result)
  return { usage, cost, steps: totalSteps, ...(error ? { error } : {}) }
}

function readCursor(cursor: string, order: string): RunListPosition {
  try {
    const [at, run, of, status] = JSON.parse(cursor) as readonly unknown[]
    const isValue = order === 'cost' ? Number.isFinite(at) : Number.isSafeInteger(at)
    if (isValue && of === order) {
      const position = { at: at as number, run: checkName('run', run) }
      if (order !== 'status') return position
      if (runStatuses.some((each) => each === status)) return { ...position, status: status as string }
    }
  } catch {
    // Falls through to the rejection.
  }
  throw failure('cursor.invalid')
}
