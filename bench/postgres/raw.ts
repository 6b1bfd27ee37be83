/** The same rows by hand: what a careful author writes with pipelined `pg`, one transaction and one round trip a change. */
import { Pool, type QueryConfig } from 'pg'

export interface Raw {
  /** One row and one item of the feed. */
  change(user: string, n: string): Promise<void>
  /** An entry, the version that it replaces, the user's revision, one item of the feed. */
  upsert(user: string, key: string, value: string): Promise<void>
  get(user: string, key: string): Promise<unknown>
  close(): Promise<void>
}

const entry = 'user_id text, key text collate "C", version bigint, value text, at bigint'
const tables = [
  'rows (user_id text not null, n text not null, value text not null, primary key (user_id, n))',
  `entries (${entry}, primary key (user_id, key))`,
  `versions (${entry}, primary key (user_id, key, version))`,
  'revisions (user_id text primary key, revision bigint not null)',
  'feed (user_id text not null, revision bigint not null, key text not null, primary key (user_id, revision))',
]

/** @param made makes the schema first */
export async function openRaw(url: string, schema: string, connections: number, made = false): Promise<Raw> {
  const pool = new Pool({ connectionString: url, max: connections, pipeline: true } as object)
  if (made)
    for (const sql of [`create schema ${schema}`, ...tables.map((t) => `create table ${schema}.${t}`)])
      await pool.query(sql)
  const insert = `insert into ${schema}.rows values ($1, $2, $3)`
  const saveVersion = `insert into ${schema}.versions select * from ${schema}.entries where user_id = $1 and key = $2`
  const put = `insert into ${schema}.entries as e values ($1, $2, 1, $3, $4) on conflict (user_id, key)
    do update set version = e.version + 1, value = excluded.value, at = excluded.at`
  const feedSql = `with raised as (insert into ${schema}.revisions as r values ($1, 1)
      on conflict (user_id) do update set revision = r.revision + 1 returning revision)
    insert into ${schema}.feed select $1, revision, $2 from raised`
  const get = `select value, version from ${schema}.entries where user_id = $1 and key = $2`
  const transaction = async (...queries: readonly QueryConfig[]) => {
    const client = await pool.connect()
    const begun = client.query('begin')
    await Promise.all([begun, ...queries.map((query) => client.query(query)), client.query('commit')])
    client.release()
  }
  const feedQuery = (user: string, key: string) => ({ name: 'feed', text: feedSql, values: [user, key] })
  return {
    change: (user, n) =>
      transaction({ name: 'row', text: insert, values: [user, n, 'x'.repeat(100)] }, feedQuery(user, n)),
    // The counter first, so that two of one user wait for each other there and lock nothing crosswise.
    upsert: (user, key, value) =>
      transaction(
        feedQuery(user, key),
        { name: 'saveVersion', text: saveVersion, values: [user, key] },
        { name: 'put', text: put, values: [user, key, value, Date.now()] },
      ),
    async get(user, key) {
      const { rows } = await pool.query({ name: 'get', text: get, values: [user, key] })
      return rows[0] && JSON.parse(rows[0].value)
    },
    close: () => pool.end(),
  }
}
