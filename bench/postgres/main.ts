/**
 * Changes a second on PostgreSQL: one row and one feed item each, by 32 writers, for one hot user and for 1,000. Beside
 * it, in the same run, the same rows by raw pipelined `pg`; and what one reader and one watcher of a troupe cost.
 *
 * node bench/postgres/main.ts [postgres://…] [seconds per line] [connections]
 */
import { performance } from 'node:perf_hooks'
import { createTroupe } from 'troupe'
import { type Migration, openStorage, systemClock, systemRandom } from 'troupe/testing'
import { openRaw } from './raw.ts'

const url = process.argv[2] ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const seconds = Number(process.argv[3] ?? 3)
const connections = Number(process.argv[4] ?? 10)
const writers = 32
const schema = `troupe_bench_${process.pid}`

const migration: Migration = {
  room: 'bench',
  version: 1,
  name: 'rows',
  lowestReader: 1,
  up: {
    sqlite: [],
    postgres: [
      'create table rows (user_id text not null, n bigint not null, value text not null, primary key (user_id, n))',
    ],
  },
}

/** @returns changes per second */
async function measure(users: number, change: (user: string, n: number) => Promise<unknown>): Promise<number> {
  let n = 0
  let stop = false
  const timer = setTimeout(() => {
    stop = true
  }, seconds * 1_000)
  const start = performance.now()
  const write = async () => {
    while (!stop) {
      const mine = n++
      await change(`u${mine % users}`, mine)
    }
  }
  await Promise.all(Array.from({ length: writers }, write))
  clearTimeout(timer)
  return Math.round((n / (performance.now() - start)) * 1_000)
}

async function ours(): Promise<(user: string, n: number) => Promise<unknown>> {
  const storage = await openStorage({
    url,
    postgres: { schema, poolSize: connections },
    migrations: [migration],
    clock: systemClock,
    random: systemRandom,
  })
  close.push(() => storage.close())
  return async (user, n) => {
    const result = await storage.commit({
      id: null,
      scope: { user },
      statements: [
        {
          sql: 'insert into rows (user_id, n, value) values ($1, $2, $3)',
          binds: [user, n, 'x'.repeat(100)],
          expect: { rows: 1 },
        },
      ],
      feed: [{ kind: 'put', key: String(n), data: '{}' }],
    })
    if (!result.ok) throw new Error(result.code)
  }
}

const close: (() => Promise<unknown>)[] = []
const raw = await openRaw(url, `${schema}_raw`, connections)
close.push(() => raw.close())
const change = await ours()
for (const users of [1, 1_000]) {
  // A user of its own for each line: keys must not meet.
  const rawRate = await measure(users, (user, n) => raw.change(`${users}${user}`, n))
  const rate = await measure(users, (user, n) => change(`${users}${user}`, n))
  console.log(
    `${users} users: ${rate} changes/s, raw pg ${rawRate}/s (${((100 * rate) / rawRate).toFixed(0)} %), ${writers} writers`,
  )
}

const troupe = await createTroupe({
  storage: { url, schema: `${schema}_troupe`, poolSize: connections },
  log: 'silent',
})
close.push(() => troupe.close())
const context = (user: string) => troupe.user(user).agent('A').context
console.log(`push, 1,000 users: ${await measure(1_000, (user, n) => context(user).push(`k${n}`, { n }))}/s`)
console.log(`get, 1,000 users: ${await measure(1_000, (user, n) => context(user).get(`k${n}`))}/s`)
const stop = new AbortController()
let heard = 0
const watching = Array.from({ length: 20 }, async (_, i) => {
  try {
    for await (const _change of context(`u${i}`).watch({ pattern: '*', signal: stop.signal })) heard++
  } catch {}
})
console.log(
  `push, 20 users, each watched: ${await measure(20, (user, n) => context(user).push(`w${n % 500}`, { n }))}/s`,
)
stop.abort()
await Promise.all(watching)
console.log(`the watchers heard ${heard} changes`)

for (const end of close.reverse()) await end()
const { Client } = await import('pg')
const client = new Client({ connectionString: url })
await client.connect()
for (const name of [schema, `${schema}_troupe`]) await client.query(`drop schema if exists ${name} cascade`)
await client.end()
