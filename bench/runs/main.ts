/**
 * What the length of a journal costs: taking a waiting run up again and forking it at its end, beside reading and parsing
 * the same records by hand in the same round; with a PostgreSQL, claims per second too.
 *
 * node bench/runs/main.ts [postgres://…]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { createTroupe, defineAgent, handOff } from 'troupe'

const lengths = [10, 100, 1_000, 10_000]
const rounds = 5
/** A hand-off is three: the step's start and end, and the branch's move. */
const perStep = 3

function team(events: number) {
  const walk = (name: string, other: string) =>
    defineAgent({
      name,
      run: async (n: number, ctx) => (n * perStep < events ? handOff(other, n + 1) : await ctx.ask({ text: 'Go on?' })),
    })
  const agents = [walk('Left', 'Right'), walk('Right', 'Left')]
  return { agents, flows: ['Start -> Left', 'Left <-> Right', 'Left -> End', 'Right -> End'] }
}

const timed = async (work: () => unknown): Promise<number> => {
  const start = performance.now()
  await work()
  return performance.now() - start
}
const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0

function runRawSql(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database.prepare("select body from journal_records where journal_id like 'run:%' order by seq").all()
  let bytes = 0
  for (const { body } of rows) bytes += JSON.stringify(JSON.parse(String(body ?? 'null'))).length
  database.close()
  return bytes
}

async function measure(events: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-runs-'))
  const path = join(folder, 'troupe.db')
  const topology = team(events)
  const config = { guards: { pingPong: false, noProgress: false } } as const
  const open = () => createTroupe({ storage: `sqlite:${path}`, teams: { team: topology }, log: 'silent' })
  const first = await open()
  await (await first.user('ada').orchestra.start({ id: 'run', task: 1, topology, config })).result()
  await first.close()
  const times = { rawSql: [] as number[], resume: [] as number[], fork: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    times.rawSql.push(await timed(() => runRawSql(path)))
    const troupe = await open()
    const { orchestra } = troupe.user('ada')
    const run = await orchestra.get('run')
    // A command takes the run over and folds its journal.
    times.resume.push(await timed(() => run.pause()))
    await run.resume()
    const { seq } = await run.inspect()
    times.fork.push(await timed(async () => (await orchestra.fork('run', { at: seq })).cancel()))
    await troupe.close()
  }
  rmSync(folder, { recursive: true, force: true })
  const [rawSql, resume, fork] = [median(times.rawSql), median(times.resume), median(times.fork)]
  const shown = (ms: number) => `${ms.toFixed(1)} ms (${(ms / rawSql).toFixed(1)} of by hand)`
  return `${events} events: resumed in ${shown(resume)}, forked in ${shown(fork)}`
}

for (const events of lengths) console.log(await measure(events))
if (process.argv[2] !== undefined) await import('./claims.ts')
