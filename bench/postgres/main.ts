/**
 * Changes, pushes and gets a second on PostgreSQL, from 1 to 8 processes, for one hot user and for 10,000, beside the same
 * rows by raw pipelined `pg` in the same run; then what watching costs.
 *
 * node bench/postgres/main.ts [postgres://…] [seconds per line] [processes, processes, …]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { openRaw } from './raw.ts'
import type { Job, Reply } from './worker.ts'
import { openBenchStorage } from './workload.ts'

const [url = 'postgres://postgres@127.0.0.1:5432/postgres', seconds = '1', ...positional] = process.argv.slice(2)
const processCounts = positional.length > 0 ? positional.map(Number) : [1, 2, 4, 8]
const schema = `troupe_bench_${process.pid}`
const worker = fileURLToPath(new URL('./worker.ts', import.meta.url))
const connections = 10
const writers = 32

/** Every process works for the same time. @returns how much all of them did per second */
async function runConcurrently(count: number, job: Job): Promise<number> {
  const children = Array.from({ length: count }, () => {
    const child = fork(worker, [], { execArgv: [] })
    child.send(job)
    return child
  })
  const replies = (kind: Reply['kind']) => Promise.all(children.map((child) => replyOf(child, kind)))
  const [ready, done] = [replies('ready'), replies('done')]
  await ready
  const ended = children.map((child) => once(child, 'exit'))
  for (const child of children) child.send('go')
  const rates = (await done).map((reply) => (reply.kind === 'done' ? reply.perSecond : 0))
  await Promise.all(ended)
  return rates.reduce((sum, rate) => sum + rate, 0)
}

const replyOf = (child: ChildProcess, kind: Reply['kind']) =>
  new Promise<Reply>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`a process ended with ${code}`)))
    child.on('message', (reply: Reply) => reply.kind === kind && resolve(reply))
  })

const rate = (n: number) => Math.round(n).toLocaleString('en').padStart(9)
const job = { url, schema, connections, writers, forMs: Number(seconds) * 1_000, watched: 0 }

// The schemas are made before anybody needs them.
await (await openRaw(url, `${schema}_raw`, 1, true)).close()
await (await openBenchStorage(url, `${schema}_storage`, 1)).close()
console.log(`${cpus().length} × ${cpus()[0]?.model}, ${writers} at once and ${connections} connections a process`)
try {
  for (const users of [1, 10_000])
    for (const processes of processCounts) {
      const run = (what: Job['what']) => runConcurrently(processes, { ...job, what, users })
      const [raw, change] = [await run('raw change'), await run('change')]
      const [rawUpsert, push] = [await run('raw upsert'), await run('push')]
      const [rawGet, get] = [await run('raw get'), await run('get')]
      const beside = (ours: number, by: number) => `${rate(ours)}/s, raw ${rate(by)}/s, ${(ours / by).toFixed(2)}`
      console.log(`${users.toLocaleString('en')} users, ${processes} processes`)
      console.log(`  changes of storage ${beside(change, raw)}`)
      console.log(`  pushes             ${beside(push, rawUpsert)}`)
      console.log(`  gets               ${beside(get, rawGet)}`)
    }
  for (const watched of [0, 1, 20])
    console.log(
      `pushes for 20 users, ${watched} watchers each: ${rate(await runConcurrently(1, { ...job, what: 'push', users: 20, watched }))}/s`,
    )
} finally {
  const client = new Client({ connectionString: url })
  await client.connect()
  for (const name of ['raw', 'storage', 'troupe']) await client.query(`drop schema if exists ${schema}_${name} cascade`)
  await client.end()
}
