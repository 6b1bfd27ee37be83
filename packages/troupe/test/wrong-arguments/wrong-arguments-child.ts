/**
 * Calls every export with every wrong value and sends its parent what it found, with the processor time of rejections.
 *
 * node wrong-arguments-child.ts PATTERN
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Change, eachChange } from '../reliability/outside/fuzz/each-change.ts'
import { complete, problemOf, textOf } from '../reliability/outside/fuzz/judge-call.ts'
import { openTestbed } from '../reliability/outside/fuzz/open-testbed.ts'
import type { Target } from '../reliability/outside/fuzz/public-api.ts'
import { importEntries, libraryOf } from './built-entries.ts'
import type { Report } from './every-export.test.ts'
import { exportTargets } from './export-targets.ts'
import { wrongValues } from './wrong-values.ts'

/** A call that has not rejected within this time is not rejecting its arguments; a later rejection is judged too. */
const pendingMs = 15
/**
 * A rejection that took less from its call to its end needed no more of the processor. One that took longer is repeated:
 * the system counts processor time in steps of up to 4 ms.
 */
const repeatedFromMs = 0.5
const repetitions = 40

const folder = mkdtempSync(join(tmpdir(), 'troupe-wrong-arguments-'))
process.chdir(folder)
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const entries = await importEntries()
const library = libraryOf(entries)
let testbed = await openTestbed(library)
const { targets, missing } = await exportTargets({ library, entries, testbed: () => testbed, folder })
const chosen = targets.filter(({ name }) => new RegExp(process.argv[2] ?? '.').test(name))

const send = (message: object) => process.send?.(message)
let current = ''
const note = (problem: string, error: unknown, call = current) =>
  send({ finding: { problem, call, error: textOf(error) } })
// What a callback of the caller throws behind the call is the caller's own.
const noteLate = (problem: string, error: unknown) => {
  if (problemOf(library, error) !== undefined) note(problem, error)
}
process.on('unhandledRejection', (error) => noteLate('unhandled rejection', error))
process.on('uncaughtException', (error) => noteLate('uncaught exception', error))

async function outcomeOf(target: Target, change: Change, call: string) {
  try {
    const answer = target.call(change.make())
    const completed = complete(target.name, answer).then(() => accepted)
    const judged = completed.catch((error: unknown) => judge(error, call))
    return await Promise.race([judged, pause(pendingMs, open)])
  } catch (error) {
    return judge(error, call)
  }
}
const [accepted, rejected, failed, open] = ['accepted', 'rejected', 'failed', 'open'] as const
/** Rejections of an argument are apart from failures of a call, as that a run has ended. */
function judge(error: unknown, call: string): typeof rejected | typeof failed {
  const problem = problemOf(library, error)
  if (problem !== undefined) note(problem, error, call)
  return error instanceof library.ValidationError ? rejected : failed
}

/** In ms, of this process. */
function processorTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
async function meanTime(target: Target, change: Change): Promise<number> {
  let total = 0
  for (let n = 0; n < repetitions; n++) {
    const parameters = change.make()
    const before = processorTime()
    try {
      await Promise.race([target.call(parameters), pause(pendingMs)])
    } catch {
      // The rejection was judged when the call was first made.
    }
    total += processorTime() - before
  }
  return total / repetitions
}

const counts = { accepted: 0, rejected: 0, failed: 0, open: 0 }
const times: { readonly call: string; readonly ms: number }[] = []
for (const target of chosen) {
  for (const change of eachChange(target.arguments, wrongValues)) {
    current = `${target.name}: ${change.change}`
    send({ at: current })
    const before = performance.now()
    const outcome = await outcomeOf(target, change, current)
    const once = performance.now() - before
    counts[outcome]++
    if (outcome === rejected)
      times.push({ call: current, ms: once > repeatedFromMs ? await meanTime(target, change) : once })
    if (testbed.troupe.state !== 'open') {
      note('closed troupe', new Error(testbed.troupe.state))
      testbed = await openTestbed(library)
    }
  }
}
await pause(200)
times.sort((one, other) => other.ms - one.ms)
const median = times[Math.floor(times.length / 2)]?.ms ?? 0
const withinMs = times.filter(({ ms }) => ms < 1).length
const over: Report = { targets: chosen.length, missing, counts, median, withinMs, slowest: times.slice(0, 40) }
send({ over })
setTimeout(() => process.exit(0), 100)
