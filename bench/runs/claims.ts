/**
 * Runs that a process left, claimed and finished by another: how many a second, on an empty database and beside 100,000
 * runs that wait for people.
 *
 * node bench/runs/claims.ts [postgres://…] [runs] [waiting]
 */
import { performance } from 'node:perf_hooks'
import pg from 'pg'
import { createTroupe, defineAgent, finish } from 'troupe'

const url = process.argv[2] ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const runs = Number(process.argv[3] ?? 300)
const waiting = Number(process.argv[4] ?? 100_000)
const users = 50

const stays = defineAgent({ name: 'One', run: () => new Promise<never>(() => {}) })
const ends = defineAgent({ name: 'One', run: async () => finish('done') })
const client = new pg.Client({ connectionString: url })
await client.connect()

/** @returns runs claimed and finished per second */
async function measure(schema: string, beside: number): Promise<number> {
  const storage = { url, schema }
  const first = await createTroupe({ storage, agents: [stays], log: 'silent' })
  const ids = Array.from({ length: runs }, (_, n) => ({ user: `u${n % users}`, id: `run-${n}` }))
  const topology = { agents: [stays], flows: ['One -> End'] }
  await Promise.all(ids.map(({ user, id }) => first.user(user).orchestra.start({ id, task: id, topology })))
  await first.close()
  await client.query(`insert into ${schema}.work
    (shard, user_id, journal_id, owner, due_at, woken, arrivals, form)
    select n % 250, 'w' || n % 1000, 'run:waits-' || n, '', null, 0, 0, 1 from generate_series(1, ${beside}) n`)
  await client.query(`analyze ${schema}.work`)
  const second = await createTroupe({ storage, agents: [ends], log: 'silent' })
  const start = performance.now()
  for (;;) {
    const { rows } = await client.query(
      `select count(*)::int as open from ${schema}.work where owner <> '' or due_at is not null`,
    )
    if (rows[0].open === 0) break
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const rate = (runs / (performance.now() - start)) * 1_000
  await second.close()
  await client.query(`drop schema ${schema} cascade`)
  return rate
}

const alone = await measure(`troupe_bench_alone_${process.pid}`, 0)
const crowded = await measure(`troupe_bench_crowded_${process.pid}`, waiting)
console.log(
  `${runs} runs of ${users} users taken over and finished: ${alone.toFixed(0)}/s alone, ` +
    `${crowded.toFixed(0)}/s beside ${waiting} that wait (${((100 * crowded) / alone).toFixed(0)} %)`,
)
await client.end()
