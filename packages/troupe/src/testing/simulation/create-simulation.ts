/** Creates the simulation of one seed: its nodes, their ports and their disks. */
import { type Clock, createIds, type Json, type Random, seededRandom } from '../../core/index.ts'
import { createDisk, type Disk, type FaultKind, type Faults } from '../../storage/index.ts'
import { checkMs, checkNode } from './check-node.ts'
import { ChosenFaults } from './chosen-faults.ts'
import { digestOf } from './digest-of.ts'
import { type Machine, outside, type ProcessContext } from './machine/machine.ts'
import {
  type NodeHandle,
  NodeLost,
  type SimulatedNode,
  type SimulatedNodeOptions,
  type Simulation,
  type SimulationFaults,
} from './simulation.ts'

export interface SeedOptions {
  readonly seed: string
  readonly options: Json
  readonly faults: SimulationFaults
}

export interface SeedSimulation {
  readonly simulation: Simulation
  readonly operations: { succeeded: number; failed: number }
  /** The faults that the seed chose and that happened, in their order. */
  readonly faults: readonly string[]
  /** Returns the number of kills. */
  kills(): number
  /** Returns the errors for which nodes do not run at the end. */
  startFailures(): readonly Error[]
  /** Returns the problems of the disks and disposes of the disks. */
  dispose(): readonly string[]
}

/** The longest delay in ms of a message between nodes, and of each half of a commit. */
const latencyMs = 3

export function createSimulation(machine: Machine, { seed, options, faults }: SeedOptions): SeedSimulation {
  const random = seededRandom(`${seed}/simulation`)
  const own: ProcessContext = { node: outside, incarnation: 1, random, skew: 0 }
  const rates = drawRates(seededRandom(`${seed}/faults`), faults)
  const disks: Disk[] = []
  const operations = { succeeded: 0, failed: 0 }
  const healers: (() => void)[] = []
  let kills = 0
  const startFailures = new Map<string, unknown>()
  const chosen = new ChosenFaults(faults.only)
  const shared = { machine, rates, chosen, healers, startFailures, killed: () => void kills++ }
  const clock = clockOf(machine, own)
  const simulation: Simulation = {
    seed,
    random,
    clock,
    options,
    disk(name = 'disk') {
      const disk = createDisk((request, reply) => {
        machine.note(name, `${request.kind} ${digestOf([request, reply])}`)
      })
      disks.push(disk)
      return disk
    },
    node: (name, start, nodeOptions = {}) => startNode(shared, name, seed, start, nodeOptions),
    heal() {
      for (const kind of Object.keys(rates) as FaultKind[]) rates[kind] = 0
      for (const heal of healers) heal()
      machine.note(outside, 'healed')
    },
    note: (what) => machine.note(outside, what),
    sleep: (ms) => new Promise((resolve) => void clock.after(checkMs('sleep', ms), resolve)),
    operation: (succeeded) => void operations[succeeded ? 'succeeded' : 'failed']++,
  }
  return {
    simulation,
    operations,
    faults: chosen.happened,
    kills: () => kills,
    startFailures: () =>
      [...startFailures].map(
        ([name, cause]) => new Error(`the node ${name} did not start at its last attempt`, { cause }),
      ),
    dispose: () => disks.flatMap((disk) => [disk.problem() ?? [], disk.dispose() ?? []].flat()),
  }
}

interface Shared {
  readonly machine: Machine
  readonly rates: Partial<Record<FaultKind, number>>
  readonly chosen: ChosenFaults
  readonly healers: (() => void)[]
  /** The error of the last start of each node that does not run. */
  readonly startFailures: Map<string, unknown>
  readonly killed: () => void
}

/** As in the simulation of FoundationDB, a fault is active in some seeds only, so that each also occurs alone. */
function drawRates(random: Random, faults: SimulationFaults): Partial<Record<FaultKind, number>> {
  const { rate = 0.05, active = 0.25, kinds = ['io-before', 'io-after', 'full'] } = faults
  return Object.fromEntries(kinds.map((kind) => [kind, random.next() < active ? rate : 0]))
}

interface Call {
  run(): void
  lost(): void
}

function startNode<Service>(
  shared: Shared,
  name: string,
  seed: string,
  start: (node: SimulatedNode) => Promise<Service>,
  options: SimulatedNodeOptions,
): NodeHandle<Service> {
  checkNode(name, start, options)
  const { machine, chosen, healers } = shared
  const { kills = options.killAt?.length ?? 0, within = 300, killAt, restartMs = 2_000 } = options
  const random = seededRandom(`${seed}/fate/${name}`)
  const home = machine.processContext()
  let [incarnations, planned, sparing] = [0, 0, false]
  let up:
    | { readonly service: Service; readonly node: SimulatedNode; readonly processContext: ProcessContext }
    | undefined
  let processContext: ProcessContext
  const calls = new Set<Call>()
  const killName = () => `${name}: kill ${planned}`
  /** Returns the event before which the next allowed kill happens. */
  const fate = () => {
    for (let events = 0; !sparing && planned < kills; ) {
      planned++
      events += killAt?.[planned - 1] ?? Math.floor(random.next() * within)
      if (chosen.allows(killName())) return events
    }
    return undefined
  }
  const begin = () => {
    incarnations++
    const at = machine.live(name, fate(), (bySeed) => {
      shared.killed()
      if (bySeed) chosen.happens(killName())
      up = undefined
      machine.schedule(random.next() * restartMs, 'restart', begin, home)
      for (const call of [...calls]) call.lost()
    })
    processContext = at
    const node = nodeOn(shared, at, name)
    const run = async () => {
      const started = await outcomeOf(() => start(node))
      if (!machine.isAlive(at)) return
      if (!started.ok) {
        // A process that does not start is restarted, as a process manager does.
        machine.note(name, `did not start: ${String(started.error)}`)
        shared.startFailures.set(name, started.error)
        return machine.kill(name)
      }
      shared.startFailures.delete(name)
      up = { service: started.value, node, processContext: at }
      for (const call of calls) call.run()
    }
    machine.schedule(0, 'start', () => machine.within(at, () => void run()), at)
  }
  begin()
  healers.push(() => {
    sparing = true
    processContext.skew = 0
    machine.spare(name)
  })
  return {
    get kills() {
      return incarnations - 1
    },
    kill: () => machine.kill(name),
    freeze: (ms) => machine.freeze(name, checkMs('freeze', ms)),
    spare() {
      sparing = true
      machine.spare(name)
    },
    skew(ms) {
      processContext.skew = checkMs('skew', ms)
    },
    call: (run) => callOn({ machine, calls, name, random, current: () => up }, run),
  }
}

interface Line<Service> {
  readonly machine: Machine
  readonly calls: Set<Call>
  readonly name: string
  readonly random: Random
  readonly current: () =>
    | { readonly service: Service; readonly node: SimulatedNode; readonly processContext: ProcessContext }
    | undefined
}

function callOn<Service, T>(
  { machine, calls, name, random, current }: Line<Service>,
  run: (service: Service, node: SimulatedNode) => T | Promise<T>,
): Promise<T> {
  const home = machine.processContext()
  return new Promise<T>((resolve, reject) => {
    let sent = false
    /** In the caller's own place: nodes share no promises. */
    const answer = (deliver: () => void) =>
      machine.schedule(random.next() * latencyMs, 'answer', () => machine.within(home, deliver), home)
    const call: Call = {
      run() {
        const at = current()
        if (sent || !at) return
        sent = true
        const { processContext, service, node } = at
        const work = async () => {
          const outcome = await outcomeOf(async () => run(service, node))
          if (!machine.isAlive(processContext) || !calls.delete(call)) return
          answer(() => (outcome.ok ? resolve(outcome.value) : reject(outcome.error)))
        }
        machine.schedule(
          random.next() * latencyMs,
          'call',
          () => machine.within(processContext, () => void work()),
          processContext,
        )
      },
      lost() {
        // It is not sent yet, and waits for the restart of the process.
        if (!sent || !calls.delete(call)) return
        answer(() => reject(new NodeLost(name)))
      },
    }
    calls.add(call)
    call.run()
  })
}

type CallOutcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }
const outcomeOf = <T>(run: () => Promise<T>): Promise<CallOutcome<T>> =>
  run().then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error }),
  )

function nodeOn({ machine, rates, chosen }: Shared, processContext: ProcessContext, name: string): SimulatedNode {
  const clock = clockOf(machine, processContext)
  const { incarnation } = processContext
  let storages = 0
  return {
    name,
    incarnation,
    clock,
    random: processContext.random,
    ids: createIds(clock, processContext.random),
    faults(disk): Faults {
      const random = seededRandom(`${processContext.random.next()}`)
      const storage = ++storages === 1 ? '' : ` of storage ${storages}`
      const allows = (kind: FaultKind, batch: number) =>
        chosen.happens(`${name}#${incarnation}: ${kind} in batch ${batch}${storage}`)
      return { disk, clock, random, rates, allows, delayMs: latencyMs }
    },
  }
}

/** Timers are a little late, as real ones are. */
function clockOf(machine: Machine, processContext: ProcessContext): Clock {
  const set = (ms: number, label: string, run: () => void) => {
    if (!machine.isAlive(processContext)) return () => {}
    const event = machine.schedule(ms, label, () => machine.within(processContext, run), processContext)
    return () => {
      event.cancelled = true
    }
  }
  return {
    now: () => machine.wall(processContext),
    monotonic: () => machine.time,
    after: (ms, run) => set(Math.max(0, ms) + processContext.random.next() * 0.5, 'after', run),
    soon: (run) => set(0, 'soon', run),
  }
}
