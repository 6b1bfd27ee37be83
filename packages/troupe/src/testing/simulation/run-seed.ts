/** Executes the simulation of one seed, event by event. */
import { inspect } from 'node:util'
import type { Json } from '../../core/index.ts'
import { createSimulation } from './create-simulation.ts'
import { real } from './globals/real.ts'
import type { LeakDetector } from './leak-detector.ts'
import type { Machine } from './machine/machine.ts'
import { SimulationTrace } from './machine/simulation-trace.ts'
import type { SimulationFaults, SimulationScenario } from './simulation.ts'

export interface SeedRun {
  readonly machine: Machine
  readonly scenario: SimulationScenario
  readonly seed: string
  readonly options: Json
  readonly faults: SimulationFaults
  readonly traceLines: number
  readonly maxEvents: number
  readonly maxSimulatedMs: number
  /** True for an execution that loads libraries: it waits for them, and real timers are allowed. */
  readonly rehearsal: boolean
  readonly leaks: LeakDetector
  /** Called with the number of events before each event. */
  readonly onEvent: (events: number) => void
}

/** The report of one seed of a simulation. */
export interface SeedReport {
  /** The name of the seed. */
  readonly seed: string
  /** The SHA-256 of the trace as hexadecimal text. Equal digests mean equal executions. */
  readonly digest: string
  /** The number of events that happened. */
  readonly events: number
  /** The simulated time in ms. */
  readonly simulatedMs: number
  /** The number of kills of nodes. */
  readonly kills: number
  /**
   * The faults that the seed chose and that happened, in their order, as `server: kill 1` and
   * `server#2: io-after in batch 12` (`#2`: after its first restart). With `faults.only` they alone happen.
   */
  readonly faults: readonly string[]
  /** The number of operations that the scenario reported. */
  readonly operations: {
    /** The number of successful operations. */
    readonly succeeded: number
    /** The number of failed operations. */
    readonly failed: number
  }
  /** Why the seed failed, with stacks; absent if it did not fail. */
  readonly failure?: string
  /** The last lines of the trace. */
  readonly tail: readonly string[]
}

export async function runSeed(run: SeedRun): Promise<SeedReport> {
  const { machine, seed, leaks } = run
  const trace = new SimulationTrace(run.traceLines)
  machine.begin(seed, trace)
  const problems: unknown[] = []
  const stray = (error: unknown) => void problems.push(error)
  process.on('uncaughtException', stray).on('unhandledRejection', stray)
  leaks.take()
  leaks.watch(!run.rehearsal)
  const made = createSimulation(machine, run)
  let over = false
  const main = (async () => run.scenario(made.simulation))()
  main.then(
    () => (over = true),
    (error: unknown) => {
      over = true
      problems.push(error)
    },
  )
  await drive(run, () => over || problems.length > 0, problems)
  const { events, time } = machine
  leaks.watch(false)
  if (!run.rehearsal)
    for (const leak of leaks.take()) problems.push(new Error(`the simulation reached the real world: ${leak}`))
  if (problems.length > 0) problems.push(...made.startFailures())
  problems.push(...made.dispose().map((problem) => new Error(`a disk is not sound: ${problem}`)))
  machine.end()
  process.off('uncaughtException', stray).off('unhandledRejection', stray)
  return {
    seed,
    digest: trace.digest(),
    events,
    simulatedMs: Math.round(time),
    kills: made.kills(),
    faults: made.faults,
    operations: made.operations,
    ...(problems.length === 0
      ? {}
      : { failure: problems.map((problem) => inspect(problem, { depth: 6 })).join('\n\n') }),
    tail: trace.tail(),
  }
}

/** Executes one event per turn of the real event loop, so that all its immediate consequences come before the next one. */
function drive(run: SeedRun, over: () => boolean, problems: unknown[]): Promise<void> {
  const { machine, leaks, rehearsal, maxEvents, maxSimulatedMs, onEvent } = run
  return new Promise((resolve) => {
    let remainingPauses = rehearsal ? 500 : 0
    const nextTurn = () => leaks.allow(() => real.turn(step))
    const fail = (message: string) => {
      problems.push(new Error(message))
      resolve()
    }
    const step = () => {
      if (over()) return resolve()
      const event = machine.next()
      if (!event) {
        if (remainingPauses-- > 0) return void leaks.allow(() => real.pause(1).then(step))
        return fail('the scenario waits for something, and no event is left that could happen')
      }
      if (machine.events > maxEvents) return fail(`it does not end: ${maxEvents} events have happened`)
      if (machine.time > maxSimulatedMs) return fail(`it does not end: ${maxSimulatedMs} simulated ms have passed`)
      onEvent(machine.events)
      try {
        event.run()
      } catch (error) {
        problems.push(error)
      }
      nextTurn()
    }
    nextTurn()
  })
}
