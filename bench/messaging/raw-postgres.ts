/** The same rows by hand on PostgreSQL: three transactions a message, each one round trip of pipelined `pg`. */
import { Pool, type QueryConfig } from 'pg'
import type { Raw } from './raw.ts'

/** @param schema made anew, and gone when it is closed; `writers` at once, each in a lane of its own */
export async function openRawPostgres(url: string, schema: string, writers: number): Promise<Raw> {
  const pool = new Pool({ connectionString: url, max: 10, pipeline: true } as object)
  await pool.query(`drop schema if exists ${schema} cascade`)
  await pool.query(`create schema ${schema}`)
  for (const sql of [
    `create table ${schema}.mailboxes (user_id text, mailbox text, count bigint, bytes bigint, primary key (user_id, mailbox))`,
    `create table ${schema}.lanes (user_id text, mailbox text, lane text, depth bigint, head bigint, due bigint, token text,
      primary key (user_id, mailbox, lane))`,
    `create table ${schema}.messages (user_id text, mailbox text, seq bigint generated always as identity, id text, lane text,
      sender text, type text, payload text, bytes bigint, envelope text, state text, due bigint, created_at bigint,
      attempts bigint, token text, ended_at bigint, primary key (user_id, mailbox, seq))`,
    `create unique index on ${schema}.messages (user_id, id)`,
    `create index on ${schema}.messages (user_id, mailbox, lane, seq) where state = 'ready'`,
    `create index on ${schema}.messages (user_id, mailbox, ended_at) where state = 'done'`,
  ])
    await pool.query(sql)
  const payload = JSON.stringify({ text: 'x'.repeat(200) })
  const box = "user_id = 'ada' and mailbox = 'Box'"
  const put = `insert into ${schema}.messages (user_id, mailbox, id, lane, sender, type, payload, bytes, envelope, state, due,
      created_at, attempts)
    select 'ada', 'Box', i, $2, 'Sender', 'note', $3, 200, '{}', 'ready', $4, $4, 0 from unnest($1::text[]) i`
  const count = `insert into ${schema}.mailboxes as m values ('ada', 'Box', $1, $2) on conflict (user_id, mailbox)
    do update set count = m.count + excluded.count, bytes = m.bytes + excluded.bytes`
  const appendToLane = `insert into ${schema}.lanes as l values ('ada', 'Box', $1, $2, 0, $3, null) on conflict (user_id, mailbox, lane)
    do update set depth = l.depth + excluded.depth`
  const lease = `update ${schema}.messages set token = 'token', attempts = attempts + 1 where ${box} and seq = (select seq
      from ${schema}.messages where ${box} and lane = $1 and state = 'ready' order by seq limit 1) returning seq, payload`
  const leaseLane = `update ${schema}.lanes set token = 'token' where ${box} and lane = $1`
  const end = `update ${schema}.messages set state = 'done', token = null, ended_at = $2
    where ${box} and seq = $1 and token = 'token'`
  const leave = `update ${schema}.lanes set depth = depth - 1, token = null where ${box} and lane = $1`
  const less = `update ${schema}.mailboxes set count = count - 1, bytes = bytes - $1 where ${box}`
  const named = (name: string, text: string, values: unknown[]): QueryConfig => ({ name, text, values })
  const transaction = async (...queries: readonly QueryConfig[]) => {
    const client = await pool.connect()
    const sent = [client.query('begin'), ...queries.map((query) => client.query(query)), client.query('commit')]
    const answers = await Promise.all(sent)
    client.release()
    return answers[1]?.rows[0] as { seq: string; payload: string } | undefined
  }
  let n = 0
  const send = (lane: string, size: number) => {
    const ids = Array.from({ length: size }, () => `message-${n++}`)
    const at = Date.now()
    return transaction(
      named('put', put, [ids, lane, payload, at]),
      named('append', appendToLane, [lane, size, at]),
      named('count', count, [size, size * payload.length]),
    )
  }
  const one = async (lane: string) => {
    await send(lane, 1)
    const row = await transaction(named('lease', lease, [lane]), named('leaseLane', leaseLane, [lane]))
    JSON.parse(row?.payload ?? '')
    await transaction(
      named('end', end, [row?.seq, Date.now()]),
      named('leave', leave, [lane]),
      named('less', less, [payload.length]),
    )
  }
  return {
    async fill(depth) {
      for (let from = 0; from < depth; from += 1_000)
        await send(`lane-${(from / 1_000) % writers}`, Math.min(1_000, depth - from))
    },
    async run(forMs) {
      const started = performance.now()
      let done = 0
      const writer = async (lane: number) => {
        for (; performance.now() - started < forMs; done++) await one(`lane-${lane}`)
      }
      await Promise.all(Array.from({ length: writers }, (_, lane) => writer(lane)))
      return (done / (performance.now() - started)) * 1_000
    },
    async close() {
      await pool.query(`drop schema ${schema} cascade`)
      await pool.end()
    },
  }
}
