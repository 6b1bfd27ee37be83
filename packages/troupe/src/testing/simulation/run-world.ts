/** The process that simulates: runs the seeds it is given, one line of JSON for each on its fourth descriptor. */
import { writeSync } from 'node:fs'
import { createLeakDetector } from './leak-detector.ts'
import { machine } from './preload.ts'
import { real } from './real.ts'
import { runSeed } from './run-seed.ts'
import type { World, WorldFaults } from './simulation.ts'

/** What `simulate` tells the process. */
export interface Assignment {
  readonly world: string
  readonly seeds: readonly string[]
  readonly options: never
  readonly faults: WorldFaults
  readonly bail: boolean
  readonly keep: number
  readonly maxEvents: number
  readonly maxSimulatedMs: number
  /** No further seed is begun after so many ms. */
  readonly capMs: number
}

const assignment = JSON.parse(process.argv[2] ?? '') as Assignment
const { world: url, seeds, capMs, bail, ...rest } = assignment
const leaks = createLeakDetector()
const say = (line: object) => leaks.allow(() => writeSync(3, `${JSON.stringify(line)}\n`))
const began = real.now()
const { default: world } = (await import(url)) as { readonly default: World }
if (typeof world !== 'function') throw new TypeError('its default export is no function')
// What loads on first use, and what is compiled once, is loaded and compiled here; its outcome does not count.
await runSeed({ ...rest, machine, world, seed: 'rehearsal', leaks, rehearsal: true })
for (const seed of seeds) {
  if (real.now() - began > capMs) break
  const report = await runSeed({ ...rest, machine, world, seed, leaks, rehearsal: false })
  say(report)
  if (bail && report.failure !== undefined) break
}
say({ end: true })
process.exit(0)
