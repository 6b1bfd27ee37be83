/** Executes a scenario with many seeds, in processes whose globals are replaced before any library is loaded. */
import { checkSignal, copyJson, milliseconds } from '../../core/index.ts'
import { executeSeeds } from './execute-seeds.ts'
import { real } from './globals/real.ts'
import type { SeedReport } from './run-seed.ts'
import { checkSimulate, type SimulateOptions } from './simulate-options.ts'
import type { SimulationProcessAssignment } from './simulation-process.ts'

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
  const wanted = namesOf(options)
  const lanes = options.processes ?? 1
  const share = Math.min(options.seedsPerProcess ?? 300, Math.max(1, Math.ceil(wanted.length / lanes)))
  const batches: (readonly string[])[] = []
  for (let i = 0; i < wanted.length; i += share) batches.push(wanted.slice(i, i + share))
  const reports = new Map<string, SeedReport>()
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const maxEventMs = milliseconds(options.maxEventTime ?? '30s', 'maxEventTime')
  const lane = async () => {
    for (let seeds = batches.shift(); seeds; seeds = batches.shift()) {
      const remainingMs = capMs - (real.now() - began)
      if (remainingMs <= 0) return
      const seedProcess = { env: options.env ?? {}, signal, maxEventMs }
      for (const report of await executeSeeds(assign(options, seeds, remainingMs), seedProcess))
        reports.set(report.seed, report)
    }
  }
  const work = () =>
    lane().catch((error: unknown) => {
      // The processes of the other lanes must not outlive the call.
      stop.abort(error)
      throw error
    })
  const outcomes = await Promise.allSettled(Array.from({ length: lanes }, work))
  checkSignal('simulate', options.signal)
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
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
