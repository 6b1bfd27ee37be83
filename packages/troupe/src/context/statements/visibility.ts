/** The audience rule in SQL, over a row named `e`. `audience.ts` is the same rule in TypeScript. */
import { type RawBuilder, sql } from 'kysely'
import { type Bind, type Dialect, type Now, oneOf, templates } from '../../storage/index.ts'
import { entryContent } from '../context-tables.ts'
import { agentGrantee, type ContextReader } from '../entries/audience.ts'

export const now: Now = { $: 'now' }

/** The values of every statement that depends on the reader. */
export interface ReaderValues {
  readonly user: string
  readonly agent: string
  readonly grantee: string
  readonly all: number
  readonly now: Now
}
export const readerValues = (reader: ContextReader): ReaderValues => ({
  user: reader.user,
  agent: reader.agent,
  grantee: agentGrantee(reader.agent),
  all: reader.all ? 1 : 0,
  now,
})

export type Piece = RawBuilder<unknown>

/** Compiles raw SQL, once. Its columns `value` and `metadata` are content. */
export const entryTemplates = (dialect: Dialect) => templates(dialect, entryContent)

/** The elements of a list in JSON text as rows with the column `value`. */
export const each = (dialect: Dialect, list: unknown, alias: string): Piece => {
  const value = list instanceof Object && 'toOperationNode' in list ? (list as Piece) : sql`${list}`
  return dialect.name === 'sqlite'
    ? sql`json_each(${value}) ${sql.raw(alias)}`
    : sql`json_array_elements_text(cast(${value} as json)) as ${sql.raw(alias)}(value)`
}

/** Follows a column of an index: the elements of a list in JSON text. */
export const among = (dialect: Dialect, list: unknown): Piece =>
  oneOf(dialect, sql`select g.value from ${each(dialect, list, 'g')}`)

export const live = (p: { readonly now: Bind }): Piece => sql`(e.expires_at is null or e.expires_at > ${p.now})`

export const visible = (dialect: Dialect, p: ReaderValues): Piece => {
  const subscribed = (which: Piece) => sql`exists (select 1 from context_subscriptions s
    where s.user_id = ${p.user} and s.agent = ${p.agent} and s.grantee ${which})`
  const audience = sql`e.audience`
  const named = sql`select 1 from ${each(dialect, audience, 'g')} where g.value = ${p.grantee}`
  const granted =
    dialect.name === 'sqlite'
      ? sql`exists (${named} or ${subscribed(sql`= g.value`)})`
      : sql`exists (${named}) or ${subscribed(among(dialect, audience))}`
  return sql`(${p.all} = 1 or e.everyone = 1 or e.owner = ${p.agent} or ${granted})`
}

export const writable = (dialect: Dialect, p: ReaderValues): Piece =>
  sql`(${p.all} = 1 or e.owner = ${p.agent} or exists (select 1 from ${each(dialect, sql`e.writers`, 'w')}
    where w.value = ${p.grantee} or (w.value = '*' and ${visible(dialect, p)})))`

const columnsWith = (
  value: Piece,
): Piece => sql`e.key, e.version, e.born, e.change, e.revision, e.owner, e.audience, e.everyone,
  e.writers, e.lifecycle, e.ttl_ms, e.created_at, e.updated_at, e.expires_at, ${value}, e.stored, e.metadata, e.provenance, e.taint`

export const columns = columnsWith(sql`e.value`)

/** The columns, with null in place of a value that is longer than so many bytes. */
export const columnsUpTo = (bytes: number): Piece =>
  columnsWith(sql`case when e.stored <= ${bytes} then e.value end as value`)
