/**
 * Calls the public API with bad arguments and sends its parent what it found. Its parent ends it when it does not answer.
 *
 * First one of SHARE of all changes of one value, then CALLS calls with one or two random changes.
 *
 * node fuzz-child.ts CALLS SHARE SEED PATTERN FROM
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTick, setTimeout as pause } from 'node:timers/promises'
import { seededRandom } from '../../../../src/core/index.ts'
import { badValues } from './bad-values.ts'
import { changeArguments, pickWith } from './change-arguments.ts'
import { type Change, eachChange } from './each-change.ts'
import { complete, problemOf, textOf } from './judge-call.ts'
import { loadLibrary } from './library.ts'
import { openTestbed } from './open-testbed.ts'
import { publicApi, type Target } from './public-api.ts'
import { slowness } from './slowness.ts'

/**
 * The limit for the fastest of nine calls with a wrong argument: other processes interrupt some of them. It is 1 ms, and higher
 * on a slower machine.
 */
const rejectedWithinMs = slowness()
/** A tool checks its arguments in a step of the session, and an undo looks its steps up in the journal of the run. */
const rejectedAfterReadWithinMs = 10
/** A list of 100,000 values, or a text of 9 MB, is captured before another argument is found wrong. */
const largeRejectedWithinMs = 250
const answeredWithinMs = 3_000

const [calls = '0', share = '1', seed = '1', only = '.', from = '0'] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'troupe-fuzz-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const library = await loadLibrary()
let testbed = await openTestbed(library)
const targets = publicApi(library, () => testbed, folder).filter(({ name }) => new RegExp(only).test(name))

export interface FoundByFuzz {
  readonly kind: string
  readonly target: string
  readonly change: string
  readonly error: string
}
const send = (message: object) => process.send?.(message)
let current = { target: '', change: '' }
const note = (kind: string, error: unknown) => send({ found: { kind, ...current, error: textOf(error) } })

/** @returns whether an argument was rejected */
async function attempt(target: Target, parameters: readonly unknown[]): Promise<boolean> {
  try {
    const answer = target.call(parameters)
    const completed = complete(target.name, answer)
    completed.catch(() => {})
    // A step that has asked a person waits, and so does what its code calls then.
    const isOfStep = target.name.startsWith('ctx.')
    const how = await Promise.race([completed, pause(isOfStep ? 15 : answeredWithinMs, 'no answer', { ref: false })])
    if (how === 'no answer' && isOfStep) await testbed.renewStep()
    else if (how === 'no answer' && !/\.(result|take|acquire|wait|request)/.test(target.name))
      note('no answer', new Error(''))
    return false
  } catch (error) {
    if ((error as { readonly code?: unknown } | null)?.code === 'step.over') await testbed.renewStep()
    const problem = problemOf(library, error)
    if (problem !== undefined) note(problem, error)
    return (error as { readonly name?: unknown } | null)?.name === 'ValidationError'
  }
}

/** ms of processor time: others share the machine. */
function processorTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

async function timed(target: Target, make: Change['make']): Promise<number> {
  const parameters = make()
  const before = processorTime()
  return (await attempt(target, parameters)) ? processorTime() - before : 0
}

function limitOf(name: string, change: string): number {
  if (/a list of 100,000|,000,000 characters|20,000 levels/.test(change)) return largeRejectedWithinMs
  // The answer of a function is wrong only once the stored items were read, and earlier calls may have stored large ones.
  if (/^memory\.(working|episodic)\.forget$/.test(name) && /= a function/.test(change)) return largeRejectedWithinMs
  const isRead =
    name === 'session.executeTool' ||
    (name === 'user.orchestra.undo' && change.includes('arg1.steps')) ||
    (name === 'user.orchestra.fork' && change.includes('arg1.edit.results'))
  return isRead ? rejectedAfterReadWithinMs : rejectedWithinMs
}

process.on('unhandledRejection', (error) => note('unhandled rejection', error))
process.on('uncaughtException', (error) => note('uncaught exception', error))

interface Case extends Change {
  readonly target: Target
}

const random = seededRandom(`fuzz ${seed} from ${from}`)
const pick = pickWith(random)
function* cases(): Generator<Case> {
  const offset = seededRandom(`fuzz ${seed}`).next() * Number(share)
  let n = Math.floor(offset)
  for (const target of targets)
    for (const change of eachChange(target.arguments, badValues))
      if (n++ % Number(share) === 0) yield { target, ...change }
  for (let i = 0; i < Number(calls); i++) {
    const target = pick(targets)
    const { arguments: changed, change } = changeArguments(pick(target.arguments), random)
    yield { target, change, make: () => changed }
  }
}

let i = -1
let made = 0
for (const { target, change, make } of cases()) {
  if (++i < Number(from)) continue
  current = { target: target.name, change }
  send({ at: i, ...current })
  made++
  const limit = limitOf(target.name, change)
  let ms = await timed(target, make)
  for (let n = 0; n < 8 && ms > limit; n++) {
    // The thread may be busy with the work of calls before this one.
    await pause(20)
    ms = Math.min(ms, await timed(target, make))
  }
  if (ms > limit) note('slow rejection', new Error(`${ms.toFixed(1)} ms`))
  if (({} as { polluted?: unknown }).polluted !== undefined) {
    note('polluted prototype', new Error(''))
    delete (Object.prototype as { polluted?: unknown }).polluted
  }
  if (testbed.troupe.state !== 'open') {
    note('closed troupe', new Error(testbed.troupe.state))
    testbed = await openTestbed(library)
  }
  if (i % 100 === 0) {
    await nextTick()
    const canary = await testbed.troupe.user('zoe').context.get('canary')
    if (canary !== 1) note('lost entry', new Error('canary'))
  }
}
send({ over: true, made, targets: targets.length })
setTimeout(() => process.exit(0), 100)
