/** The change that is measured: an entry, with its id, its revision and its feed item, as a push makes it. */
import type { Change, Migration } from 'troupe/testing'

export const migrations: readonly Migration[] = [
  {
    module: 'bench',
    version: 1,
    name: 'entries',
    lowestReader: 1,
    up: {
      sqlite: [
        'create table bench_entries (user_id text, key text, version integer, value text, primary key (user_id, key)) without rowid',
      ],
      postgres: [],
    },
  },
]

export const insertEntry = 'insert into bench_entries (user_id, key, version, value) values (?, ?, ?, ?)'
export const value = JSON.stringify({ text: 'x'.repeat(200) })
export const data = JSON.stringify({ version: 1 })

/** @param n a number of its own */
export function pushOf(writer: number, n: number): Change {
  const user = `user-${writer}` as never
  const key = `orders.${n}.status`
  return {
    id: `${writer}-${n}-0123456789abcdef`,
    scope: { user },
    statements: [{ sql: insertEntry, binds: [user, key, 1, value], expect: { rows: 1 } }],
    feed: [{ kind: 'put', key, data }],
  }
}
