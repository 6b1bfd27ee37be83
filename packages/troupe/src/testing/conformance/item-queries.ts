/** A table and its queries for the conformance suite, in the dialect that is tried. */
import { sql } from 'kysely'
import type { UserId } from '../../core/index.ts'
import {
  type Dialect,
  type Migration,
  type Now,
  type SqlQuery,
  type Statement,
  type Storage,
  statementOf,
} from '../../storage/index.ts'

const columns = (bytes: string, number: string, text: string) => `create table conformance_items (
  user_id ${text} not null, key ${text} not null, number ${number} not null, text ${text}, bytes ${bytes},
  primary key (user_id, key))`

export const itemMigration: Migration = {
  module: 'conformance',
  version: 1,
  name: 'items',
  lowestReader: 1,
  up: { sqlite: [columns('blob', 'integer', 'text')], postgres: [columns('bytea', 'bigint', 'text')] },
}

export interface ItemQueries {
  insert(user: UserId, key: string, number: number | bigint): Statement
  /** Inserts or replaces. */
  stamp(user: UserId, key: string, time: Now): Statement
  wide(user: UserId, key: string, text: string, bytes: Uint8Array | null, number: number | bigint): Statement
  readWide(user: UserId, key: string): Statement
  /** Adds to each number of the user, and returns the keys and numbers. */
  bump(user: UserId, by?: number): Statement
  select(user: UserId): Statement
  /** Creates a different statement text for each number. */
  constant(number: number): Statement
  all(storage: Storage, user: UserId): Promise<Readonly<Record<string, unknown>>>
}

export function itemQueries(dialect: Dialect): ItemQueries {
  const statement = (query: SqlQuery) => statementOf(dialect, query)
  const insert = (
    user: UserId,
    key: string,
    number: number | bigint | Now,
    text = null as string | null,
    bytes = null as Uint8Array | null,
  ) =>
    sql`insert into conformance_items (user_id, key, number, text, bytes)
      values (${user}, ${key}, ${number}, ${text}, ${bytes})`
  const select = (user: UserId) =>
    statement(sql`select key, number from conformance_items where user_id = ${user} order by key`)
  return {
    insert: (user, key, number) => statement(insert(user, key, number)),
    stamp: (user, key, time) =>
      statement(sql`${insert(user, key, time)} on conflict (user_id, key) do update set number = excluded.number`),
    wide: (user, key, text, bytes, number) => statement(insert(user, key, number, text, bytes)),
    readWide: (user, key) => ({
      ...statement(sql`select number, text, bytes from conformance_items where user_id = ${user} and key = ${key}`),
      returns: true,
    }),
    bump: (user, by = 1) =>
      statement(
        sql`update conformance_items set number = number + ${by} where user_id = ${user} returning key, number`,
      ),
    select,
    constant: (number) => ({ sql: `select ${number} as constant`, binds: [], returns: true }),
    async all(storage, user) {
      const [rows] = await storage.read({ user }, [{ ...select(user), returns: true }])
      return Object.fromEntries((rows ?? []).map(({ key, number }) => [key, number]))
    },
  }
}
