/** The process that simulates: executes its seeds and writes one line of JSON for each to its descriptor 3. */
import { writeSync } from 'node:fs'
import { real } from './globals/real.ts'
import { createLeakDetector } from './leak-detector.ts'
import { preloadedMachine as machine } from './preloaded-machine.ts'
import { runSeed } from './run-seed.ts'
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

const assignment = JSON.parse(process.argv[2] ?? '') as SimulationProcessAssignment
const { scenario: url, seeds, capMs, bail, ...rest } = assignment
const leaks = createLeakDetector()
const send = (line: object) => leaks.allow(() => writeSync(3, `${JSON.stringify(line)}\n`))
const began = real.now()
const { default: scenario } = (await import(url)) as { readonly default: SimulationScenario }
if (typeof scenario !== 'function') throw new TypeError('its default export must be a function')
// The rehearsal loads and compiles everything that is loaded at its first use; its outcome does not count.
await runSeed({ ...rest, machine, scenario, seed: 'rehearsal', leaks, rehearsal: true })
for (const seed of seeds) {
  if (real.now() - began > capMs) break
  const report = await runSeed({ ...rest, machine, scenario, seed, leaks, rehearsal: false })
  send(report)
  if (bail && report.failure !== undefined) break
}
send({ end: true })
process.exit(0)
