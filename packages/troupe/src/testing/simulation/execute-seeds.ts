/**
 * Executes seeds in a process of their own. A seed that ends the process, or does not return, fails; the seeds after it
 * are executed by another process.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { duration, failure, whenAborted } from '../../core/index.ts'
import { real } from './globals/real.ts'
import type { SeedReport } from './run-seed.ts'
import type { SimulationProcessAssignment, SimulationProcessLine } from './simulation-process.ts'

export interface SeedProcessOptions {
  readonly env: Readonly<Record<string, string>>
  /** Kills the process. */
  readonly signal: AbortSignal
  /** The real time in ms without a sign of life after which the process is killed. */
  readonly maxEventMs: number
}

/** The lowest real time in ms for the load of the scenario. */
const maxLoadMs = 30_000

/** Returns the URL of a file beside this one, with the extension with which this one runs. */
const beside = (name: string) => new URL(`./${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

/**
 * Returns the reports in the order of the seeds; fewer if the cap was reached or a seed failed with `bail`.
 * @throws ValidationError if the process ends before the first seed
 */
export async function executeSeeds(
  assignment: SimulationProcessAssignment,
  options: SeedProcessOptions,
): Promise<readonly SeedReport[]> {
  const began = real.now()
  const reports: SeedReport[] = []
  for (;;) {
    const seeds = assignment.seeds.slice(reports.length)
    const capMs = assignment.capMs - (real.now() - began)
    if (seeds.length === 0 || capMs <= 0) return reports
    const executed = await executeInProcess({ ...assignment, seeds, capMs }, options)
    reports.push(...executed)
    const isEnded = executed.at(-1)?.digest !== ''
    if (isEnded || assignment.bail) return reports
  }
}

/** Returns the reports of one process. The last one has no digest if its seed ended the process. */
async function executeInProcess(
  assignment: SimulationProcessAssignment,
  { env, signal, maxEventMs }: SeedProcessOptions,
): Promise<readonly SeedReport[]> {
  const program = [fileURLToPath(beside('simulation-process')), JSON.stringify(assignment)]
  const child = spawn(process.execPath, ['--no-warnings', '--import', beside('preloaded-machine').href, ...program], {
    stdio: ['ignore', 'inherit', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const kill = () => void child.kill('SIGKILL')
  const release = whenAborted(signal, kill)
  process.once('exit', kill)
  const reports: SeedReport[] = []
  const seen = { isReady: false, isComplete: false, isBlocked: false, events: 0 }
  const watch = (ms: number) =>
    real.after(ms, () => {
      seen.isBlocked = true
      kill()
    })
  let stopWatch = watch(Math.max(maxEventMs, maxLoadMs))
  createInterface(child.stdio[3] as Readable).on('line', (text) => {
    stopWatch()
    stopWatch = watch(maxEventMs)
    const line = JSON.parse(text) as SimulationProcessLine
    seen.events = 'eventsSoFar' in line ? line.eventsSoFar : 0
    if ('digest' in line) reports.push(line)
    else if ('ready' in line) seen.isReady = true
    else if ('end' in line) seen.isComplete = true
  })
  const errors: Buffer[] = []
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk))
  const { promise: closed, resolve, reject } = Promise.withResolvers<string>()
  child.once('error', reject)
  child.once('close', (code, killedBy) => resolve(code === null ? `signal ${killedBy}` : `code ${code}`))
  const exit = await closed.finally(() => {
    stopWatch()
    release()
    process.off('exit', kill)
  })
  signal.throwIfAborted()
  const seed = assignment.seeds[reports.length]
  if (seen.isComplete || seed === undefined) return reports
  const problem = seen.isBlocked
    ? `its code did not return within ${duration(maxEventMs)}: it loops without an event`
    : `its process ended with ${exit}`
  const errorText = Buffer.concat(errors).toString('utf8').slice(-4_000)
  if (!seen.isReady) throw unloaded(problem, errorText)
  const failed = { seed, events: seen.events, faults: assignment.faults.only ?? [] }
  return [...reports, { ...emptyReport, ...failed, failure: `${problem}\n${errorText}`.trim() }]
}

const emptyReport = { digest: '', simulatedMs: 0, kills: 0, operations: { succeeded: 0, failed: 0 }, tail: [] } as const

function unloaded(end: string, errorText: string): Error {
  const why = errorText.split('\n').find((line) => /^\w*Error\b/.test(line)) ?? end
  const problem = `the first seed did not start: ${why}`
  return failure('validation.failed', { what: 'simulate.scenario', problem }, { cause: new Error(errorText) })
}
