/** The same rows by hand: what a careful author writes with pipelined `pg`, one transaction and one round trip a change. */
import { Pool } from 'pg'

export interface Raw {
  change(user: string, n: number): Promise<void>
  close(): Promise<void>
}

export async function openRaw(url: string, schema: string, connections: number): Promise<Raw> {
  const pool = new Pool({ connectionString: url, max: connections, pipeline: true } as object)
  await pool.query(`drop schema if exists ${schema} cascade`)
  await pool.query(`create schema ${schema}`)
  for (const table of [
    'rows (user_id text not null, n bigint not null, value text not null, primary key (user_id, n))',
    'revisions (user_id text primary key, revision bigint not null)',
    'feed (user_id text not null, revision bigint not null, key text not null, primary key (user_id, revision))',
  ])
    await pool.query(`create table ${schema}.${table}`)
  return {
    async change(user, n) {
      const client = await pool.connect()
      await Promise.all([
        client.query('begin'),
        client.query({ name: 'who', text: "select set_config('troupe.user', $1, true)", values: [user] }),
        client.query({
          name: 'row',
          text: `insert into ${schema}.rows values ($1, $2, $3)`,
          values: [user, n, 'x'.repeat(100)],
        }),
        client.query({
          name: 'feed',
          text: `with r as (insert into ${schema}.revisions as o values ($1, 1)
            on conflict (user_id) do update set revision = o.revision + 1 returning revision)
            insert into ${schema}.feed select $1, revision, $2 from r`,
          values: [user, String(n)],
        }),
        client.query('commit'),
      ])
      client.release()
    },
    async close() {
      await pool.query(`drop schema ${schema} cascade`)
      await pool.end()
    },
  }
}
