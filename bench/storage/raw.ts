/** The same rows by hand: what node:sqlite can do on this machine, on the main thread, without anything of ours. */
import { DatabaseSync } from 'node:sqlite'
import { data, insertEntry, value } from './workload.ts'

const schema = `
  create table bench_entries (user_id text, key text, version integer, value text, primary key (user_id, key)) without rowid;
  create table changes (id text, user_id text, at integer, revision integer, primary key (id, user_id)) without rowid;
  create index changes_at on changes (at);
  create table revisions (user_id text primary key, revision integer, horizon integer) without rowid;
  create table feed (n integer primary key, user_id text, revision integer, ordinal integer, at integer, kind text,
    key text, data text);
  create unique index feed_revision on feed (user_id, revision, ordinal);`

export interface RawResult {
  readonly perSecond: number
}

/** @param path `:memory:` or a file that does not exist; `group` changes share a transaction */
export function raw(path: string, group: number, forMs: number): RawResult {
  const db = new DatabaseSync(path)
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -16384')
  db.exec(schema)
  const [begin, commit] = [db.prepare('begin immediate'), db.prepare('commit')]
  const entry = db.prepare(insertEntry)
  const change = db.prepare('insert into changes (id, user_id, at, revision) values (?, ?, ?, ?)')
  const raise = db.prepare(`insert into revisions values (?, 1, 0)
    on conflict (user_id) do update set revision = revision + 1 returning revision`)
  const feed = db.prepare(
    'insert into feed (user_id, revision, ordinal, at, kind, key, data) values (?, ?, 0, ?, ?, ?, ?)',
  )
  const started = performance.now()
  let n = 0
  while (performance.now() - started < forMs) {
    begin.run()
    for (let i = 0; i < group; i++, n++) {
      const [user, key, at] = [`user-${i}`, `orders.${n}.status`, Date.now()]
      entry.run(user, key, 1, value)
      const { revision } = raise.get(user) as { revision: number }
      feed.run(user, revision, at, 'put', key, data)
      change.run(`${i}-${n}-0123456789abcdef`, user, at, revision)
    }
    commit.run()
  }
  const perSecond = (n / (performance.now() - started)) * 1_000
  db.close()
  return { perSecond }
}
