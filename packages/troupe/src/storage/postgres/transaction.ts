/**
 * One change or one read as one transaction on one connection, sent whole: begin, who it is for, the statements, COMMIT;
 * answers are looked at afterwards. So a failed expectation has to raise inside the database.
 *
 * Invariant: role, user and search path hold for the transaction alone, so a connection of the pool carries nothing over.
 */
import type { Pool, PoolClient, QueryResult } from 'pg'
import { expectRows } from '../expect-rows.ts'
import type { Change, Row, Scope } from '../port.ts'
import type { Statement } from '../statement.ts'
import { applicationRole } from './migrate.ts'
import { type Meaning, meaningOf } from './postgres-error.ts'
import { PreparedTexts, type Query } from './prepared-text.ts'

export interface TransactionsOptions {
  readonly pool: Pool
  readonly schema: string
  readonly statementMs: number
  /** ms since 1970, where the time is not the database's. */
  readonly now?: () => number
}

export type Outcome =
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
  readonly meaning: Meaning
  /** Its index; below 0 it was none of the caller's. */
  readonly statement: number
  readonly error: unknown
  /** False where there was no connection to send it by. */
  readonly sent: boolean
}

interface Answers {
  readonly kind: 'answered'
  readonly results: readonly QueryResult<Row>[]
  readonly at: number
}

/** Above every count of rows. */
const endless = Number.MAX_SAFE_INTEGER

export class Transactions {
  readonly #options: TransactionsOptions
  readonly #texts = new PreparedTexts("current_setting('troupe.now')::bigint")
  readonly #enter: string

  constructor(options: TransactionsOptions) {
    this.#options = options
    const setting = (name: string, value: string) => `set_config('${name}', ${value}, true)`
    const time = options.now ? '$2::text' : 'floor(extract(epoch from clock_timestamp()) * 1000)::bigint::text'
    this.#enter = [
      `select ${setting('search_path', `'${options.schema}'`)}`,
      setting('statement_timeout', `'${options.statementMs}'`),
      setting('idle_in_transaction_session_timeout', "'10s'"),
      setting('troupe.user', '$1::text'),
      setting('role', `'${applicationRole}'`),
      // Changes of one user go one after the other, so what a guard has read still holds when the next statement writes.
      `case when $1::text <> '' and current_setting('transaction_read_only') = 'off'
        then pg_advisory_xact_lock(hashtextextended('${options.schema}/' || $1::text, 0)) end`,
      `${setting('troupe.now', time)} as at`,
    ].join(', ')
  }

  /** @param id of the change: the caller's or, where it gave none, the adapter's; null where a repetition does no harm */
  async change(change: Change, id: string | null): Promise<Outcome> {
    const user = 'user' in change.scope ? change.scope.user : ''
    const feed = change.feed ?? []
    const wakes = feed.length > 0 || (change.wake?.length ?? 0) > 0
    const kept = new Set(change.statements.flatMap(({ expect }) => (expect && 'sameAs' in expect ? expect.sameAs : [])))
    const moment = "current_setting('troupe.now')::bigint"
    const queries: Query[] = [
      {
        text: `select troupe_claim($1, $2, ${moment}, $3)`,
        values: [id ?? '', user, String(wakes)],
        name: 'troupe_claim',
      },
      ...change.statements.map((statement, index) => this.#query(statement, index, kept.has(index))),
    ]
    if (feed.length > 0)
      queries.push({
        text: `select troupe_feed($1, $2, ${moment}, $3, $4, $5) as revision`,
        values: [
          id ?? '',
          user,
          ...(['kind', 'key', 'data'] as const).map((name) => feed.map((item) => item[name])),
        ] as string[],
        name: 'troupe_feed',
      })
    const answer = await this.#send('begin', user, queries)
    if (answer.kind === 'failed') return { ...answer, statement: answer.statement - 1 }
    const { results, at } = answer
    const last = feed.length > 0 ? (results.at(-1)?.rows[0]?.revision as number) : null
    return { kind: 'done', at, revision: last, ...this.#gather(change, results.slice(1)) }
  }

  /** @throws what an expectation says */
  async read(scope: Scope, statements: readonly Statement[]): Promise<Outcome> {
    const user = 'user' in scope ? scope.user : ''
    const queries = statements.map(({ sql, binds }) => this.#texts.query(sql, binds))
    const answer = await this.#send('begin isolation level repeatable read read only', user, queries)
    if (answer.kind === 'failed') return answer
    const counts: number[] = []
    const rows = answer.results.map((result, index) => {
      counts[index] = result.rows.length
      expectRows(statements[index] as Statement, result.rows.length, counts)
      return result.rows.map(plain)
    })
    return { kind: 'done', rows, affected: counts, revision: null, at: answer.at }
  }

  async #send(begin: string, user: string, queries: readonly Query[]): Promise<Answers | Failed> {
    let client: PoolClient | undefined
    try {
      client = await this.#options.pool.connect()
    } catch (error) {
      return { kind: 'failed', meaning: meaningOf(error), statement: -2, error, sent: false }
    }
    const { now } = this.#options
    const enter: Query = {
      text: this.#enter,
      values: now ? [user, String(Math.floor(now()))] : [user],
      name: 'troupe_enter',
    }
    const all = [{ text: begin }, enter, ...queries, { text: 'commit' }]
    const sending = client
    const settled = await Promise.allSettled(all.map((query) => sending.query<Row>(query as { text: string })))
    const first = settled.findIndex(({ status }) => status === 'rejected')
    if (first < 0) {
      client.release()
      const results = settled.map((each) => (each as PromiseFulfilledResult<QueryResult<Row>>).value)
      return { kind: 'answered', results: results.slice(2, -1), at: Number(results[1]?.rows[0]?.at) }
    }
    const error = (settled[first] as PromiseRejectedResult).reason
    const meaning = meaningOf(error)
    client.release(meaning.kind === 'lost')
    return { kind: 'failed', meaning, statement: Math.min(first - 2, queries.length), error, sent: true }
  }

  /** An expectation is judged around the statement; what is not expected needs no judge. */
  #query({ sql, binds, expect, returns }: Statement, index: number, kept: boolean): Query {
    if (expect === undefined && !kept) return this.#texts.query(sql, binds)
    const same = expect && 'sameAs' in expect
    const numbers = same
      ? [expect.sameAs, index]
      : expect && 'rows' in expect
        ? [expect.rows, expect.rows, index]
        : [expect?.min ?? 0, expect?.max ?? endless, index]
    const sent = binds.filter((bind) => bind !== null).length
    const [a, b, c] = [1, 2, 3].map((n) => `$${sent + n}::bigint`)
    const judge = (count: string) =>
      same ? `troupe_same(${count}, ${a}, ${b})` : `troupe_expect(${count}, ${a}, ${b}, ${c}, ${kept})`
    const count = '(select count(*) from troupe_s)'
    const query = this.#texts.query(sql, binds, {
      key: `${same ? 'same' : kept ? 'kept' : 'judged'} ${returns ? 'returns' : ''} `,
      apply: (text) =>
        returns
          ? `with troupe_s as (${text}) select troupe_c.n as troupe_n, troupe_s.*
            from (select ${judge(count)} as n) troupe_c left join troupe_s on true`
          : `with troupe_s as (${returning(text)}) select ${judge(count)} as troupe_n`,
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

const plain = (row: Row): Row => ({ ...row })

/** A statement that writes gives rows only if it is told to. */
const returning = (text: string): string =>
  /^\s*(insert|update|delete)\b/i.test(text) && !/\breturning\b/i.test(text) ? `${text} returning 1` : text
