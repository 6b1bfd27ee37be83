/** The simulator itself: the same seed is the same world, to the byte, and nothing else is. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { Json } from '../../src/index.ts'
import type { SimulateOptions, SimulationReport } from '../../src/testing/index.ts'
import { harness } from '../reliability/library-under-test.ts'

const scenario = (name: string) => new URL(`./${name}.scenario.ts`, import.meta.url)
const simulate = (name: string, options: Partial<SimulateOptions>) =>
  harness.simulate({ scenario: scenario(name), seeds: 5, ...options })
const digests = ({ seeds }: SimulationReport) => seeds.map(({ digest }) => digest)
const first = (report: SimulationReport) => report.failures[0]?.failure ?? 'no failure'

test('The simulator gives byte-identical traces for the same seed, in one process or several, and other traces for other seeds.', async () => {
  const [once, repeated, split] = await Promise.all([
    simulate('libraries', { seeds: 12 }),
    simulate('libraries', { seeds: 12 }),
    simulate('libraries', { seeds: 12, seedsPerProcess: 5 }),
  ])
  expect(once.failures).toEqual([])
  expect(digests(repeated)).toEqual(digests(once))
  expect(digests(split)).toEqual(digests(once))
  expect(new Set(digests(once)).size).toBe(12)
})

test.for(['date', 'performance', 'hrtime', 'timers', 'math', 'crypto', 'abort', 'identity'])(
  'The simulator with real %s makes every seed differ or leak.',
  async (real) => {
    const run = () => simulate('libraries', { seeds: 4, env: { TROUPE_REAL: real } })
    // One after the other: two processes at once may read the same millisecond.
    const once = await run()
    const repeated = await run()
    const same = once.seeds.filter(({ digest, failure }, i) => digest === repeated.seeds[i]?.digest && !failure)
    expect(same).toEqual([])
  },
)

test.each([
  ['export default (', /first seed did not start: SyntaxError/],
  ['export const world = 1', /first seed did not start: TypeError: its default export must be a function/],
  ['throw new Error("no such team")', /first seed did not start: Error: no such team/],
  ['export default async () => process.exit(7)', /first seed did not start: its process ended with code 7/],
])('A scenario that does not load, or ends its process, is rejected with the problem: %s.', async (text, problem) => {
  const rejected = harness.simulate({ scenario: new URL(`data:text/javascript,${encodeURIComponent(text)}`), seeds: 2 })
  await expect(rejected).rejects.toMatchObject({ code: 'validation.failed', message: expect.stringMatching(problem) })
})

test('A scenario fails its seed if it reaches the real world, is stuck, never ends, breaks or leaks an error.', async () => {
  const of = async (options: Json, more: Partial<SimulateOptions> = {}) =>
    first(await simulate('leaking', { seeds: 1, options, ...more }))
  const [none, files, stuck, endless, wrong, stray] = await Promise.all([
    of('none'),
    of('files'),
    of('stuck'),
    of('endless', { maxEvents: 5_000 }),
    of('wrong'),
    of('stray'),
  ])
  expect(none).toBe('no failure')
  expect(files).toMatch(/reached the real world: \w+/)
  expect(stuck).toMatch(/no event is left that could happen/)
  expect(endless).toMatch(/does not end: 5000 events/)
  expect(wrong).toMatch(/a promise was broken/)
  expect(stray).toMatch(/nobody caught this/)
})

test.each<[string, RegExp]>([
  ['blocks', /^its code did not return within 2s/],
  ['exits', /^its process ended with code 7/],
  ['object', /order\.lost.*17/],
  ['details', /the balance[\s\S]*12n/],
  ['cycle', /the beginning[\s\S]*the end/],
  ['start', /does not end: 500 events[\s\S]*the node server did not start[\s\S]*no storage/],
])(
  'The simulator reports a failed seed with its reason, and executes the seeds after it: %s.',
  async (options, reason) => {
    const report = await simulate('leaking', { seeds: 4, options, maxEventTime: '2s', maxEvents: 500 })
    expect(report.seeds.map(({ seed }) => seed)).toEqual(['seed-0', 'seed-1', 'seed-2', 'seed-3'])
    expect(report.failures.map(({ seed }) => seed)).toEqual(['seed-1'])
    expect(first(report)).toMatch(reason)
  },
)

test('The simulator finds the fewest faults with which a seed fails, and executes the seed with them alone.', async () => {
  const report = await simulate('fragile', { seeds: ['seed-1'], shrink: true })
  const { failures, smallest } = report
  expect(failures.map(({ faults }) => faults.length > 2)).toEqual([true])
  expect(smallest).toMatchObject({ seed: 'seed-1', faults: ['server: kill 1', 'server: kill 2'], kills: 2 })
  expect(smallest?.failure).toMatch(/2 kills/)
  const faults = { only: smallest?.faults ?? [] }
  const alone = await simulate('fragile', { seeds: ['seed-1'], faults })
  expect(alone.failures).toEqual([smallest])
  const withOne = await simulate('fragile', { seeds: ['seed-1'], faults: { only: ['server: kill 2'] } })
  expect(withOne.seeds).toMatchObject([{ faults: ['server: kill 2'], kills: 1 }])
  expect(withOne.failures).toEqual([])
})

test('The simulator names a seed that fails without any fault.', async () => {
  const { smallest } = await simulate('fragile', { seeds: 1, options: 'always', shrink: true })
  expect(smallest).toMatchObject({ faults: [], kills: 0, operations: { succeeded: 150, failed: 0 } })
  const ended = await simulate('leaking', { seeds: 2, options: 'exits', shrink: true })
  expect(ended.smallest).toMatchObject({ seed: 'seed-1', faults: [], failure: expect.stringMatching(/code 7/) })
})

test('A scenario may print a line under one seed alone.', async () => {
  expect((await simulate('leaking', { seeds: 2, options: 'prints' })).failures).toEqual([])
})

test('The simulator ends its processes when its signal aborts.', async () => {
  const stop = new AbortController()
  const running = simulate('leaking', { seeds: 2, options: 'blocks', signal: stop.signal })
  setTimeout(() => stop.abort(), 1_000)
  await expect(running).rejects.toMatchObject({ name: 'CancelledError' })
})

test('The storage preserves every acknowledged change completely and once, through kills and a failing disk.', async () => {
  const [report, repeated] = await Promise.all([simulate('commits', { seeds: 60 }), simulate('commits', { seeds: 60 })])
  expect(report.failures.map(({ seed, failure }) => `${seed}: ${failure}`)).toEqual([])
  expect(digests(repeated)).toEqual(digests(report))
  expect(report.kills).toBeGreaterThan(60)
  expect(harness.checkShare(report.operations)).toEqual([])
})

test('The scenario of docs/testing.md holds under every seed.', async () => {
  const page = readFileSync(new URL('../../../../docs/testing.md', import.meta.url), 'utf8')
  const [text] = page.match(/(?<=```ts\n)\/\/ support\.scenario\.ts\n.*?(?=```)/s) ?? []
  const folder = mkdtempSync(join(tmpdir(), 'troupe-scenario-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'support.scenario.ts')
  // There is no package beside it.
  writeFileSync(
    file,
    String(text).replace("from 'troupe'", `from '${new URL('../../dist/index.js', import.meta.url)}'`),
  )
  const report = await harness.simulate({ scenario: pathToFileURL(file), seeds: 100 })
  expect(report.failures.map(({ seed, failure }) => `${seed}: ${failure}`)).toEqual([])
})
