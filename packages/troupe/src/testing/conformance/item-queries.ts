/** A table and its queries for the conformance suite, in the builder of whichever dialect is tried. */
import { sql } from 'kysely'
import type { UserId } from '../../core/index.ts'
import type { Bind, Dialect, Migration, Now, Statement, Storage } from '../../storage/index.ts'

interface Tables {
  conformance_items: {
    user_id: string
    key: string
    number: number | bigint
    text: string | null
    bytes: Uint8Array | null
  }
}

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
  const db = dialect.builder<Tables>()
  const compiled = (query: { compile(): { sql: string; parameters: readonly unknown[] } }): Statement => {
    const { sql, parameters } = query.compile()
    return { sql, binds: parameters as readonly Bind[] }
  }
  const into = (values: Tables['conformance_items']) => db.insertInto('conformance_items').values(values)
  const row = (user: UserId, key: string, number: number | bigint) =>
    ({ user_id: user, key, number, text: null, bytes: null }) as const
  const select = (user: UserId) =>
    compiled(db.selectFrom('conformance_items').select(['key', 'number']).where('user_id', '=', user).orderBy('key'))
  return {
    insert: (user, key, number) => compiled(into(row(user, key, number))),
    stamp: (user, key, time) =>
      compiled(
        into(row(user, key, time as unknown as number)).onConflict((conflict) =>
          conflict.columns(['user_id', 'key']).doUpdateSet({ number: (ref) => ref.ref('excluded.number') }),
        ),
      ),
    wide: (user, key, text, bytes, number) => compiled(into({ ...row(user, key, number), text, bytes })),
    readWide: (user, key) => ({
      ...compiled(
        db
          .selectFrom('conformance_items')
          .select(['number', 'text', 'bytes'])
          .where('user_id', '=', user)
          .where('key', '=', key),
      ),
      returns: true,
    }),
    bump: (user, by = 1) =>
      compiled(
        db
          .updateTable('conformance_items')
          .set({ number: sql<number>`number + ${by}` })
          .where('user_id', '=', user)
          .returning(['key', 'number']),
      ),
    select,
    constant: (number) => ({ sql: `select ${number} as constant`, binds: [], returns: true }),
    async all(storage, user) {
      const [rows] = await storage.read({ user }, [{ ...select(user), returns: true }])
      return Object.fromEntries((rows ?? []).map(({ key, number }) => [key, number]))
    },
  }
}
