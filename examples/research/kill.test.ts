/**
 * Ends the process with SIGKILL at many moments of a run, lets another one finish it, and compares. `KILLS` is the number
 * of moments (6 by default), `KILL_SEED` chooses others.
 */
import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTroupe, type RunEvent } from 'troupe'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Folder, makeFolder, question } from './fixtures/make-folder.ts'
import { type StepRecord, stepRecords } from './fixtures/read-journals.ts'
import { withoutAccount } from './fixtures/read-report.ts'
import { reportOf, runMain, startMain } from './fixtures/start-main.ts'

const kills = Number(process.env.KILLS ?? 6)
const seed = Number(process.env.KILL_SEED ?? 1)

let folder: Folder
let undisturbed: Recorded & { readonly report: string; readonly lines: number; readonly ms: number }
let interrupted = 0

interface Recorded {
  readonly events: readonly RunEvent[]
  /** By step: its effects, claims, turns and end. */
  readonly steps: ReadonlyMap<string, StepRecord>
}

beforeAll(async () => {
  folder = makeFolder()
  const began = performance.now()
  const ended = await runMain([question, '--docs', 'docs'], { cwd: folder.root })
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const ms = performance.now() - began
  const [recorded] = await recordedIn(join(folder.root, 'data'))
  const report = withoutAccount(readFileSync(reportOf(ended), 'utf8'))
  undisturbed = { ...(recorded as Recorded), report, lines: ended.stdout.split('\n').length, ms }
})
afterAll(() => folder[Symbol.dispose]())

/** What each run of a database has left. */
async function recordedIn(data: string): Promise<Recorded[]> {
  const path = join(data, 'research.db')
  await using troupe = await createTroupe({ storage: `sqlite:${path}`, log: 'silent' })
  const { orchestra } = troupe.user('researcher')
  const runs: Recorded[] = []
  for await (const { id } of await orchestra.list()) {
    const events: RunEvent[] = []
    for await (const event of (await orchestra.get(id)).events()) events.push(event)
    runs.push({ events, steps: stepRecords(path, id) })
  }
  return runs
}

const stepsIn = (events: readonly RunEvent[], type: 'step.started' | 'step.completed') =>
  events.flatMap((event) => (event.type === type ? [`${event.agent} ${event.step}`] : [])).sort()

/** Half of the moments lie after a line that the process printed, half at a time; both spread over the whole life. */
function killPointOf(i: number): { readonly line: number } | { readonly ms: number } {
  const share = (((i * 0.618_033_988_75 + seed * 0.414_213_562) % 1) + 1) % 1
  return i % 2 === 0 ? { line: 1 + Math.floor(share * (undisturbed.lines - 1)) } : { ms: share * undisturbed.ms }
}

async function killAt(killPoint: ReturnType<typeof killPointOf>, data: string): Promise<boolean> {
  let lines = 0
  const started = startMain([question, '--docs', 'docs', '--data', data], {
    cwd: folder.root,
    onLine: (_, child) => {
      lines += 1
      if ('line' in killPoint && lines === killPoint.line) child.kill('SIGKILL')
    },
  })
  const timer = 'ms' in killPoint ? setTimeout(() => started.process.kill('SIGKILL'), killPoint.ms) : undefined
  const ended = await started.ended
  clearTimeout(timer)
  return ended.signal === 'SIGKILL'
}

it.each(Array.from({ length: kills }, (_, i) => i))(
  'A run that is killed at moment %i is finished by another process with the same report.',
  async (i) => {
    const data = mkdtempSync(join(folder.root, 'killed-'))
    await killAt(killPointOf(i), data)
    const resumed = await runMain(['--resume', '--data', data], { cwd: folder.root })
    if (resumed.code === 2) {
      // Killed before the run was durable, or after its report was written: then nothing is left to do.
      expect(resumed.stderr).toMatch(/nothing to resume/)
      const runs = await recordedIn(data)
      expect(runs.length === 0 || runs[0]?.events.at(-1)?.type === 'run.completed').toBe(true)
      return
    }
    expect(resumed).toMatchObject({ code: 0, stderr: '' })
    expect(withoutAccount(readFileSync(reportOf(resumed), 'utf8'))).toBe(undisturbed.report)
    const [recorded, ...others] = await recordedIn(data)
    expect(others).toEqual([])
    const { events = [], steps } = recorded ?? {}
    // Each step was begun once and ended once: nothing finished was done again.
    for (const type of ['step.started', 'step.completed'] as const)
      expect(stepsIn(events, type)).toEqual(stepsIn(undisturbed.events, type))
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, n) => n + 1))
    // In each step every effect has one outcome and every turn was committed once, as in the undisturbed run.
    expect(steps).toEqual(undisturbed.steps)
    interrupted += 1
  },
  60_000,
)

it('A run that is killed amid its researchers is finished three days later with the same report.', async () => {
  const data = mkdtempSync(join(folder.root, 'days-'))
  const started = startMain([question, '--docs', 'docs', '--data', data], {
    cwd: folder.root,
    onLine: (line, child) => void (line.includes('step.started Researcher') && child.kill('SIGKILL')),
  })
  expect((await started.ended).signal).toBe('SIGKILL')
  const later = 'const { now } = Date; Date.now = () => now() + 3 * 86_400_000'
  const resumed = await runMain(['--resume', '--data', data], {
    cwd: folder.root,
    env: { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(later)}` },
  })
  expect(resumed).toMatchObject({ code: 0, stderr: '' })
  expect(withoutAccount(readFileSync(reportOf(resumed), 'utf8'))).toBe(undisturbed.report)
})

it('The kills of this test interrupt the run at most moments.', () => {
  expect(interrupted).toBeGreaterThanOrEqual(kills / 4)
})
