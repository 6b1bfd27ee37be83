/** Executes a scenario with many seeds, in processes whose globals are replaced before any library is loaded. */
import { checkSignal, copyJson, milliseconds } from '../../core/index.ts'
import { executeSeeds } from './execute-seeds.ts'
import { real } from './globals/real.ts'
import type { SeedReport } from './run-seed.ts'
import { shrinkSeed } from './shrink-seed.ts'
import { checkSimulate, type SimulateOptions } from './simulate-options.ts'
import type { SimulationFaults } from './simulation.ts'
import type { SimulationProcessAssignment } from './simulation-process.ts'

/** The report of a simulation. */
export interface SimulationReport {
  /** The reports in the order of the seeds; fewer than requested if the cap was reached. */
  readonly seeds: readonly SeedReport[]
  /** The reports of the failed seeds. */
  readonly failures: readonly SeedReport[]
  /**
   * With `shrink`, the failed execution of a seed with the fewest faults. `seeds: [smallest.seed]` with
   * `faults: { only: smallest.faults }` executes it; absent if no failed seed fails alone.
   */
  readonly smallest?: SeedReport
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

/**
 * Executes a scenario with each seed, in separate processes. The same seed gives the same events, so that a failed one
 * can be executed alone. A seed that ends its process fails, and has no digest.
 * @throws ValidationError for an invalid or unknown option, and if the scenario cannot be loaded or its process ends before
 * the first seed; CancelledError if the signal aborts
 * @example
 * const report = await simulate({ scenario: new URL('./team.scenario.ts', import.meta.url), seeds: 200 })
 * expect(report.failures).toEqual([])
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  checkSimulate(options)
  const began = real.now()
  const capMs = milliseconds(options.cap ?? '10m', 'The cap')
  const maxEventMs = milliseconds(options.maxEventTime ?? '30s', 'maxEventTime')
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const execute: Execute = async (seeds, faults = options.faults ?? {}) => {
    const remainingMs = capMs - (real.now() - began)
    if (remainingMs <= 0) return []
    const seedProcess = { env: options.env ?? {}, signal, maxEventMs }
    try {
      return await executeSeeds(assign({ ...options, faults }, seeds, remainingMs), seedProcess)
    } catch (error) {
      checkSignal('simulate', options.signal)
      throw error
    }
  }
  const reports = await executeAll(options, execute, stop)
  const seeds = namesOf(options).flatMap((seed) => reports.get(seed) ?? [])
  const failures = seeds.filter((report) => report.failure !== undefined)
  const smallest = options.shrink ? await shrink(failures, execute, options.faults) : undefined
  checkSignal('simulate', options.signal)
  const sum = (of: (report: SeedReport) => number) => seeds.reduce((total, report) => total + of(report), 0)
  return {
    seeds,
    failures,
    ...(smallest ? { smallest } : {}),
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

/** Executes seeds in a process; without further seeds after the cap. */
type Execute = (seeds: readonly string[], faults?: SimulationFaults) => Promise<readonly SeedReport[]>

/** Shares the seeds among the processes. @param stop aborts the processes of the others when one cannot start */
async function executeAll(
  options: SimulateOptions,
  execute: Execute,
  stop: AbortController,
): Promise<ReadonlyMap<string, SeedReport>> {
  const wanted = namesOf(options)
  const lanes = options.processes ?? 1
  const share = Math.min(options.seedsPerProcess ?? 300, Math.max(1, Math.ceil(wanted.length / lanes)))
  const batches: (readonly string[])[] = []
  for (let i = 0; i < wanted.length; i += share) batches.push(wanted.slice(i, i + share))
  const reports = new Map<string, SeedReport>()
  const lane = async () => {
    for (let seeds = batches.shift(); seeds; seeds = batches.shift())
      for (const report of await execute(seeds)) reports.set(report.seed, report)
  }
  const work = () =>
    lane().catch((error: unknown) => {
      // The processes of the other lanes must not outlive the call.
      stop.abort(error)
      throw error
    })
  const outcomes = await Promise.allSettled(Array.from({ length: lanes }, work))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return reports
}

/** Shrinks the failed seed with the fewest faults that fails alone too. */
async function shrink(
  failures: readonly SeedReport[],
  execute: Execute,
  faults: SimulationFaults | undefined,
): Promise<SeedReport | undefined> {
  for (const failed of failures.toSorted((a, b) => a.faults.length - b.faults.length)) {
    const smallest = await shrinkSeed(failed, async (only) => (await execute([failed.seed], { ...faults, only }))[0])
    if (smallest) return smallest
  }
  return undefined
}

const namesOf = ({ seeds, base = 'seed' }: SimulateOptions): readonly string[] =>
  typeof seeds === 'number' ? Array.from({ length: seeds }, (_, n) => `${base}-${n}`) : seeds

const assign = (options: SimulateOptions, seeds: readonly string[], capMs: number): SimulationProcessAssignment => ({
  scenario: String(options.scenario),
  seeds,
  options: copyJson(options.options ?? null, 'simulate.options') as never,
  faults: options.faults ?? {},
  bail: options.bail ?? false,
  traceLines: options.traceLines ?? 40,
  maxEvents: options.maxEvents ?? 400_000,
  maxSimulatedMs: milliseconds(options.maxSimulated ?? '1h', 'maxSimulated'),
  capMs,
})
