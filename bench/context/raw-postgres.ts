/** The same rows by hand on PostgreSQL: what a careful author writes with pipelined `pg`, one round trip a change. */
import { Pool } from 'pg'
import { pick, type Raw } from './raw.ts'
import { perSecond } from './time-spent.ts'

const connections = 10

/** @param schema made anew, and gone when it is closed */
export async function openRawPostgres(url: string, schema: string): Promise<Raw> {
  const pool = new Pool({ connectionString: url, max: connections, pipeline: true } as object)
  await pool.query(`drop schema if exists ${schema} cascade`)
  await pool.query(`create schema ${schema}`)
  const rows = 'user_id text, key text collate "C", version bigint, value text, at bigint'
  for (const table of [
    `entries (${rows}, primary key (user_id, key))`,
    `versions (${rows}, primary key (user_id, key, version))`,
    'revisions (user_id text primary key, revision bigint)',
    `feed (n bigint generated always as identity primary key, user_id text, revision bigint, ordinal bigint, at bigint,
      kind text, key text, data text, unique (user_id, revision, ordinal))`,
  ])
    await pool.query(`create table ${schema}.${table}`)
  const saveVersion = `insert into ${schema}.versions select * from ${schema}.entries where user_id = 'ada' and key = $1`
  const put = `insert into ${schema}.entries as e values ('ada', $1, 1, $2, $3) on conflict (user_id, key)
    do update set version = e.version + 1, value = excluded.value, at = excluded.at`
  const feedSql = `with raised as (insert into ${schema}.revisions as r values ('ada', 1)
      on conflict (user_id) do update set revision = r.revision + 1 returning revision)
    insert into ${schema}.feed (user_id, revision, ordinal, at, kind, key, data)
      select 'ada', revision, 0, $1, 'put', $2, 'change' from raised`
  const upsert = async (key: string, value: string) => {
    const client = await pool.connect()
    const at = Date.now()
    await Promise.all([
      client.query('begin'),
      client.query({ name: 'saveVersion', text: saveVersion, values: [key] }),
      client.query({ name: 'put', text: put, values: [key, value, at] }),
      client.query({ name: 'feed', text: feedSql, values: [at, key] }),
      client.query('commit'),
    ])
    client.release()
  }
  const get = `select value, version from ${schema}.entries where user_id = 'ada' and key = $1`
  return {
    async fill(keys, value) {
      for (let from = 0; from < keys.length; from += 10_000)
        await pool.query(`insert into ${schema}.entries select 'ada', key, 1, $2, 0 from unnest($1::text[]) key`, [
          keys.slice(from, from + 10_000),
          value,
        ])
      await pool.query(`analyze ${schema}.entries`)
    },
    upserts: (keys, value, writers, forMs, spent) =>
      perSecond(writers, forMs, spent, (n) => upsert(pick(keys, n), value)),
    gets: (keys, concurrency, forMs, spent) =>
      perSecond(concurrency, forMs, spent, async (n) => {
        const { rows: found } = await pool.query({ name: 'get', text: get, values: [pick(keys, n)] })
        JSON.parse(found[0].value)
      }),
    async close() {
      await pool.query(`drop schema ${schema} cascade`)
      await pool.end()
    },
  }
}
