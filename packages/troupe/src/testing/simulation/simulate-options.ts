/** The options of `simulate`, and their check. */
import { existsSync } from 'node:fs'
import {
  checkOptions,
  checkSignal,
  checkText,
  type Duration,
  invalidInput,
  type Json,
  listOf,
  objectOf,
  show,
} from '../../core/index.ts'
import { checkInteger } from '../../resilience/index.ts'
import type { SimulationFaults } from './simulation.ts'

/** The options of `simulate`. */
export interface SimulateOptions {
  /** The module whose default export is the scenario, as `new URL('./team.scenario.ts', import.meta.url)`. */
  readonly scenario: URL | string
  /** The number of seeds, or their names. */
  readonly seeds: number | readonly string[]
  /** The first part of the names of numbered seeds; `seed` by default, for `seed-0`, `seed-1`. */
  readonly base?: string
  /** Data for the scenario, as `simulation.options`; null by default. */
  readonly options?: Json
  /** The time after which no further seed starts; 10 min by default. */
  readonly cap?: Duration
  /** The number of processes that share the seeds; 1 by default. */
  readonly processes?: number
  /**
   * The number of seeds after which a process is replaced, because aborted executions leave memory behind; 300 by
   * default.
   */
  readonly seedsPerProcess?: number
  /** The faults of the storage. */
  readonly faults?: SimulationFaults
  /** The number of last lines of the trace in a report; 40 by default. */
  readonly traceLines?: number
  /** The number of events after which a seed fails, because it does not end; 400,000 by default. */
  readonly maxEvents?: number
  /** The simulated time after which a seed fails, because it does not end; 1 h by default. */
  readonly maxSimulated?: Duration
  /**
   * The real time after which a seed fails because an event does not end, as in a loop without an end; 30 s by default.
   */
  readonly maxEventTime?: Duration
  /** True if no further seed of a process starts after a failed one; false by default. */
  readonly bail?: boolean
  /**
   * True to look for the fewest faults with which a failed seed fails, until the cap: for `SimulationReport.smallest`;
   * false by default. It executes the seed in a process for each attempt.
   */
  readonly shrink?: boolean
  /** Environment variables of the processes, added to those of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Ends the processes; the call then rejects with CancelledError. */
  readonly signal?: AbortSignal
}

const known = [
  ...['scenario', 'seeds', 'base', 'options', 'cap', 'processes', 'seedsPerProcess', 'faults', 'traceLines'],
  ...['maxEvents', 'maxSimulated', 'maxEventTime', 'bail', 'shrink', 'env', 'signal'],
] as const
const faultKinds: NonNullable<SimulationFaults['kinds']> = ['io-before', 'io-after', 'full', 'dead']

const maxSeeds = 1_000_000

const wrong = (what: string, problem: string) => invalidInput(`simulate.${what}`, problem)

/** @throws ValidationError for an unknown option, and an invalid scenario, seed, count, fault or environment */
export function checkSimulate(options: SimulateOptions): void {
  checkOptions('simulate', options, known)
  const { scenario, seeds, base, env, faults, signal } = options
  const url = scenario instanceof URL ? scenario : typeof scenario === 'string' ? URL.parse(scenario) : null
  if (!url) throw wrong('scenario', "it is not a URL, as new URL('./team.scenario.ts', import.meta.url)")
  if (url.protocol === 'file:' && !existsSync(url)) throw wrong('scenario', `there is no file ${url.pathname}`)
  checkSeeds(seeds)
  for (const [name, lowest] of [
    ['processes', 1],
    ['seedsPerProcess', 1],
    ['maxEvents', 1],
    ['traceLines', 0],
  ] as const)
    if (options[name] !== undefined) checkInteger('simulate', name, options[name], lowest)
  if (base !== undefined) checkText('simulate.base', base)
  for (const name of ['bail', 'shrink'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'boolean')
      throw wrong(name, `it is ${show(options[name])}, not true or false`)
  for (const [name, value] of Object.entries(objectOf('simulate.env', env ?? {})))
    checkText(`simulate.env.${name}`, value)
  if (faults !== undefined) checkFaultOptions(faults)
  checkSignal('simulate', signal)
}

function checkSeeds(seeds: SimulateOptions['seeds']): void {
  if (!Array.isArray(seeds)) {
    if (Number.isSafeInteger(seeds) && (seeds as number) >= 1 && (seeds as number) <= maxSeeds) return
    throw wrong('seeds', `they are neither a number from 1 to ${maxSeeds} nor a list of names`)
  }
  for (const seed of seeds) checkText('A seed of simulate', seed)
  if (seeds.length === 0) throw wrong('seeds', 'the list is empty, so that nothing would be simulated')
  const repeated = new Set(seeds).size < seeds.length && seeds.find((seed, at) => seeds.indexOf(seed) !== at)
  if (repeated !== false) throw wrong('seeds', `${show(repeated)} occurs twice`)
}

function checkFaultOptions(faults: SimulationFaults): void {
  checkOptions('simulate.faults', faults, ['rate', 'active', 'kinds', 'only'])
  for (const name of ['rate', 'active'] as const) {
    const value = faults[name]
    if (value !== undefined && !(typeof value === 'number' && value >= 0 && value <= 1))
      throw wrong(`faults.${name}`, `it is ${show(value)}, not a number from 0 to 1`)
  }
  for (const name of listOf('simulate.faults.only', faults.only ?? []))
    checkText('A name of simulate.faults.only', name)
  for (const kind of listOf('simulate.faults.kinds', faults.kinds ?? []))
    if (!faultKinds.includes(kind)) throw wrong('faults.kinds', `${show(kind)} is none of ${faultKinds.join(', ')}`)
}
