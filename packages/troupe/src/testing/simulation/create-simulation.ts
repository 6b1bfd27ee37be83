/** Makes the world of one seed on the machine: its nodes, their ports, their disks. */
import { createHash } from 'node:crypto'
import { serialize } from 'node:v8'
import { type Clock, createIds, type Json, type Random, seededRandom } from '../../core/index.ts'
import { createDisk, type Disk, type FaultKind, type Faults } from '../../storage/index.ts'
import { type Machine, outside, type Place } from './machine.ts'
import {
  type NodeHandle,
  NodeLost,
  type NodeOptions,
  type SimulatedNode,
  type Simulation,
  type WorldFaults,
} from './simulation.ts'

export interface SeedOptions {
  readonly seed: string
  readonly options: Json
  readonly faults: WorldFaults
}

export interface SeedWorld {
  readonly simulation: Simulation
  readonly operations: { succeeded: number; failed: number }
  /** How often nodes were killed. */
  kills(): number
  /** What is wrong with the disks, then lets them go. */
  dispose(): readonly string[]
}

/** A message between nodes takes up to so many ms, and so do the two halves of a commit. */
const wayMs = 3

export function createSimulation(machine: Machine, { seed, options, faults }: SeedOptions): SeedWorld {
  const random = seededRandom(`${seed}/simulation`)
  const own: Place = { node: outside, incarnation: 1, random, skew: 0 }
  const rates = drawRates(seededRandom(`${seed}/faults`), faults)
  const disks: Disk[] = []
  const operations = { succeeded: 0, failed: 0 }
  const healers: (() => void)[] = []
  let kills = 0
  const shared = { machine, rates, healers, killed: () => void kills++ }
  const clock = clockOf(machine, own)
  const simulation: Simulation = {
    seed,
    random,
    clock,
    options,
    disk(name = 'disk') {
      const disk = createDisk((request, reply) => {
        const digest = createHash('sha256')
          .update(serialize([request, reply]))
          .digest('hex')
          .slice(0, 16)
        machine.note(name, `${request.kind} ${digest}`)
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
    sleep: (ms) => new Promise((resolve) => void clock.after(ms, resolve)),
    operation: (succeeded) => void operations[succeeded ? 'succeeded' : 'failed']++,
  }
  return {
    simulation,
    operations,
    kills: () => kills,
    dispose: () => disks.flatMap((disk) => [disk.problem() ?? [], disk.dispose() ?? []].flat()),
  }
}

interface Shared {
  readonly machine: Machine
  readonly rates: Partial<Record<FaultKind, number>>
  readonly healers: (() => void)[]
  readonly killed: () => void
}

/** After FoundationDB's: a fault is active in some seeds only, so that each is also met alone. */
function drawRates(random: Random, faults: WorldFaults): Partial<Record<FaultKind, number>> {
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
  options: NodeOptions,
): NodeHandle<Service> {
  const { machine, healers } = shared
  const { kills = options.killAt?.length ?? 0, within = 300, killAt, restartMs = 2_000 } = options
  const random = seededRandom(`${seed}/fate/${name}`)
  const home = machine.place()
  let [lives, sparing] = [0, false]
  let up: { readonly service: Service; readonly node: SimulatedNode; readonly place: Place } | undefined
  let place: Place
  const calls = new Set<Call>()
  const fate = () => {
    if (sparing || lives > kills) return undefined
    return killAt ? killAt[lives - 1] : Math.floor(random.next() * within)
  }
  const begin = () => {
    lives++
    const at = machine.live(name, fate(), () => {
      shared.killed()
      up = undefined
      machine.schedule(random.next() * restartMs, 'restart', begin, home)
      for (const call of [...calls]) call.lost()
    })
    place = at
    const node = nodeOn(shared, at, name)
    const run = async () => {
      const started = await settled(() => start(node))
      if (!machine.isAlive(at)) return
      if (!started.ok) {
        // As whoever watches over a process would: it is started again.
        machine.note(name, `did not start: ${String(started.error)}`)
        return machine.kill(name)
      }
      up = { service: started.value, node, place: at }
      for (const call of calls) call.run()
    }
    machine.schedule(0, 'start', () => machine.within(at, () => void run()), at)
  }
  begin()
  healers.push(() => {
    sparing = true
    place.skew = 0
    machine.spare(name)
  })
  return {
    get kills() {
      return lives - 1
    },
    kill: () => machine.kill(name),
    freeze: (ms) => machine.freeze(name, ms),
    spare() {
      sparing = true
      machine.spare(name)
    },
    skew(ms) {
      place.skew = ms
    },
    call: (run) => callOn({ machine, calls, name, random, current: () => up }, run),
  }
}

interface Line<Service> {
  readonly machine: Machine
  readonly calls: Set<Call>
  readonly name: string
  readonly random: Random
  readonly current: () => { readonly service: Service; readonly node: SimulatedNode; readonly place: Place } | undefined
}

function callOn<Service, T>(
  { machine, calls, name, random, current }: Line<Service>,
  run: (service: Service, node: SimulatedNode) => T | Promise<T>,
): Promise<T> {
  const home = machine.place()
  return new Promise<T>((resolve, reject) => {
    let sent = false
    /** In the caller's own place: nodes share no promises. */
    const answer = (settle: () => void) =>
      machine.schedule(random.next() * wayMs, 'answer', () => machine.within(home, settle), home)
    const call: Call = {
      run() {
        const at = current()
        if (sent || !at) return
        sent = true
        const { place, service, node } = at
        const work = async () => {
          const outcome = await settled(async () => run(service, node))
          if (!machine.isAlive(place) || !calls.delete(call)) return
          answer(() => (outcome.ok ? resolve(outcome.value) : reject(outcome.error)))
        }
        machine.schedule(random.next() * wayMs, 'call', () => machine.within(place, () => void work()), place)
      },
      lost() {
        // Not sent yet: it waits for the next life.
        if (!sent || !calls.delete(call)) return
        answer(() => reject(new NodeLost(name)))
      },
    }
    calls.add(call)
    call.run()
  })
}

type Settled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }
const settled = <T>(run: () => Promise<T>): Promise<Settled<T>> =>
  run().then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error }),
  )

function nodeOn({ machine, rates }: Shared, place: Place, name: string): SimulatedNode {
  const clock = clockOf(machine, place)
  return {
    name,
    incarnation: place.incarnation,
    clock,
    random: place.random,
    ids: createIds(clock, place.random),
    faults: (disk): Faults => ({
      disk,
      clock,
      random: seededRandom(`${place.random.next()}`),
      rates,
      delayMs: wayMs,
    }),
  }
}

/** Timers come a little late, as they do in the world. */
function clockOf(machine: Machine, place: Place): Clock {
  const set = (ms: number, label: string, run: () => void) => {
    if (!machine.isAlive(place)) return () => {}
    const event = machine.schedule(ms, label, () => machine.within(place, run), place)
    return () => {
      event.cancelled = true
    }
  }
  return {
    now: () => machine.wall(place),
    monotonic: () => machine.time,
    after: (ms, run) => set(Math.max(0, ms) + place.random.next() * 0.5, 'after', run),
    soon: (run) => set(0, 'soon', run),
  }
}
