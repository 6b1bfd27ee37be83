/**
 * Executes changes of one user, or reads, as one transaction on one connection, sent completely: user and role,
 * statements, and the end. Answers are read afterwards, so a failed expectation must raise an error inside the database.
 *
 * A single change, and reads of one statement each, need no BEGIN and COMMIT: the Sync after the statements ends their
 * transaction. Each change of a group ends with a savepoint. If a change fails, the server rejects the rest and the transaction
 * returns to the last savepoint. COMMIT then commits the earlier changes. The order is preserved, and no failure
 * affects others.
 *
 * Invariant: role, user and search path apply to the transaction alone, so a pooled connection carries no state over.
 */
import type { PoolClient, QueryResult } from 'pg'
import type { Statement } from '../changes/statement.ts'
import type { Change, Row, StorageScope } from '../storage-port.ts'
import { cancelBlockers } from './connections/cancel-blockers.ts'
import type { Chunks, QueryOutcome } from './connections/chunks.ts'
import { idleMsOf } from './connections/connect.ts'
import type { Connections } from './connections/connections.ts'
import { PreparedTexts, type Query, transactionTime } from './connections/prepared-texts.ts'
import { errorClassOf, type PostgresErrorClass } from './error-class.ts'
import { applicationRole } from './migrate.ts'

export interface TransactionsOptions {
  readonly connections: Connections
  /** One connection for urgent changes, made when the first one is committed. */
  readonly urgent: Connections
  readonly chunks: Chunks
  readonly schema: string
  readonly statementMs: number
  /** Whether statements are named. Behind a pooler the server of the next transaction does not know the names. */
  readonly names: boolean
  /** Ms since 1970, if the time is not the database's. */
  readonly now?: () => number
  /** Called whenever the number of transactions has doubled. */
  readonly onGrowth: () => void
}

export type TransactionOutcome =
  | {
      readonly kind: 'done'
      readonly rows: readonly (readonly Row[])[]
      readonly affected: readonly number[]
      readonly revision: number | null
      readonly at: number
    }
  | Failed

export interface Failed {
  readonly kind: 'failed'
  readonly errorClass: PostgresErrorClass
  /** The index of the statement; negative if the failed statement was not the caller's. */
  readonly statement: number
  readonly error: unknown
  /** False if there was no connection to send it on. */
  readonly sent: boolean
}

/** A change with the id under which it is stored: the caller's, or one made by the adapter. */
export interface Identified {
  readonly change: Change
  /** null if repeating the change does no harm. */
  readonly id: string | null
  /** Whether an earlier attempt may have been committed. */
  readonly unknown: boolean
}

interface Answers {
  readonly kind: 'answered'
  /** The outcome of each query. */
  readonly queryOutcomes: readonly QueryOutcome[]
  readonly committed: QueryOutcome
  readonly at: number
}

type Kind = 'changes' | 'reads'

const begins: Readonly<Record<Kind, string>> = {
  changes: 'begin',
  reads: 'begin isolation level repeatable read read only',
}

/** The number of transactions before the first analysis of tables, as a power of two. */
const firstGrowth = 8

const plainly = (name: string, text: string): Query => ({ name: `troupe_${name}`, text, values: [] })
const savepoint = plainly('savepoint', 'savepoint troupe')
const toSavepoint = plainly('to_savepoint', 'rollback to savepoint troupe')
const commit = plainly('commit', 'commit')
const discardPlans = plainly('discard_plans', 'discard plans')

/** Greater than every count of rows. */
const endless = Number.MAX_SAFE_INTEGER

export class Transactions {
  readonly #options: TransactionsOptions
  readonly #texts = new PreparedTexts()
  readonly #setup: Readonly<Record<Kind, string>>
  #count = 0
  #doublings = 0
  /** For each connection, the value of `#doublings` at its last transaction; after a change its plans are discarded. */
  readonly #planned = new WeakMap<PoolClient, number>()

  constructor(options: TransactionsOptions) {
    this.#options = options
    const setting = (name: string, value: string) => `set_config('${name}', ${value}, true)`
    const time = options.now ? '$2::text' : 'floor(extract(epoch from clock_timestamp()) * 1000)::bigint::text'
    const common = [
      setting('search_path', `'${options.schema}'`),
      // Behind a pooler the session is shared, so each transaction sets what own connections set at login.
      ...(options.names
        ? []
        : [
            setting('idle_in_transaction_session_timeout', `'${idleMsOf(options.statementMs)}'`),
            setting('jit', "'off'"),
            setting('lock_timeout', "'0'"),
          ]),
      setting('troupe.user', '$1::text'),
      setting('role', `'${applicationRole}'`),
    ]
    const ofChanges = [
      // Changes find rows by keys, for which any plan is good enough; planning takes longer than executing.
      setting('plan_cache_mode', "'force_generic_plan'"),
      // Changes of one user are serialised, so a guard's result is still valid when the next statement writes.
      `case when $1::text <> '' then pg_advisory_xact_lock(hashtextextended('${options.schema}/' || $1::text, 0)) end`,
    ]
    const at = `${setting('troupe.now', time)} as at`
    this.#setup = {
      changes: `select ${[...common, ...ofChanges, at].join(', ')}`,
      // Without BEGIN a transaction is not read-only by itself.
      reads: `select ${[...common, setting('transaction_read_only', "'on'"), at].join(', ')}`,
    }
  }

  /**
   * @param group changes of one scope
   * @returns an outcome for each, in order; changes after a failed one had no effect
   */
  async changes(group: readonly Identified[]): Promise<readonly TransactionOutcome[]> {
    const { scope, urgent } = (group[0] as Identified).change
    const user = 'user' in scope ? scope.user : ''
    const each = group.map((identified) => this.#queriesOf(identified, user))
    const chunks = each.length === 1 ? each : [...each.map((own) => [...own, savepoint]), [toSavepoint]]
    const connections = urgent ? this.#options.urgent : this.#options.connections
    // A savepoint needs BEGIN.
    const answer = await this.#send('changes', user, () => chunks, { connections, needsBegin: () => chunks.length > 1 })
    if (answer.kind === 'failed') return group.map(() => answer)
    const { queryOutcomes, committed, at } = answer
    // If COMMIT failed, the outcome of every change is unknown, and the data behind a rejection may not be durable
    // either.
    if (isRejected(committed)) return group.map(() => failedAt(committed, -1))
    let next = 0
    return untilOneFails(group, ({ change }, i) => {
      const own = queryOutcomes.slice(next, next + (each[i] as readonly Query[]).length)
      next += own.length + 1
      const failed = own.findIndex(isRejected)
      const first = mayBeRepeated(group[i] as Identified) ? 1 : 0
      if (failed >= 0) return failedAt(own[failed] as PromiseRejectedResult, failed - first)
      if (committed.value.command !== 'COMMIT') return rolledBack
      const results = own.map(resultIn)
      const revision = change.feed?.length ? (results.at(-1)?.rows[0]?.revision as number) : null
      return { kind: 'done', at, revision, ...this.#gather(change, results.slice(first)) }
    })
  }

  /**
   * @param take returns the reads of this scope when a connection is available; `free` is the number of other free
   * connections
   * @returns an outcome for each read, in order, before expectations are checked. Reads after a failed one are
   * `aborted`. A single failure if there was no connection.
   */
  async reads(
    scope: StorageScope,
    take: (free: number) => readonly (readonly Statement[])[],
  ): Promise<readonly TransactionOutcome[]> {
    const user = 'user' in scope ? scope.user : ''
    const { connections } = this.#options
    let group: readonly (readonly Statement[])[] = []
    const chunksOf = () => {
      group = take(connections.free)
      return [group.flat().map(({ sql, binds }) => this.#texts.query(sql, binds))]
    }
    // Several statements of one read need one snapshot, and therefore an explicit transaction.
    const needsBegin = () => group.some(({ length }) => length > 1)
    const answer = await this.#send('reads', user, chunksOf, { connections, needsBegin })
    if (answer.kind === 'failed') return answer.sent ? group.map(() => answer) : [answer]
    const { queryOutcomes, at } = answer
    let next = 0
    return untilOneFails(group, (statements) => {
      const own = queryOutcomes.slice(next, next + statements.length)
      next += own.length
      const failed = own.findIndex(isRejected)
      if (failed >= 0) return failedAt(own[failed] as PromiseRejectedResult, failed)
      const rows = own.map((each) => resultIn(each).rows.map(plain))
      return { kind: 'done', rows, affected: rows.map(({ length }) => length), revision: null, at }
    })
  }

  /** Ends stalled sessions that block others. @returns the number of sessions ended */
  unblock(): Promise<number> {
    return cancelBlockers(this.#options.connections, idleMsOf(this.#options.statementMs))
  }

  /** @returns a failure if no statement was sent or the transaction could not begin */
  async #send(
    kind: Kind,
    user: string,
    chunksOf: () => readonly (readonly Query[])[],
    { connections, needsBegin }: { readonly connections: Connections; readonly needsBegin: () => boolean },
  ): Promise<Answers | Failed> {
    let client: PoolClient | undefined
    try {
      client = await connections.acquire()
    } catch (error) {
      return { kind: 'failed', errorClass: errorClassOf(error), statement: -2, error, sent: false }
    }
    const { now, names, chunks } = this.#options
    const setup: Query = {
      text: this.#setup[kind],
      values: now ? [user, String(Math.floor(now()))] : [user],
      name: `troupe_${kind}`,
    }
    const [first = [], ...others] = chunksOf()
    const named = (query: Query): Query => (names ? query : { text: query.text, values: query.values })
    const before = this.#beforeSetup(client)
    const body = [...before, setup, ...first].map(named)
    connections.keepalive.begin(client)
    const alone = needsBegin() ? undefined : chunks.sendAsTransaction(client, body)
    const begin = named(plainly(`begin_${kind}`, begins[kind]))
    const queryOutcomes = await (alone ??
      chunks.send(client, [[begin, ...body], ...others.map((chunk) => chunk.map(named))], named(commit)))
    connections.keepalive.end(client)
    // A rejected write may mean that the connected server is not the primary any more.
    const useless = (errorClass: PostgresErrorClass['kind']) =>
      errorClass === 'lost' || (errorClass === 'writes' && kind === 'changes')
    connections.release(
      client,
      queryOutcomes.some((each) => isRejected(each) && useless(errorClassOf(each.reason).kind)),
    )
    const setupAt = before.length + (alone ? 0 : 1)
    const early = queryOutcomes.slice(0, setupAt + 1).find(isRejected)
    if (early) return failedAt(early, -2)
    return {
      kind: 'answered',
      queryOutcomes: queryOutcomes.slice(setupAt + 1, -1),
      committed: queryOutcomes.at(-1) as QueryOutcome,
      at: Number(resultIn(queryOutcomes[setupAt] as QueryOutcome).rows[0]?.at),
    }
  }

  #beforeSetup(client: PoolClient): readonly Query[] {
    const { names, statementMs, onGrowth } = this.#options
    const doublings = Math.floor(Math.log2(++this.#count))
    if (doublings > this.#doublings && doublings >= firstGrowth) onGrowth()
    this.#doublings = doublings
    // The timeout is set before the wait for the user's lock.
    if (!names) return [plainly('timeout', `select set_config('statement_timeout', '${statementMs}', true)`)]
    // A plan reflects the table sizes at its creation: for an empty table every index seems equally good.
    const planned = this.#planned.get(client) ?? doublings
    this.#planned.set(client, doublings)
    return planned < doublings ? [discardPlans] : []
  }

  #queriesOf(identified: Identified, user: string): readonly Query[] {
    const { change, id } = identified
    const feed = change.feed ?? []
    const wakes = feed.length > 0 || (change.wake?.length ?? 0) > 0
    const isReferenced = new Set(
      change.statements.flatMap(({ expect }) => (expect && 'sameAs' in expect ? expect.sameAs : [])),
    )
    const claim: Query = {
      text: `select troupe_begin($1, $2, ${transactionTime}, $3, $4)`,
      values: [id ?? '', user, String(wakes), String(feed.length > 0)],
      name: 'troupe_begin',
    }
    const statements = change.statements.map((statement, index) =>
      this.#query(statement, index, isReferenced.has(index)),
    )
    const claimed = mayBeRepeated(identified)
    const own = claimed ? [claim, ...statements] : statements
    if (feed.length === 0) return own
    const columns = (['kind', 'key', 'data'] as const).map((name) => feed.map((item) => item[name]))
    const feedSql = `select troupe_append_feed($1, $2, ${transactionTime}, $3, $4, $5) as revision`
    const feedQuery: Query = {
      text: claimed ? feedSql : `${feedSql}, nextval('storage_wakes')`,
      values: [id ?? '', user, ...columns],
      name: claimed ? 'troupe_append_feed' : 'troupe_tell_first',
    }
    return [...own, feedQuery]
  }

  /** An expectation is checked by SQL around the statement; a statement without one is sent unchanged. */
  #query({ sql, binds, expect, returns }: Statement, index: number, isReferenced: boolean): Query {
    if (expect === undefined && !isReferenced) return this.#texts.query(sql, binds)
    const same = expect && 'sameAs' in expect
    const numbers = same
      ? [expect.sameAs, index]
      : expect && 'rows' in expect
        ? [expect.rows, expect.rows, index]
        : [expect?.min ?? 0, expect?.max ?? endless, index]
    const judge = (sent: number) => {
      const [a, b, c] = [1, 2, 3].map((n) => `$${sent + n}::bigint`)
      const count = '(select count(*) from troupe_s)'
      return same ? `troupe_same(${count}, ${a}, ${b})` : `troupe_expect(${count}, ${a}, ${b}, ${c}, ${isReferenced})`
    }
    const query = this.#texts.query(sql, binds, {
      key: `${same ? 'same' : isReferenced ? 'referenced' : 'judged'} ${returns ? 'returns' : ''} `,
      apply: (text, sent) =>
        returns
          ? `with troupe_s as (${text}) select troupe_c.n as troupe_n, troupe_s.*
            from (select ${judge(sent)} as n) troupe_c left join troupe_s on true`
          : `with troupe_s as (${returning(text)}) select ${judge(sent)} as troupe_n`,
    })
    return { ...query, values: [...query.values, ...numbers.map((number) => Math.min(number, endless))] }
  }

  #gather(change: Change, results: readonly QueryResult<Row>[]) {
    const rows: (readonly Row[])[] = []
    const affected: number[] = []
    change.statements.forEach((statement, index) => {
      const result = results[index]
      const found = (result?.rows ?? []).map(plain)
      const judged = found[0]?.troupe_n as number | undefined
      const count = judged ?? result?.rowCount ?? 0
      affected.push(count)
      rows.push(statement.returns ? found.slice(0, count).map(({ troupe_n, ...row }) => row) : [])
    })
    return { rows, affected }
  }
}

/**
 * Returns whether `troupe_begin` must be called. For a change with feed items `troupe_append_feed` stores the id. If
 * only this call knows the id, no earlier lookup is needed.
 */
const mayBeRepeated = ({ change, unknown }: Identified): boolean =>
  unknown || (change.id !== null && !change.fresh) || (change.feed ?? []).length === 0

const isRejected = (queryOutcome: QueryOutcome): queryOutcome is PromiseRejectedResult =>
  queryOutcome.status === 'rejected'
const resultIn = (queryOutcome: QueryOutcome) => (queryOutcome as PromiseFulfilledResult<QueryResult<Row>>).value

const failedAt = ({ reason }: PromiseRejectedResult, statement: number): Failed => ({
  kind: 'failed',
  errorClass: errorClassOf(reason),
  statement,
  error: reason,
  sent: true,
})
/** The server rolled back the whole transaction without an error. */
const rolledBack: Failed = {
  kind: 'failed',
  errorClass: { kind: 'retry' },
  statement: -1,
  error: new Error('the transaction was rolled back'),
  sent: true,
}

const aborted: Failed = { ...rolledBack, errorClass: { kind: 'aborted' }, error: new Error('one before it failed') }

/**
 * Changes after a failed one had no effect, whatever error the server reports for them: statements that could not be
 * prepared are then unknown by name. If the connection was lost, it was lost for the following changes too.
 */
function untilOneFails<Item>(
  group: readonly Item[],
  outcomeOf: (item: Item, index: number) => TransactionOutcome,
): readonly TransactionOutcome[] {
  let following: Failed | undefined
  return group.map((item, index) => {
    const outcome = following ?? outcomeOf(item, index)
    if (outcome.kind === 'failed') following = outcome.errorClass.kind === 'lost' ? outcome : aborted
    return outcome
  })
}

const plain = (row: Row): Row => ({ ...row })

/** Adds RETURNING, without which a writing statement returns no rows. */
const returning = (text: string): string =>
  /^\s*(insert|update|delete)\b/i.test(text) && !/\breturning\b/i.test(text) ? `${text} returning 1` : text
