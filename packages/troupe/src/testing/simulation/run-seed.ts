/** Runs the world of one seed from beginning to end, event by event. */
import type { Json } from '../../core/index.ts'
import { createSimulation } from './create-simulation.ts'
import { real } from './globals/real.ts'
import type { LeakDetector } from './leak-detector.ts'
import type { Machine } from './machine.ts'
import type { SimulationFaults, SimulationScenario } from './simulation.ts'
import { SimulationTrace } from './simulation-trace.ts'

export interface SeedRun {
  readonly machine: Machine
  readonly scenario: SimulationScenario
  readonly seed: string
  readonly options: Json
  readonly faults: SimulationFaults
  readonly traceLines: number
  readonly maxEvents: number
  readonly maxSimulatedMs: number
  /** Libraries may still load what they need late: waits for it, and forgives it. */
  readonly rehearsal: boolean
  readonly leaks: LeakDetector
}

export interface SeedReport {
  readonly seed: string
  /** SHA-256 of the trace. */
  readonly digest: string
  readonly events: number
  readonly simulatedMs: number
  readonly kills: number
  readonly operations: { readonly succeeded: number; readonly failed: number }
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
  problems.push(...made.dispose().map((problem) => new Error(`a disk is not sound: ${problem}`)))
  machine.end()
  process.off('uncaughtException', stray).off('unhandledRejection', stray)
  return {
    seed,
    digest: trace.digest(),
    events,
    simulatedMs: Math.round(time),
    kills: made.kills(),
    operations: made.operations,
    ...(problems.length === 0 ? {} : { failure: problems.map(describe).join('\n\n') }),
    tail: trace.tail(),
  }
}

/** One event per turn of the real loop, so that everything it caused at once is done before the next. */
function drive(run: SeedRun, over: () => boolean, problems: unknown[]): Promise<void> {
  const { machine, leaks, rehearsal, maxEvents, maxSimulatedMs } = run
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
        return fail('the world waits for something, and nothing is left that could happen')
      }
      if (machine.events > maxEvents) return fail(`it does not end: ${maxEvents} events have happened`)
      if (machine.time > maxSimulatedMs) return fail(`it does not end: ${maxSimulatedMs} simulated ms have passed`)
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

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { details, cause } = error as { details?: unknown; cause?: unknown }
  const more = details === undefined ? '' : `\n${JSON.stringify(details)}`
  return `${error.stack ?? error.message}${more}${cause === undefined ? '' : `\ncaused by ${describe(cause)}`}`
}
