/**
 * The list of the entries that a reader sees, in the order of keys. The engine merges one stream of `context_visible` per
 * grantee of the reader, so that a page reads only visible rows. With k streams and a page of n entries it reads
 *
 * - on SQLite a union that is merged lazily: one row per stream, and one per entry and grantee of the reader below the end;
 * - on PostgreSQL, which does not merge lazily, two phases: the first ceil(n / k) + 1 keys of each stream; then, for streams
 *   that end below the n-th distinct key, the rest up to this key. At most k * (n + ceil(n / k) + 1) rows.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Dialect, Now, Statement, Template } from '../../storage/index.ts'
import { columns, each, entryTemplates, live } from './visibility.ts'

export interface Range {
  /** The first key. */
  readonly from: string
  /** The first key after the range; undefined for a range without an end. */
  readonly to: string | undefined
  readonly limit: number
}
export interface ListScope {
  readonly user: string
  readonly now: Now
}
type Values = Record<string, string | number | Now>
type Piece = RawBuilder<unknown>

/** A text above every key, since a key has at most 1,024 bytes. */
const beyond = '\u{10ffff}'.repeat(257)

/**
 * Returns a function that creates the statement of a list. On PostgreSQL, a row whose `live` is 0 is an expired entry; its key
 * counts as examined.
 */
export function createListStatement(dialect: Dialect) {
  const raw = entryTemplates(dialect)
  const made = new Map<string, Template<Values>>()
  const compiled = (name: string, build: (p: Values) => Piece) => {
    const template = made.get(name) ?? raw<Values>(build)
    made.set(name, template)
    return template
  }
  const merged = dialect.name === 'sqlite' ? mergedLazily : inTwoPhases
  /** @param what the columns: complete entries, or those that a filter needs */
  return (scope: ListScope, grantees: readonly string[] | 'all', range: Range, what: 'entries' | 'keys'): Statement => {
    const wanted = what === 'entries' ? columns : sql.raw('e.key, e.audience')
    const { from, to, limit } = range
    const values: Values = { ...scope, from, limit, ...(to === undefined ? {} : { to }) }
    const bounded = (p: Values) => (to === undefined ? sql`key >= ${p.from}` : sql`key >= ${p.from} and key < ${p.to}`)
    const name = `${what} ${to === undefined ? '' : 'to'}`
    if (grantees === 'all')
      return compiled(
        `all ${name}`,
        (p) => sql`select ${wanted} from context_entries e
          where e.user_id = ${p.user} and ${bounded(p)} and ${live(p as never)} order by e.key limit ${p.limit}`,
      )(values)
    const { key, build, more } = merged(grantees, limit, dialect)
    return compiled(`${key} ${name}`, (p) => build(p, wanted, bounded(p)))({ ...values, ...more })
  }
}

/** A grantee of no entry, with which streams are padded: a repeated stream would be read twice. */
const noGrantee = ''

interface Merged {
  /** The key of its compiled text. */
  readonly key: string
  readonly build: (p: Values, wanted: Piece, bounded: Piece) => Piece
  readonly more: Values
}

/** The numbers of streams to which statements are padded, so that few are compiled. The engine merges at most 500. */
function mergedLazily(grantees: readonly string[]): Merged {
  let size = 2
  while (size < grantees.length) size = size < 256 ? 2 * size : size + 64
  const streams = Array.from({ length: size }, (_, i) => grantees[i] ?? noGrantee)
  return {
    key: String(size),
    more: Object.fromEntries(streams.map((grantee, i) => [`g${i}`, grantee])),
    build(p, wanted, bounded) {
      const one = (_: string, i: number) =>
        sql`select key from context_visible where user_id = ${p.user} and grantee = ${p[`g${i}`]} and ${bounded}`
      // The inner limit preserves the inner order; an outer order would make the engine collect all streams first.
      return sql`select ${wanted} from (${sql.join(streams.map(one), sql` union `)} order by key limit 9000000000) v
          cross join context_entries e
        where e.user_id = ${p.user} and e.key = v.key and ${live(p as never)} limit ${p.limit}`
    },
  }
}

/** Lateral joins, so that the planner cannot choose to read a complete table. */
function inTwoPhases(grantees: readonly string[], limit: number, dialect: Dialect): Merged {
  return {
    key: 'merged',
    more: { grantees: JSON.stringify(grantees), first: Math.ceil(limit / grantees.length) + 1, beyond },
    build(p, wanted, bounded) {
      const stream = (grantee: string, more: Piece, rowLimit: unknown) => sql`(select v.key from context_visible v
        where v.user_id = ${p.user} and v.grantee = ${sql.raw(grantee)} and ${bounded} ${more} order by v.key limit ${rowLimit})`
      return sql`with first as materialized (
          select g.value as grantee, s.key, count(*) over w as read, last_value(s.key) over w as last
          from ${each(dialect, p.grantees, 'g')} cross join lateral ${stream('g.value', sql``, p.first)} s
          window w as (partition by g.value order by s.key rows between unbounded preceding and unbounded following)),
        cut as materialized (
          select case when count(*) = ${p.limit} then max(k.key) else ${p.beyond} end as key
          from (select distinct key from first order by key limit ${p.limit}) k),
        rest as (
          select s.key from (select distinct f.grantee, f.last from first f
            where f.read = ${p.first} and f.last < (select c.key from cut c)) f
          cross join lateral ${stream('f.grantee', sql`and v.key > f.last and v.key < (select c.key from cut c)`, p.limit)} s)
        select ${wanted}, case when ${live(p as never)} then 1 else 0 end as live
        from (select key from first union select key from rest order by key limit ${p.limit}) k
          cross join lateral (select * from context_entries o where o.user_id = ${p.user} and o.key = k.key limit 1) e
        order by e.key`
    },
  }
}
