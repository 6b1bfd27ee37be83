/**
 * Processor time of the machine of a run alone, without storage and agents: a fan-out of 10,000 branches to a call join,
 * and a join of `first` whose 10,000 others are cancelled while they execute. With the path of another checkout, rounds of
 * the two take turns, and the last column is this checkout as a share of the other.
 *
 * node --expose-gc bench/runs/machine.ts [CHECKOUT] [ROUNDS]
 */
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defineAgent } from 'troupe'

interface Command {
  readonly type: string
  readonly step: string
  readonly agent: string
  readonly results?: unknown
  readonly reason?: unknown
}
interface Machine {
  readonly transition: (
    state: unknown,
    input: object,
  ) => { readonly events: readonly { readonly type: string }[]; readonly commands: readonly Command[] }
  readonly createState: () => object
  readonly defineTopology: (form: object) => { readonly canonical: object }
  readonly readConfig: (config: object, canonical: object) => object
}

const width = 10_000
const here = resolve(import.meta.dirname, '../..')
const [other, rounds = '7'] = process.argv.slice(2)

async function machineIn(checkout: string): Promise<Machine> {
  const file = (path: string) => pathToFileURL(join(checkout, 'packages/troupe/src', path)).href
  const parts = await Promise.all(
    [
      'runs/machine/transition.ts',
      'runs/machine/state.ts',
      'topology/define-topology.ts',
      'topology/canonical/run-config.ts',
    ].map((path) => import(file(path))),
  )
  return Object.assign({}, ...parts)
}

/** Ends each step as soon as it is started, a lead's first with an invocation of all; returns ms of processor time. */
function play(machine: Machine, mode: 'all' | 'first'): { readonly ms: number; readonly events: number } {
  const agents = ['Lead', 'W'].map((name) => defineAgent({ name, run: () => null }))
  const { canonical } = machine.defineTopology({ agents, flows: ['Start -> Lead', 'Lead <-> W', 'Lead -> End'] })
  const budget = { steps: width + 2, hops: 2 * width + 3, branches: width + 1 }
  const config = machine.readConfig({ join: mode, maxParallelBranches: width, budget }, canonical)
  const targets = Array.from({ length: width }, (_, n) => ({ agent: 'W', input: n }))
  const state = machine.createState()
  const queue: Command[] = []
  let events = 0
  let last: string | undefined
  let at = 0
  const apply = (input: object) => {
    const made = machine.transition(state, { at: ++at, ...input })
    events += made.events.length
    last = made.events.at(-1)?.type
    for (const command of made.commands) if (command.type.startsWith('step.')) queue.push(command)
  }
  globalThis.gc?.()
  const began = process.cpuUsage().user
  apply({ type: 'start', task: 'go', pinned: { topology: canonical, config, fingerprints: {} } })
  let answered = false
  for (let i = 0; i < queue.length; i++) {
    const { type, step, agent, results, reason } = queue[i] as Command
    if (type === 'step.cancel') apply({ type: 'step.failed', step, error: reason })
    else if (agent === 'Lead')
      apply({
        type: 'step.returned',
        step,
        outcome: results ? { kind: 'finish', value: 'done' } : { kind: 'invoke', targets },
      })
    else if (mode === 'all' || !answered) {
      answered = true
      apply({ type: 'step.returned', step, outcome: { kind: 'value', value: 'w' } })
    }
  }
  const ms = (process.cpuUsage().user - began) / 1_000
  if (last !== 'run.completed') throw new Error(`the run ended with ${last}`)
  return { ms, events }
}

const median = (times: readonly number[]) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
const shown = (times: readonly number[]) => `${Math.min(...times).toFixed(0)} – ${median(times).toFixed(0)}`

const own = await machineIn(here)
const others = other === undefined ? undefined : await machineIn(resolve(other))
for (const mode of ['all', 'first'] as const) {
  const times: { readonly own: number[]; readonly others: number[] } = { own: [], others: [] }
  let events = 0
  for (const machine of [own, others]) if (machine) play(machine, mode)
  for (let round = 0; round < Number(rounds); round++) {
    if (others) times.others.push(play(others, mode).ms)
    const played = play(own, mode)
    times.own.push(played.ms)
    events = played.events
  }
  const beside = others
    ? `, other ${shown(times.others)} ms, ratio of medians ${(median(times.own) / median(times.others)).toFixed(2)}`
    : ''
  console.log(`${mode} of ${width}: ${events} events, ${shown(times.own)} ms (least – median)${beside}`)
}
