/**
 * Kills a run of forty steps everywhere: before and after each of its commits, and, where strace may trace, at writes and
 * syncs of its files; and lets writes and syncs fail, too. Each time it is carried on to its end and judged.
 *
 * node packages/troupe/test/reliability/crash.ts [--every N] [--processes N] [--only events|commits|writes|syncs|errors]
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type LaunchOptions, type Lived, Trial } from '../crash/crash-trial.ts'
import { harness } from './library-under-test.ts'
import { scenarioOf } from './scenarios.ts'

const { values } = parseArgs({
  options: {
    /** Of all points, every n-th. */
    every: { type: 'string', default: '1' },
    processes: { type: 'string', default: `${availableParallelism()}` },
    only: { type: 'string' },
  },
})
const every = Number(values.every)

interface Plan {
  readonly name: string
  readonly launch: LaunchOptions
  /** The process must die of it; else it may go on, or end with an error. */
  readonly deadly: boolean
}

let [tried, missed, bad] = [0, 0, 0]

async function attempt({ name, launch, deadly }: Plan): Promise<void> {
  const trial = new Trial()
  try {
    const { killed } = await trial.live(launch)
    if (++tried % 50 === 0) console.log(`${tried} points, ${bad} of them bad`)
    if (deadly && !killed) missed++
    const problems = await trial.judge()
    if (problems.length === 0) return
    bad++
    console.log(`${name}: ${problems.join('; ')}`)
  } finally {
    trial.remove()
  }
}

async function all(title: string, plans: readonly Plan[]): Promise<void> {
  const [before, began] = [{ tried, missed, bad }, performance.now()]
  const queue = plans.filter((_, i) => i % every === 0)
  const worker = async () => {
    for (let plan = queue.shift(); plan; plan = queue.shift()) await attempt(plan)
  }
  await Promise.all(Array.from({ length: Number(values.processes) }, worker))
  console.log(
    `${title}: ${tried - before.tried} of ${plans.length} points, ${missed - before.missed} reached too late, ` +
      `${bad - before.bad} with a loss, a repetition or damage, ${Math.round((performance.now() - began) / 1_000)} s`,
  )
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const strace = (...options: string[]) => ['strace', '-f', '-qq', '-o', '/dev/null', ...options]
const canTrace = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0

/** @throws Error if the run does not end, since its points could not be counted */
async function undisturbed<Out>(launch: (trial: Trial) => LaunchOptions, count: (trial: Trial, lived: Lived) => Out) {
  const trial = new Trial()
  try {
    const lived = await trial.live(launch(trial))
    if (!lived.ended) throw new Error('The undisturbed run did not end. Repeat the trial on a machine with less load.')
    return count(trial, lived)
  } finally {
    trial.remove()
  }
}

/** Returns the number of writes or syncs that an undisturbed run makes of its files. */
const count = (call: string) => {
  const log = (trial: Trial) => join(trial.folder, 'strace')
  return undisturbed(
    (trial) => ({ under: ['strace', '-f', '-qq', '-o', log(trial), '-e', `trace=${call}`] }),
    (trial) =>
      readFileSync(log(trial), 'utf8')
        .split('\n')
        .filter((line) => line.includes(`${call}(`)).length,
  )
}

const wanted = (what: string) => values.only === undefined || values.only === what

if (wanted('events')) {
  const scenario = scenarioOf('runs')
  const { seeds } = await harness.simulate({ scenario, seeds: ['kill-1000000'] })
  const events = seeds[0]?.events ?? 0
  const points = numbers(events).filter((n) => n % every === 0)
  const report = await harness.simulate({
    scenario,
    seeds: points.map((n) => `kill-${n}`),
    processes: Number(values.processes),
    maxEvents: 60_000,
  })
  tried += points.length
  bad += report.failures.length
  for (const { seed, failure } of report.failures.slice(0, 10)) console.log(`${seed}: ${failure}`)
  console.log(
    `simulated, before each event: ${points.length} of ${events} points, ${points.length - report.kills} not reached, ` +
      `${report.failures.length} bad, ${Math.round(report.durationMs / 1_000)} s`,
  )
}
if (wanted('commits')) {
  const killPoints = await undisturbed(
    () => ({}),
    (_, { lines }) => Number(lines.find((line) => line.startsWith('moments '))?.slice(8)),
  )
  await all(
    'before and after each commit',
    numbers(killPoints).map((n) => ({ name: `moment ${n}`, launch: { dieAt: n }, deadly: true })),
  )
}
if (!canTrace) console.log('skipped: strace may not trace here, so nothing was killed or failed inside a commit')
else {
  const kill = (call: string) => async () => {
    const times = await count(call)
    const plans = numbers(times).map((n) => ({
      name: `killed at ${call} ${n + 1}`,
      launch: { under: strace('-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${n + 1}`) },
      deadly: true,
    }))
    await all(`killed at each ${call}`, plans)
  }
  const fail = (call: string, error: string) => async () => {
    const times = await count(call)
    const plans = numbers(times).map((n) => ({
      name: `${error} at ${call} ${n + 1}`,
      launch: { under: strace('-e', `trace=${call}`, '-e', `inject=${call}:error=${error}:when=${n + 1}`) },
      deadly: false,
    }))
    await all(`${error} at each ${call}`, plans)
  }
  if (wanted('writes')) await kill('pwrite64')()
  if (wanted('syncs')) await kill('fsync')()
  if (wanted('errors')) {
    await fail('fsync', 'EIO')()
    await fail('pwrite64', 'ENOSPC')()
    await fail('pwrite64', 'EIO')()
  }
}
console.log(`${tried} points, ${bad} of them bad`)
if (bad > 0 || tried === 0) process.exitCode = 1
