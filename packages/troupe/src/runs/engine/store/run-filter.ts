/**
 * The filter of a list of runs, and its statement, which reads one index: in the order of the list, or the runs of a
 * label.
 */
import { type RawBuilder, sql } from 'kysely'
import { checkName, checkOptions, checkTags, invalidInput, isExactNumber, nearest, show } from '../../../core/index.ts'
import { type Dialect, type Statement, statementOf } from '../../../storage/index.ts'
import { runContent } from './run-migrations.ts'
import { searchWordsIn } from './run-words.ts'
import { spentColumn } from './usage/run-usage.ts'

/** The filters of a list of runs. A run must match all of them. */
export interface RunFilter {
  /** Only runs with this status. */
  readonly status?: 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled'
  /** Only runs that wait for this reason; with `question` also runs in progress of which a branch waits for an answer. */
  readonly reason?: 'question' | 'paused' | 'breakpoint' | 'uncertain' | 'code.changed'
  /** The name of an agent whose code the run needs. */
  readonly agent?: string
  /** The name of the team in `createTroupe({ teams })`, or of the agent that is the whole team. */
  readonly team?: string
  /**
   * Words that must all occur in the task, tags, answer or error: complete words, at most 16, in any order and case.
   */
  readonly search?: string
  /** Parts of words, separated by spaces, that must each occur in the first 200 characters of the task or in a tag, in any case. */
  readonly title?: string
  /** Tags that the run must all have; at most 16. */
  readonly tags?: readonly string[]
  /** The id of the thread that the run continues. */
  readonly threadId?: string
  /** The id of the run whose steps started it. */
  readonly parent?: string
  /** The earliest start, which is included, as ISO 8601 text. */
  readonly from?: string
  /** The end of the range of starts, which is not included, as ISO 8601 text. */
  readonly to?: string
  /** The lowest cost in US dollars, which is included, as of when the run ended or began to wait. */
  readonly minCost?: number
  /** The highest cost in US dollars, which is included, as of when the run ended or began to wait. */
  readonly maxCost?: number
  /**
   * `newest` first by default. `cost`, `tokens` and `duration` list the highest first, as of when a run ended or began to
   * wait; a run that has not ended has no duration and comes last. `status` lists runs that wait, that execute, that failed,
   * that completed and that were cancelled, and of each status the newest first.
   */
  readonly order?: 'newest' | 'oldest' | 'cost' | 'tokens' | 'duration' | 'status'
}

/** The last run of a page. */
export interface RunListPosition {
  /** The value by which the list is ordered; the start of the run in the order of `status`. */
  readonly at: number
  readonly run: string
  /** Needed in the order of `status`. */
  readonly status?: string | undefined
}

export const runFilters = [
  'status',
  'reason',
  'agent',
  'team',
  'search',
  'title',
  'tags',
  'threadId',
  'parent',
  'from',
  'to',
  'minCost',
  'maxCost',
  'order',
] as const
const maxSearchWords = 16
const maxTags = 16
const maxTitle = 200
export const runStatuses: readonly string[] = ['running', 'waiting', 'completed', 'failed', 'cancelled']
const orders = ['newest', 'oldest', 'cost', 'tokens', 'duration', 'status']
const reasons = ['question', 'paused', 'breakpoint', 'uncertain', 'code.changed']

const wrong = (what: string, problem: string) => invalidInput(`orchestra.list.${what}`, problem)

/** @throws ValidationError that names the nearest valid value */
export function checkFilter(filter: RunFilter): RunFilter {
  checkOptions('orchestra.list', filter, runFilters)
  checkOneOf('status', filter.status, runStatuses)
  checkOneOf('reason', filter.reason, reasons)
  checkOneOf('order', filter.order, orders)
  if (filter.agent !== undefined) checkName('agent', filter.agent)
  if (filter.parent !== undefined) checkName('run', filter.parent)
  if (filter.team !== undefined) checkName('team', filter.team)
  if (filter.threadId !== undefined) checkName('thread', filter.threadId)
  if (filter.search !== undefined) checkSearch(filter.search)
  if (filter.title !== undefined) checkTitle(filter.title)
  if (filter.tags !== undefined) checkTags('orchestra.list.tags', filter.tags, maxTags)
  for (const bound of ['minCost', 'maxCost'] as const)
    if (filter[bound] !== undefined && !isExactNumber(filter[bound]))
      throw wrong(bound, `it must be a number of US dollars of at most ${Number.MAX_SAFE_INTEGER}`)
  for (const timeBound of ['from', 'to'] as const)
    if (filter[timeBound] !== undefined && Number.isNaN(Date.parse(String(filter[timeBound]))))
      throw wrong(timeBound, `it must be a time such as 2026-03-01T08:00:00Z, got ${show(filter[timeBound])}`)
  return filter
}

function checkTitle(title: unknown): void {
  if (typeof title !== 'string' || title.trim() === '' || title.length > maxTitle)
    throw wrong('title', `it must be a text of 1 to ${maxTitle} characters`)
}

function checkSearch(search: unknown): void {
  const words = typeof search === 'string' ? searchWordsIn([search]).length : 0
  if (words === 0) throw wrong('search', 'it contains no word')
  if (words > maxSearchWords) throw wrong('search', `it holds ${words} words; ${maxSearchWords} are looked for at most`)
}

function checkOneOf(what: string, value: string | undefined, known: readonly string[]): void {
  if (value === undefined || known.includes(value)) return
  if (typeof value !== 'string') throw wrong(what, `it must be one of ${known.join(', ')}`)
  throw wrong(what, `${value} is none of ${known.join(', ')}; the nearest is ${nearest(value, known) ?? known[0]}`)
}

/** The columns of a list of `runs r`: the result of a long account is not read. */
export const listedColumns = sql`r.run_id, r.status, r.reason, r.tags, r.agents, r.title, r.team, r.thread, r.created_at,
  r.ended_at, r.outside, case when r.outline_at = r.updated_at then r.outline end as outline,
  case when r.outline_at = r.updated_at then null else r.result end as result`

/**
 * The first of parents, threads, words, tags, teams and agents selects the runs; each other condition is checked for each of them. A
 * list without a label, or in the order of time, follows an index in its order; other lists sort the runs of the label.
 * @param mark of a word, as the index holds it
 */
export function listRuns(
  dialect: Dialect,
  user: string,
  filter: RunFilter,
  limit: number,
  after: RunListPosition | undefined,
  mark: (word: string) => string,
): Statement {
  const [leading, ...others] = labelsOf(filter, mark)
  const order = filter.order === 'oldest' ? sql`asc` : sql`desc`
  const beyond = filter.order === 'oldest' ? sql`>` : sql`<`
  const along = leading ? sql.ref('l') : sql.ref('r')
  const createdAt = sql`${along}.created_at`
  const at = orderValueOf(filter.order) ?? createdAt
  // The alphabet has the names of the statuses in a useful order from its end.
  const isByStatus = filter.order === 'status'
  const orderKeys = [...(isByStatus ? [sql.ref('r.status')] : []), at, sql.ref(`${leading ? 'l' : 'r'}.run_id`)]
  const where = [
    sql`r.user_id = ${user}`,
    ...(leading
      ? [sql`l.user_id = ${user} and l.kind = ${leading.kind} and l.value = ${leading.value} and r.run_id = l.run_id`]
      : []),
    ...others.map(
      ({ kind, value }) => sql`exists (select 1 from run_labels o where o.user_id = ${user} and o.kind = ${kind}
        and o.value = ${value} and o.created_at = r.created_at and o.run_id = r.run_id)`,
    ),
    ...conditionsOf(filter),
    ...(filter.from === undefined ? [] : [sql`${createdAt} >= ${Date.parse(filter.from)}`]),
    ...(filter.to === undefined ? [] : [sql`${createdAt} < ${Date.parse(filter.to)}`]),
    ...(after
      ? [
          sql`(${sql.join(orderKeys)}) ${beyond} (${sql.join([...(isByStatus ? [after.status] : []), after.at, after.run])})`,
        ]
      : []),
  ]
  // SQLite preserves the order of a cross join: from the label to its run.
  const from = leading ? sql`run_labels l cross join runs r` : sql`runs r`
  const query = sql`select ${listedColumns}, ${at} as order_value, ${spentColumn} from ${from} where ${sql.join(where, sql` and `)}
    order by ${sql.join(orderKeys.map((key) => sql`${key} ${order}`))} limit ${limit}`
  return { ...statementOf(dialect, query, runContent('run_id')), returns: true }
}

/** Undefined for the orders of time and status. */
function orderValueOf(order: RunFilter['order']): RawBuilder<unknown> | undefined {
  if (order === 'cost') return sql`r.cost`
  if (order === 'tokens') return sql`r.tokens`
  // The expression of the index `runs_by_duration`.
  return order === 'duration' ? sql`coalesce(r.ended_at - r.created_at, 0)` : undefined
}

const labelsOf = ({ parent, threadId, search, tags = [], team, agent }: RunFilter, mark: (word: string) => string) => [
  ...(parent === undefined ? [] : [{ kind: 'parent', value: parent }]),
  ...(threadId === undefined ? [] : [{ kind: 'thread', value: threadId }]),
  ...searchWordsIn([search]).map((word) => ({ kind: 'word', value: mark(word) })),
  ...tags.map((value) => ({ kind: 'tag', value })),
  ...(team === undefined ? [] : [{ kind: 'team', value: team }]),
  ...(agent === undefined ? [] : [{ kind: 'agent', value: agent }]),
]

const conditionsOf = ({ status, reason, minCost, maxCost }: RunFilter): readonly RawBuilder<unknown>[] => [
  ...(status === undefined ? [] : [sql`r.status = ${status}`]),
  ...(reason === undefined ? [] : [sql`r.reason = ${reason}`]),
  ...(minCost === undefined ? [] : [sql`r.cost >= ${minCost}`]),
  ...(maxCost === undefined ? [] : [sql`r.cost <= ${maxCost}`]),
]
