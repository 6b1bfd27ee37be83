/**
 * The same rows by hand: what a push keeps (the entry, the version it replaces, the user's revision, the item of the
 * feed) in node:sqlite, on the main thread, without anything of ours: no audience, no checks, no provenance.
 */
import { DatabaseSync } from 'node:sqlite'
import type { Spent } from './time-spent.ts'

export interface Raw {
  /** Writes them all, many at a time. */
  fill(keys: readonly string[], value: string): Promise<void>
  /** So many at once, each durable. @returns upserts per second */
  upserts(keys: readonly string[], value: string, writers: number, forMs: number, spent: Spent): Promise<number>
  /** Reads rows, parsed. @returns reads per second */
  gets(keys: readonly string[], concurrency: number, forMs: number, spent: Spent): Promise<number>
  close(): Promise<void>
}

const schema = `
  create table entries (user_id text, key text, version integer, value text, at integer, primary key (user_id, key));
  create table versions (user_id text, key text, version integer, value text, at integer,
    primary key (user_id, key, version));
  create table revisions (user_id text primary key, revision integer) without rowid;
  create table feed (n integer primary key, user_id text, revision integer, ordinal integer, at integer, kind text,
    key text, data text);
  create unique index feed_revision on feed (user_id, revision, ordinal);`

/** @param path `:memory:` or a file that does not exist */
export function openRawSqlite(path: string): Raw {
  const db = new DatabaseSync(path)
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -16384')
  db.exec(schema)
  const saveVersion = db.prepare(`insert into versions select * from entries where user_id = 'ada' and key = ?`)
  const put = db.prepare(`insert into entries values ('ada', ?, 1, ?, ?)
    on conflict do update set version = version + 1, value = excluded.value, at = excluded.at`)
  const raise = db.prepare(`insert into revisions values ('ada', 1)
    on conflict do update set revision = revision + 1 returning revision`)
  const insertFeed = db.prepare(`insert into feed (user_id, revision, ordinal, at, kind, key, data)
    values ('ada', ?, 0, ?, 'put', ?, 'change')`)
  const select = db.prepare(`select value, version from entries where user_id = 'ada' and key = ?`)
  const upsert = (key: string, value: string) => {
    const at = Date.now()
    saveVersion.run(key)
    put.run(key, value, at)
    const { revision } = raise.get() as { revision: number }
    insertFeed.run(revision, at, key)
  }
  const grouped = (run: () => void) => {
    db.exec('begin immediate')
    run()
    db.exec('commit')
  }
  let at = 0
  return {
    async fill(keys, value) {
      for (let from = 0; from < keys.length; from += 1_000)
        grouped(() => {
          for (const key of keys.slice(from, from + 1_000)) upsert(key, value)
        })
    },
    // Those that come at once share a durable transaction.
    async upserts(keys, value, group, forMs, spent) {
      const began = spent()
      let done = 0
      for (; spent() - began < forMs; done += group)
        grouped(() => {
          for (let i = 0; i < group; i++) upsert(pick(keys, at++), value)
        })
      return (done / (spent() - began)) * 1_000
    },
    async gets(keys, _, forMs, spent) {
      const began = spent()
      let done = 0
      for (; done % 100 !== 0 || spent() - began < forMs; done++) {
        const row = select.get(pick(keys, at++)) as { value: string }
        JSON.parse(row.value)
      }
      return (done / (spent() - began)) * 1_000
    },
    close: async () => db.close(),
  }
}

/** Spread over all keys, the same for both: neighbours in time are no neighbours in the table. */
export const pick = (keys: readonly string[], n: number): string =>
  keys[(Math.imul(n, 2_654_435_761) >>> 0) % keys.length] as string
