/**
 * The memory that runs cost while they wait for a person and no handle is held: heap of the process before and after.
 *
 * node --expose-gc bench/runs/waiting.ts [memory|file|postgres://…] [RUNS]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import { createTroupe, defineAgent } from 'troupe'

const [where = 'file', count = '100000'] = process.argv.slice(2)
const runs = Number(count)
const atOnce = 100
/** So many that the caches of fixed size are full. */
const warmUp = 5_000
const maxBytes = 200

const collect = globalThis.gc
if (!collect) throw new Error('start it with node --expose-gc')
/** After what waits is released, a second later; on a busy machine later: the smallest of several. */
async function heapBytes(): Promise<number> {
  let smallest = Number.POSITIVE_INFINITY
  for (let i = 0; i < 8; i++) {
    await pause(1_000)
    collect?.()
    smallest = Math.min(smallest, process.memoryUsage().heapUsed)
  }
  return smallest
}

const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-waiting-'))
const path = join(folder, 'troupe.db')
const Asker = defineAgent({ name: 'Asker', run: async (_: unknown, ctx) => await ctx.ask({ text: 'Continue?' }) })
const schema = `troupe_bench_waiting_${process.pid}`
const isServer = where.startsWith('postgres')
const troupe = await createTroupe({
  storage: isServer ? { url: where, schema } : where === 'memory' ? 'memory:' : `sqlite:${path}`,
  agents: [Asker],
  log: 'silent',
})
const { orchestra } = troupe.user('ada')
const startWaiting = async (from: number, to: number) => {
  for (let first = from; first < to; first += atOnce)
    await Promise.all(
      Array.from({ length: Math.min(atOnce, to - first) }, async (_, i) => {
        const run = await orchestra.start({ id: `r${first + i}`, agent: 'Asker', task: i })
        const { status } = await run.result()
        if (status !== 'waiting') throw new Error(`run r${first + i} is ${status}`)
      }),
    )
}
await startWaiting(0, warmUp)
const before = await heapBytes()
const began = process.cpuUsage()
await startWaiting(warmUp, warmUp + runs)
const { user, system } = process.cpuUsage(began)
const after = await heapBytes()
const each = (after - before) / runs
console.log(
  `${isServer ? 'PostgreSQL' : where}: ${runs} runs that wait: ${each.toFixed(0)} bytes of heap each (${(before / 1e6).toFixed(1)} then ` +
    `${(after / 1e6).toFixed(1)} MB), ${Math.round((user + system) / runs)} µs of processor time each` +
    (where === 'file' ? `, ${Math.round(statSync(path).size / runs)} bytes of file each` : ''),
)
const run = await orchestra.get(`r${warmUp + Math.floor(runs / 2)}`)
const { questions } = await run.result()
await run.answer(questions[0]?.id ?? '', 'yes')
const { status } = await run.result()
if (status !== 'completed') throw new Error(`the answered run is ${status}`)
await troupe.close()
if (isServer) {
  const client = new Client({ connectionString: where })
  await client.connect()
  await client.query(`drop schema ${schema} cascade`)
  await client.end()
}
rmSync(folder, { recursive: true, force: true })
if (each > maxBytes) process.exitCode = 1
