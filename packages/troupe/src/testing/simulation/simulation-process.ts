/** The process that simulates: executes its seeds and writes one line of JSON for each to its descriptor 3. */
import { writeSync } from 'node:fs'
import { real } from './globals/real.ts'
import { createLeakDetector } from './leak-detector.ts'
import { preloadedMachine as machine } from './preloaded-machine.ts'
import { runSeed, type SeedReport } from './run-seed.ts'
import type { SimulationFaults, SimulationScenario } from './simulation.ts'

/** The argument that `simulate` passes to the process, as JSON. */
export interface SimulationProcessAssignment {
  readonly scenario: string
  readonly seeds: readonly string[]
  readonly options: never
  readonly faults: SimulationFaults
  readonly bail: boolean
  readonly traceLines: number
  readonly maxEvents: number
  readonly maxSimulatedMs: number
  /** The number of ms after which no further seed starts. */
  readonly capMs: number
}

/** A line that the process writes: a sign of life, the end of the rehearsal, a report, or the end. */
export type SimulationProcessLine =
  | { readonly ready: true }
  | { readonly eventsSoFar: number }
  | { readonly end: true }
  | SeedReport

const assignment = JSON.parse(process.argv[2] ?? '') as SimulationProcessAssignment
const { scenario: url, seeds, capMs, bail, ...rest } = assignment
const leaks = createLeakDetector()
const send = (line: SimulationProcessLine) => leaks.allow(() => writeSync(3, `${JSON.stringify(line)}\n`))
const began = real.now()
/** The interval in ms of signs of life. */
const signMs = 500
const sign = { at: began }
const onEvent = (eventsSoFar: number) => {
  if (real.now() - sign.at < signMs) return
  sign.at = real.now()
  send({ eventsSoFar })
}
// The streams open at their first use, which would be a use of the real machine during a seed.
leaks.allow(() => [process.stdout, process.stderr])
const { default: scenario } = (await import(url)) as { readonly default: SimulationScenario }
if (typeof scenario !== 'function') throw new TypeError('its default export must be a function')
send({ eventsSoFar: 0 })
// The rehearsal loads and compiles everything that is loaded at its first use; its outcome does not count.
await runSeed({ ...rest, machine, scenario, seed: 'rehearsal', leaks, onEvent, rehearsal: true })
send({ ready: true })
for (const seed of seeds) {
  if (real.now() - began > capMs) break
  const report = await runSeed({ ...rest, machine, scenario, seed, leaks, onEvent, rehearsal: false })
  send(report)
  if (bail && report.failure !== undefined) break
}
send({ end: true })
process.exit(0)
