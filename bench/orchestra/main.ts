/**
 * What a run costs per step and branch: one step, a hub of 5, fan-outs of 1,000 and 10,000 that meet again; in memory
 * and in a file. Beside it, in the same run, two rows per step written by hand in a transaction each, which is the least
 * that a step must leave behind. Fan-outs should cost as much per branch at 10,000 as at 1,000.
 *
 * node bench/orchestra/main.ts [rounds of the small ones]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createTroupe, defineAgent, finish, invoke, type TopologyForm } from 'troupe'

const rounds = Number(process.argv[2] ?? 200)
// Not in the temporary folder, which is memory on many machines.
const folder = mkdtempSync(join(resolve('.'), '.bench-orchestra-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const worker = defineAgent({ name: 'Worker', run: async (input: number) => input })
const solo: TopologyForm = { agents: [worker], flows: ['Start -> Worker', 'Worker -> End'] }

/** Invokes so many at once, and is run again when they have met. */
function hub(width: number): TopologyForm {
  const lead = defineAgent({
    name: 'Lead',
    run: async (input: { readonly results?: readonly unknown[] } | number) =>
      typeof input === 'object' && input.results
        ? finish(input.results.length)
        : invoke(Array.from({ length: width }, (_, i) => ({ agent: 'Worker', input: i }))),
  })
  return { agents: [lead, worker], flows: ['Start -> Lead', 'Lead <-> Worker', 'Lead -> End'] }
}

interface Shape {
  readonly name: string
  readonly topology: TopologyForm
  readonly steps: number
  readonly rounds: number
}
const shapes: readonly Shape[] = [
  { name: 'one step', topology: solo, steps: 1, rounds },
  { name: 'hub of 5', topology: hub(5), steps: 7, rounds: Math.ceil(rounds / 4) },
  { name: 'fan-out of 1,000', topology: hub(1_000), steps: 1_002, rounds: 2 },
  { name: 'fan-out of 10,000', topology: hub(10_000), steps: 10_002, rounds: 1 },
]

/** @returns ms per step */
async function ours(url: string, { topology, steps, rounds: times }: Shape): Promise<number> {
  await using troupe = await createTroupe({ storage: url })
  const { orchestra } = troupe.user('ada')
  const config = { budget: { steps, hops: 2 * steps, branches: steps } }
  const play = async () => {
    const { status, error } = await orchestra.run({ task: 1, topology, config })
    if (status !== 'completed') throw error
  }
  if (steps < 100) for (let i = 0; i < 10; i++) await play()
  const began = performance.now()
  for (let i = 0; i < times; i++) await play()
  return (performance.now() - began) / times / steps
}

/** @returns ms per step */
function raw(path: string, { steps, rounds: times }: Shape): number {
  const db = new DatabaseSync(path)
  db.exec('pragma journal_mode = wal; pragma synchronous = full; create table log (id integer primary key, body text)')
  const insert = db.prepare('insert into log (body) values (?)')
  const body = JSON.stringify({ type: 'step.returned', step: '1/1.1#1', outcome: { kind: 'value', value: 1 } }).repeat(
    3,
  )
  const count = Math.min(2_000, steps * times)
  const began = performance.now()
  for (let i = 0; i < count; i++) {
    db.exec('begin')
    insert.run(body)
    insert.run(body)
    db.exec('commit')
  }
  const took = performance.now() - began
  db.close()
  return took / count
}

for (const storageKind of ['memory', 'file'] as const) {
  console.log(`\n${storageKind}: µs per step, and by hand`)
  for (const [i, shape] of shapes.entries()) {
    const path = join(folder, `${i}`)
    const step = 1_000 * (await ours(storageKind === 'memory' ? 'memory:' : `sqlite:${path}.db`, shape))
    const rawMs = 1_000 * raw(storageKind === 'memory' ? ':memory:' : `${path}-raw.db`, shape)
    const all = ((step * shape.steps) / 1_000).toFixed(step * shape.steps > 10_000 ? 0 : 2)
    console.log(
      `  ${shape.name.padEnd(18)} ${step.toFixed(0).padStart(7)} ${rawMs.toFixed(0).padStart(7)}   ` +
        `× ${(step / rawMs).toFixed(1).padStart(5)}   (${all} ms a run)`,
    )
  }
}
