/** The rows of runs: one per run for lists and results, and one without content while the run is open. */
import { sql } from 'kysely'
import { type Json, prefixEnd, titleOf, type UserId } from '../../../core/index.ts'
import { runJournal, runPrefix, shardOf } from '../../../journal/index.ts'
import {
  type Bind,
  type Blobs,
  type Dialect,
  type Row,
  type Statement,
  type Storage,
  templates,
} from '../../../storage/index.ts'
import type { RunAccount } from '../../machine/run/run-account.ts'
import type { Parent } from '../children/parent.ts'
import { outlineText } from './account-text.ts'
import { runEnded } from './ended-runs.ts'
import { listRuns, type RunFilter, type RunListPosition } from './run-filter.ts'
import { resultContent, runContent, titleContent } from './run-migrations.ts'
import { addWords, searchWordsIn } from './run-words.ts'
import { openWork, workOwners, workRows } from './run-work.ts'
import { saveRunUsage } from './usage/run-usage.ts'

interface Key {
  readonly user: string
  readonly run: string
}
export interface RunRow {
  readonly run: string
  readonly status: string
  readonly reason: string | null
  readonly tags: readonly string[]
  readonly agents: readonly string[]
  /** The beginning of its task. */
  readonly title: string
  /** The name of its team, if the troupe that started the run knew one. */
  readonly team: string | null
  /** The id of the thread that it continues. */
  readonly thread: string | null
  readonly createdAt: number
  readonly endedAt: number | null
  /** The text of the account, see `account-text.ts`; in lists that of the outline if the account is long. */
  readonly result: string | null
  /** The number of steps that wait for an outside event while no other step executes. */
  readonly outside: number
  /** In lists: the stored usage of a run that executes, if it has used a model. */
  readonly spent: string | null
  /** For a child run: the step that started it. Lists lack it. */
  readonly parent?: Parent
}
/** A run of a list, and its position in the order of the list. */
export interface ListedRun extends RunRow, RunListPosition {
  readonly status: string
}
export interface RunStatusUpdate {
  readonly status: string
  readonly reason: string | null
  readonly over: boolean
  /** True if a process that opens the storage continues the run; false for paused and waiting runs. */
  readonly moving: boolean
  readonly result: string | null
  readonly outside: number
  /** US dollars. */
  readonly cost: number
  /** Input and output. */
  readonly tokens: number
  /** 1 if a model was used whose price is unknown. */
  readonly unpriced: 0 | 1
  /** The outcome, whose words find the run. */
  readonly outcome?: Pick<RunAccount, 'response' | 'error'> | undefined
}

export interface RunStore {
  /** Creates the run, owned by this process. The statements fail if it exists. */
  insert(
    user: UserId,
    run: string,
    row: {
      readonly tags: readonly string[]
      readonly agents: readonly string[]
      readonly parent?: Parent | undefined
      readonly team?: string | undefined
      readonly task: Json
      readonly thread?: string | undefined
    },
  ): Statement[]
  /** Returns the open child runs. @param of their parent; all runs by default */
  children(user: UserId, of?: string): Promise<readonly RunRow[]>
  saveStatus(user: UserId, run: string, update: RunStatusUpdate): Statement[]
  /** @param models the result of `storedUsage` */
  saveUsage(user: UserId, run: string, models: string): Statement
  get(user: UserId, run: string): Promise<RunRow | undefined>
  /** Reads a run and the rows of another statement at once. */
  getWith(
    user: UserId,
    run: string,
    other: Statement,
  ): Promise<{ readonly row: RunRow | undefined; readonly rows: readonly Row[] }>
  list(user: UserId, filter: RunFilter, limit: number, after?: RunListPosition): Promise<readonly ListedRun[]>
  /** Claims the run in the change that takes over its journal; `run.not_owned` if a process with a valid lease owns it. */
  claim(user: UserId, run: string): Statement
  /** Releases the run. */
  release(user: UserId, run: string): Statement
  /** Releases a run that may have work in progress, so that another process claims it at once. */
  abandon(user: UserId, run: string): Statement
  holderOf(
    user: UserId,
    run: string,
  ): Promise<{ readonly holder: 'here' | 'other-process' | 'none'; readonly form: number } | undefined>
  /** Returns whether another process with a valid lease shares the storage. */
  hasOtherProcess(): Promise<boolean>
  /** Returns the open runs of all users in pages by key. */
  open(limit: number, after?: { readonly user: string; readonly run: string }): Promise<readonly OpenRun[]>
  /** Returns whether the user has an open run whose id begins with the prefix. */
  isAnyOpen(user: UserId, prefix: string): Promise<boolean>
  /** Returns the open runs of all users that can continue and that this build can read, in pages by key. */
  moving(
    limit: number,
    after?: { readonly user: string; readonly run: string },
  ): Promise<readonly { readonly user: string; readonly run: string }[]>
}

export interface OpenRun {
  readonly user: string
  readonly run: string
  /** The newest form of its records. */
  readonly form: number
  readonly holder: 'here' | 'other-process' | 'none'
}

/** The identity of this process among those that share the storage, and the record form that it reads. */
export interface Holder {
  readonly processId: () => string
  /** The newest form of journal records. */
  readonly form: number
  /** Returns the mark of a word in the search index. */
  readonly mark: Blobs['mark']
}

/** Returns the values of a run's row by which lists are ordered. */
export const spentOf = ({
  cost,
  usage,
}: Pick<RunAccount, 'cost' | 'usage'>): Pick<RunStatusUpdate, 'cost' | 'tokens' | 'unpriced'> => ({
  cost: cost.usd,
  tokens: usage.inputTokens + usage.outputTokens,
  unpriced: cost.unknown.length > 0 ? 1 : 0,
})

const now = { $: 'now' } as const

function withOutline(result: string | null) {
  const outline = result === null ? null : outlineText(result)
  return { result, outline, outlineAt: outline === null ? null : now }
}

export const runRowOf = (row: Row): RunRow => ({
  run: row.run_id as string,
  status: row.status as string,
  reason: row.reason as string | null,
  tags: JSON.parse(row.tags as string) as string[],
  agents: JSON.parse(row.agents as string) as string[],
  title: row.title as string,
  createdAt: Number(row.created_at),
  endedAt: row.ended_at === null || row.ended_at === undefined ? null : Number(row.ended_at),
  team: row.team as string | null,
  thread: row.thread as string | null,
  result: (row.result ?? row.outline ?? null) as string | null,
  outside: Number(row.outside),
  spent: (row.spent as string | null | undefined) ?? null,
  ...(typeof row.parent === 'string' ? { parent: JSON.parse(row.parent) as Parent } : {}),
})

export function createRunStore(storage: Storage, holder: Holder): RunStore {
  return { ...createWrites(storage, holder), ...createReads(storage, holder) }
}

function createWrites(
  { dialect }: Storage,
  { processId, form, mark }: Holder,
): Pick<RunStore, 'insert' | 'saveStatus' | 'saveUsage'> {
  const queries = { ...compileWrites(dialect), ...workRows(dialect) }
  const words = addWords(dialect)
  const ended = runEnded(dialect)
  const usage = saveRunUsage(dialect)
  const searchRows = (user: UserId, run: string, values: readonly (Json | undefined)[]) => {
    const found = searchWordsIn(values).map((word) => mark(user, word))
    return found.length === 0 ? [] : [words({ user, run, words: JSON.stringify(found) })]
  }
  return {
    insert: (user, run, { tags, agents, parent, team, task, thread }) => [
      queries.insert(
        {
          user,
          run,
          tags: JSON.stringify(tags),
          agents: JSON.stringify(agents),
          title: titleOf(task),
          parent: parent === undefined ? null : JSON.stringify(parent),
          team: team ?? null,
          thread: thread ?? null,
          now,
        },
        { expect: { rows: 1 }, otherwise: 'run.exists', detail: { run } },
      ),
      queries.work({ user, journal: runJournal(run), shard: shardOf(user), owner: processId(), form }),
      ...searchRows(user, run, [...tags, task]),
    ],
    saveUsage: (user, run, models) => usage({ user, run, models }),
    saveStatus: (user, run, { status, reason, over, moving, result, outcome: last, ...values }) => [
      queries.update({ user, run, status, reason, ...withOutline(result), ...values, now, ended: over ? now : null }),
      ...(over
        ? [queries.unwork({ user, journal: runJournal(run) }), ended({ user, run, status, now })]
        : [(moving ? queries.move : queries.rest)({ user, journal: runJournal(run) })]),
      ...(last ? searchRows(user, run, [last.response, last.error?.message, last.error?.errorId]) : []),
    ],
  }
}

function createReads(
  storage: Storage,
  { processId, form, mark }: Holder,
): Omit<RunStore, 'insert' | 'saveStatus' | 'saveUsage'> {
  const { dialect } = storage
  const queries = { ...compileReads(dialect), ...workOwners(dialect), ...openWork(dialect) }
  return {
    claim: (user, run) =>
      queries.claim(
        { user, journal: runJournal(run), processId: processId(), form },
        { expect: { rows: 1 }, otherwise: 'run.not_owned', detail: { run } },
      ),
    release: (user, run) => queries.release({ user, journal: runJournal(run), processId: processId() }),
    abandon: (user, run) => queries.abandon({ user, journal: runJournal(run), processId: processId() }),
    async holderOf(user, run) {
      const [rows] = await storage.read({ work: true }, [
        queries.holder({ user, journal: runJournal(run) }, { returns: true }),
      ])
      const row = rows?.[0]
      if (!row) return undefined
      return { holder: holderIn(row, processId()), form: Number(row.form) }
    },
    async hasOtherProcess() {
      const [rows] = await storage.read({ work: true }, [
        queries.otherProcess({ processId: processId(), now: { $: 'now' } }, { returns: true }),
      ])
      return rows?.[0] !== undefined
    },
    async get(user, run) {
      const [rows] = await storage.read({ user }, [queries.get({ user, run }, { returns: true })])
      return rows?.[0] && runRowOf(rows[0])
    },
    async getWith(user, run, other) {
      const [found, rows = []] = await storage.read({ user }, [queries.get({ user, run }, { returns: true }), other])
      return { row: found?.[0] && runRowOf(found[0]), rows }
    },
    async children(user, of) {
      const query =
        of === undefined
          ? queries.children({ user }, { returns: true })
          : queries.childrenOf({ user, of }, { returns: true })
      const [rows] = await storage.read({ user }, [query])
      return (rows ?? []).map(runRowOf)
    },
    async list(user, filter, limit, after) {
      const [rows] = await storage.read({ user }, [
        listRuns(dialect, user, filter, limit, after, (word) => mark(user, word)),
      ])
      return (rows ?? []).map((row) => ({ ...runRowOf(row), at: Number(row.order_value) }))
    },
    async open(limit, after) {
      const from = { user: after?.user ?? '', journal: runJournal(after?.run ?? '') }
      const [rows] = await storage.read({ work: true }, [queries.open({ ...from, limit }, { returns: true })])
      return (rows ?? []).map((row) => ({
        user: row.user_id as string,
        run: runOf(row),
        form: Number(row.form),
        holder: holderIn(row, processId()),
      }))
    },
    async isAnyOpen(user, prefix) {
      const from = runJournal(prefix)
      const [rows] = await storage.read({ work: true }, [
        queries.anyOpen({ user, from, to: prefixEnd(from) }, { returns: true }),
      ])
      return rows?.[0] !== undefined
    },
    async moving(limit, after) {
      const from = { user: after?.user ?? '', journal: runJournal(after?.run ?? '') }
      const [rows] = await storage.read({ work: true }, [queries.moving({ ...from, form, limit }, { returns: true })])
      return (rows ?? []).map((row) => ({ user: row.user_id as string, run: runOf(row) }))
    },
  }
}

const runOf = (row: Row): string => (row.journal_id as string).slice(runPrefix.length)

const holderIn = ({ owner, registered }: Row, processId: string) =>
  owner === processId ? 'here' : registered === null ? 'none' : 'other-process'

type StatusValues = Key & {
  status: string
  reason: string | null
  result: string | null
  outline: string | null
  outlineAt: Bind | null
  outside: number
  cost: number
  tokens: number
  unpriced: number
  now: Bind
  ended: Bind
}

function compileWrites(dialect: Dialect) {
  const compile = templates(dialect)
  return {
    insert: compile<
      Key & {
        tags: string
        agents: string
        title: string
        parent: string | null
        team: string | null
        thread: string | null
        now: Bind
      }
    >(
      (p) => sql`insert into runs (
          user_id, run_id, status, tags, agents, title, parent, team, thread, created_at, updated_at)
        values (${p.user}, ${p.run}, 'running', ${p.tags}, ${p.agents}, ${p.title}, ${p.parent}, ${p.team}, ${p.thread},
          ${p.now}, ${p.now})
        on conflict do nothing`,
      titleContent('run'),
    ),
    update: compile<StatusValues>(
      (p) => sql`update runs set status = ${p.status}, reason = ${p.reason}, result = ${p.result},
        outline = ${p.outline}, outline_at = ${p.outlineAt}, outside = ${p.outside}, cost = ${p.cost},
        tokens = ${p.tokens}, unpriced = ${p.unpriced}, updated_at = ${p.now}, ended_at = ${p.ended}
        where user_id = ${p.user} and run_id = ${p.run}`,
      resultContent('run'),
    ),
  }
}

function compileReads(dialect: Dialect) {
  const compile = templates(dialect, runContent('run_id'))
  return {
    get: compile<Key>((p) => sql`select ${runColumns} from runs where user_id = ${p.user} and run_id = ${p.run}`),
    ...openChildren(dialect),
  }
}

/** The columns of the row of a run. */
const runColumns = sql.raw(
  'run_id, status, reason, tags, agents, title, team, thread, parent, created_at, ended_at, result, outside',
)

/** The queries of the child runs that have not ended: of a user, or of one run, which reads no row of another run. */
function openChildren(dialect: Dialect) {
  const compile = templates(dialect, runContent('run_id'))
  const openOf = (p: { user: string }) => sql`select ${runColumns} from runs
    where user_id = ${p.user} and status in ('running', 'waiting')`
  return {
    children: compile<{ user: string }>((p) => sql`${openOf(p)} and parent is not null order by run_id`),
    childrenOf: compile<{ user: string; of: string }>(
      (p) => sql`${openOf(p)} and run_id in (select run_id from run_labels
        where user_id = ${p.user} and kind = 'parent' and value = ${p.of}) order by run_id`,
    ),
  }
}
