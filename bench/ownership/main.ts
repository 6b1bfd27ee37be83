/**
 * Ends of steps per second from 1 to 4 processes with commits of 20 ms, for 4,000 users, and the same while one client
 * stalls inside a transaction of one user. Fails where 4 processes bring less than 0.85 of 4 times, or where the stalled
 * client slows down the others.
 *
 * node bench/ownership/main.ts [postgres://…] [seconds per line]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { journalMigrations, openStorage, systemClock, systemRandom } from 'troupe/testing'
import type { Job, Reply } from './worker.ts'

const [url = 'postgres://postgres@127.0.0.1:5432/postgres', seconds = '4'] = process.argv.slice(2)
const forMs = Number(seconds) * 1_000
const database = `troupe_bench_ownership_${process.pid}`
const ownUrl = Object.assign(new URL(url), { pathname: `/${database}` }).href
const schema = 'troupe'
const worker = fileURLToPath(new URL('./worker.ts', import.meta.url))
const users = Array.from({ length: 4_000 }, (_, n) => `u${n}`)
const least = 0.85
/** The share of the rate without a stalled client that is the least beside one. */
const leastBesideStalled = 0.7

async function withClient<T>(at: string, run: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: at })
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end()
  }
}

const replyOf = (child: ChildProcess, kind: Reply['kind']) =>
  new Promise<Reply>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`a process ended with ${code}`)))
    child.on('message', (reply: Reply) => reply.kind === kind && resolve(reply))
  })

/** @returns ends of steps in each second, of all processes */
async function measure(processes: number, meanwhile: () => Promise<void> = async () => {}): Promise<readonly number[]> {
  const children = Array.from({ length: processes }, () => fork(worker, [], { execArgv: [] }))
  const ended = children.map((child) => once(child, 'exit'))
  const ready = Promise.all(children.map((child) => replyOf(child, 'ready')))
  const job: Job = { url: ownUrl, schema, users, forMs }
  for (const child of children) child.send(job)
  await ready
  const done = Promise.all(children.map((child) => replyOf(child, 'done')))
  for (const child of children) child.send('go')
  const [replies] = await Promise.all([done, meanwhile()])
  await Promise.all(ended)
  const lines = replies.map((reply) => (reply.kind === 'done' ? reply.perSecond : []))
  return Array.from({ length: Math.ceil(forMs / 1_000) }, (_, n) =>
    lines.reduce((sum, line) => sum + (line[n] ?? 0), 0),
  )
}

/** Takes what a change of the user takes, in the second half of the trial, and does not go on. */
const stall = () =>
  withClient(ownUrl, async (client) => {
    await new Promise((resolve) => setTimeout(resolve, forMs / 2))
    await client.query(`begin; select pg_advisory_xact_lock(hashtextextended('${schema}/u0', 0));
      update ${schema}.work set woken = 1 where user_id = 'u0'`)
    await new Promise((resolve) => setTimeout(resolve, forMs / 2))
    await client.query('rollback')
  })

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)

await withClient(url, async (client) => {
  await client.query(`create database ${database}`)
  await client.query(`alter database ${database} set commit_delay = 20000`)
  await client.query(`alter database ${database} set commit_siblings = 0`)
})
try {
  const options = { clock: systemClock, random: systemRandom, migrations: journalMigrations }
  await (await openStorage({ ...options, url: ownUrl, postgres: { schema } })).close()
  await withClient(ownUrl, (client) =>
    client.query(
      `insert into ${schema}.work (shard, user_id, journal_id, owner, due_at, woken, arrivals, form)
        select 0, u, 'run:r', 'bench', 0, 0, 0, 1 from unnest($1::text[]) u`,
      [users],
    ),
  )
  const rates: number[] = []
  for (const processes of [1, 2, 4]) {
    const rate = sum(await measure(processes)) / (forMs / 1_000)
    rates.push(rate)
    const linear = rate / ((rates[0] ?? 0) * processes)
    console.log(`${processes} processes: ${Math.round(rate)} ends of steps/s, ${linear.toFixed(2)} of linear`)
    if (linear < least) process.exitCode = 1
  }
  const line = await measure(2, stall)
  const half = Math.floor(line.length / 2)
  const [before, beside] = [sum(line.slice(0, half)), sum(line.slice(half))]
  console.log(`beside a client that stalls in the second half: ${line.join(' ')} in each second`)
  if (beside < leastBesideStalled * before) process.exitCode = 1
} finally {
  await withClient(url, (client) => client.query(`drop database ${database} with (force)`))
}
