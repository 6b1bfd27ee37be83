/** Executes a scenario with many seeds, in processes whose globals are replaced before any library is loaded. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkOptions, type Duration, failure, type Json, milliseconds } from '../../core/index.ts'
import { checkInteger } from '../../resilience/index.ts'
import { real } from './globals/real.ts'
import type { SeedReport } from './run-seed.ts'
import type { SimulationFaults } from './simulation.ts'
import type { SimulationProcessAssignment } from './simulation-process.ts'

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
  /** True if no further seed of a process starts after a failed one; false by default. */
  readonly bail?: boolean
  /** Environment variables of the processes, added to those of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** The report of a simulation. */
export interface SimulationReport {
  /** The reports in the order of the seeds; fewer than requested if the cap was reached. */
  readonly seeds: readonly SeedReport[]
  /** The reports of the failed seeds. */
  readonly failures: readonly SeedReport[]
  /** The number of events of all seeds. */
  readonly events: number
  /** The number of kills of all seeds. */
  readonly kills: number
  /** The number of operations that the scenarios reported. */
  readonly operations: {
    /** The number of successful operations. */
    readonly succeeded: number
    /** The number of failed operations. */
    readonly failed: number
  }
  /** The simulated time of all seeds in ms. */
  readonly simulatedMs: number
  /** The real time in ms. */
  readonly durationMs: number
}

const known = [
  'scenario',
  'seeds',
  'base',
  'options',
  'cap',
  'processes',
  'seedsPerProcess',
  'faults',
  'traceLines',
  'maxEvents',
  'maxSimulated',
  'bail',
  'env',
] as const

/** Returns the URL of a file beside this one, with the extension with which this one runs. */
const beside = (name: string) => new URL(`./${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

/**
 * Executes a scenario with each seed, in separate processes. The same seed gives the same events, so that a failed one
 * can be executed alone.
 * @throws ValidationError for an invalid or unknown option, and if the scenario cannot be loaded or its process ends
 * @example
 * const report = await simulate({ scenario: new URL('./team.scenario.ts', import.meta.url), seeds: 200 })
 * expect(report.failures).toEqual([])
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  checkOptions('simulate', options, known)
  checkAsked(options)
  const began = real.now()
  const capMs = milliseconds(options.cap ?? '10m', 'The cap')
  const wanted = namesOf(options)
  const lanes = options.processes ?? 1
  const share = Math.min(options.seedsPerProcess ?? 300, Math.max(1, Math.ceil(wanted.length / lanes)))
  const batches: (readonly string[])[] = []
  for (let i = 0; i < wanted.length; i += share) batches.push(wanted.slice(i, i + share))
  const reports = new Map<string, SeedReport>()
  const lane = async () => {
    for (let seeds = batches.shift(); seeds; seeds = batches.shift()) {
      const remainingMs = capMs - (real.now() - began)
      if (remainingMs <= 0) return
      for (const report of await inProcess(assign(options, seeds, remainingMs), options.env))
        reports.set(report.seed, report)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  const seeds = wanted.flatMap((seed) => reports.get(seed) ?? [])
  const sum = (of: (report: SeedReport) => number) => seeds.reduce((total, report) => total + of(report), 0)
  return {
    seeds,
    failures: seeds.filter((report) => report.failure !== undefined),
    events: sum(({ events }) => events),
    kills: sum(({ kills }) => kills),
    operations: {
      succeeded: sum(({ operations }) => operations.succeeded),
      failed: sum(({ operations }) => operations.failed),
    },
    simulatedMs: sum(({ simulatedMs }) => simulatedMs),
    durationMs: real.now() - began,
  }
}

const namesOf = ({ seeds, base = 'seed' }: SimulateOptions): readonly string[] =>
  typeof seeds === 'number' ? Array.from({ length: seeds }, (_, n) => `${base}-${n}`) : seeds

/** @throws ValidationError for an invalid scenario, seeds, counts or faults */
function checkAsked({ scenario, seeds, faults, ...options }: SimulateOptions): void {
  const wrong = (what: string, problem: string) => failure('validation.failed', { what, problem })
  const url = scenario instanceof URL ? scenario : typeof scenario === 'string' ? URL.parse(scenario) : null
  if (!url) throw wrong('simulate.scenario', "it is not a URL, as new URL('./team.scenario.ts', import.meta.url)")
  if (url.protocol === 'file:' && !existsSync(url)) throw wrong('simulate.scenario', `there is no file ${url.pathname}`)
  if (!(Array.isArray(seeds) || (Number.isSafeInteger(seeds) && (seeds as number) >= 1)))
    throw wrong('simulate.seeds', 'they are neither a number from 1 nor a list of names')
  for (const [name, lowest] of [
    ['processes', 1],
    ['seedsPerProcess', 1],
    ['maxEvents', 1],
    ['traceLines', 0],
  ] as const)
    if (options[name] !== undefined) checkInteger('simulate', name, options[name], lowest)
  if (faults !== undefined) checkOptions('simulate.faults', faults, ['rate', 'active', 'kinds'])
}

const assign = (options: SimulateOptions, seeds: readonly string[], capMs: number): SimulationProcessAssignment => ({
  scenario: String(options.scenario),
  seeds,
  options: (options.options ?? null) as never,
  faults: options.faults ?? {},
  bail: options.bail ?? false,
  traceLines: options.traceLines ?? 40,
  maxEvents: options.maxEvents ?? 400_000,
  maxSimulatedMs: milliseconds(options.maxSimulated ?? '1h', 'maxSimulated'),
  capMs,
})

function inProcess(
  assignment: SimulationProcessAssignment,
  env: Readonly<Record<string, string>> = {},
): Promise<SeedReport[]> {
  const program = [fileURLToPath(beside('simulation-process')), JSON.stringify(assignment)]
  const child = spawn(process.execPath, ['--no-warnings', '--import', beside('preloaded-machine').href, ...program], {
    stdio: ['ignore', 'inherit', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const read = (descriptor: 2 | 3) => {
    const chunks: Buffer[] = []
    child.stdio[descriptor]?.on('data', (chunk: Buffer) => chunks.push(chunk))
    return () => Buffer.concat(chunks).toString('utf8')
  }
  const [errors, results] = [read(2), read(3)]
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      const lines = results().split('\n').filter(Boolean)
      if (lines.pop() === '{"end":true}') return resolve(lines.map((line) => JSON.parse(line) as SeedReport))
      const errorLines = errors().split('\n')
      const why = errorLines.find((line) => /^\w*Error\b/.test(line)) ?? `code ${code}`
      const problem = `its process ended after ${lines.length} seeds: ${why}`
      const cause = new Error(errorLines.join('\n').slice(-4_000))
      reject(failure('validation.failed', { what: 'simulate.scenario', problem }, { cause }))
    })
  })
}
