/**
 * Processor time of a step alone, in memory: a loop of calls, each an idempotent effect (as a model call is) and an effect
 * of class `at-most-once` (as a tool is), with a write and a commit. With the path of another checkout, rounds of the two
 * take turns, and the last column is this checkout as a share of the other.
 *
 * node --expose-gc bench/runs/steps.ts [CHECKOUT] [ROUNDS]
 */
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

type Make = (options: object) => never
interface Parts {
  readonly openStorage: (options: object) => Promise<{ readonly close: () => Promise<void> }>
  readonly createSteps: Make
  readonly createJournals: Make
  readonly createInbox: Make
  readonly createTimers: Make
  readonly journalMigrations: readonly object[]
  readonly securityMigrations: readonly object[]
  readonly systemClock: object
  readonly seededRandom: (seed: string) => object
}
interface Recorder {
  readonly effect: (name: string, spec: object, run: () => unknown) => Promise<unknown>
  readonly commit: () => Promise<void>
}
interface Steps {
  readonly execute: (spec: object, program: (recorder: Recorder) => Promise<unknown>) => Promise<{ status: string }>
  readonly close: () => Promise<void>
}

const [loops, steps] = [10, 150]
const here = resolve(import.meta.dirname, '../..')
const [other, rounds = '9'] = process.argv.slice(2)

async function partsIn(checkout: string): Promise<Parts> {
  const file = (path: string) => pathToFileURL(join(checkout, 'packages/troupe/src', path)).href
  const modules = ['core/index.ts', 'storage/index.ts', 'security/index.ts', 'journal/index.ts']
  return Object.assign({}, ...(await Promise.all(modules.map((path) => import(file(path))))))
}

async function program(recorder: Recorder): Promise<unknown> {
  for (let call = 0; call < loops; call++) {
    const text = await recorder.effect('model', { class: 'idempotent', input: { call } }, async () => `answer ${call}`)
    await recorder.effect('tool', { class: 'at-most-once', input: { text } }, async () => call)
    await recorder.commit()
  }
  return null
}

/** Returns µs of processor time for each step. */
async function play(parts: Parts): Promise<number> {
  const { systemClock: clock, seededRandom } = parts
  const random = seededRandom('steps')
  const migrations = [...parts.journalMigrations, ...parts.securityMigrations]
  const storage = await parts.openStorage({ url: 'memory:', migrations, clock, random })
  const journals = parts.createJournals({ storage, clock, owner: 'bench' })
  const [inbox, timers] = [parts.createInbox({ storage }), parts.createTimers({ storage, clock })]
  const machine: Steps = parts.createSteps({ storage, journals, inbox, timers, clock, random })
  const principal = { userId: 'ada', kind: 'agent', name: 'Bench' }
  globalThis.gc?.()
  const began = process.cpuUsage()
  for (let step = 0; step < steps; step++) {
    const spec = { id: `session:bench#${step}`, principal, input: step, onEnd: () => ({ statements: [] }) }
    const end = await machine.execute(spec, program)
    if (end.status !== 'completed') throw new Error(`The step is ${end.status}.`)
  }
  const { user, system } = process.cpuUsage(began)
  await machine.close()
  await storage.close()
  return (user + system) / steps
}

const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0
const checkouts = await Promise.all([here, ...(other === undefined ? [] : [resolve(other)])].map(partsIn))
const times = checkouts.map(() => [] as number[])
for (let round = -1; round < Number(rounds); round++)
  for (const [index, parts] of checkouts.entries()) {
    const us = await play(parts)
    if (round >= 0) times[index]?.push(us)
  }
const [mine = [], theirs] = times
const perStep = (all: readonly number[]) =>
  `${Math.round(median(all))} µs a step, ${(median(all) / loops).toFixed(0)} µs a loop`
console.log(`this checkout: ${perStep(mine)}`)
if (theirs) {
  const ratios = mine.map((us, round) => us / (theirs[round] ?? us)).toSorted((a, b) => a - b)
  console.log(`the other:     ${perStep(theirs)}`)
  const [lowest, highest] = [ratios[0], ratios.at(-1)].map((ratio) => ratio?.toFixed(2))
  console.log(`share:         ${median(ratios).toFixed(2)} (${lowest} to ${highest})`)
}
