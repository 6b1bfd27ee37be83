import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import { createJournalTestbed, type JournalTestbed, user } from '../journal-testbed.test.fixture.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd } from '../steps-port.ts'

let testbed: JournalTestbed
beforeEach(async () => {
  testbed = await createJournalTestbed()
})
afterEach(() => testbed.close())

type Program = (recorder: Recorder) => Promise<Json>

/** One process: it executes the step, and dies where the program never ends. */
async function process(program: Program, { restarted = true } = {}): Promise<StepEnd | 'dead'> {
  const instance = testbed.instance()
  const end = instance.steps.execute(testbed.spec('step:1', { restarted }), program)
  const killed = new Promise<'dead'>((resolve) => testbed.clock.after(50, () => resolve('dead')))
  const first = await testbed.during(Promise.race([end, killed]))
  instance.mortal.kill()
  return first
}
const reports = async () => (await testbed.instance().inbox.read(user, 'run:1', 10)).map(({ body }) => body)

describe('a step whose process ends at each start', () => {
  it('is started five times, then fails with step.crashed', async () => {
    let executions = 0
    const program: Program = () => {
      executions++
      return new Promise(() => {})
    }
    expect(await process(program, { restarted: false })).toBe('dead')
    for (let restart = 1; restart < 5; restart++) expect(await process(program)).toBe('dead')
    expect(executions).toBe(5)
    const end = await process(program)
    expect(end).toMatchObject({ status: 'failed', error: { code: 'step.crashed' } })
    expect(executions).toBe(5)
    expect(await reports()).toMatchObject([{ error: { code: 'step.crashed' } }])
  })

  it('is started again as long as it records something between', async () => {
    let ends = 8
    const program: Program = async (recorder) => {
      for (let part = 1; part <= 8; part++) {
        await recorder.effect(`part ${part}`, { class: 'at-most-once' }, () => part)
        if (part > 8 - ends) {
          ends--
          await new Promise(() => {})
        }
      }
      return 'all'
    }
    for (let restart = 0; restart < 8; restart++) expect(await process(program)).toBe('dead')
    expect(await process(program)).toEqual({ status: 'completed', outcome: 'all' })
  })

  it('is started again without a limit where each process stops it in order', async () => {
    for (let restart = 0; restart < 8; restart++) {
      const instance = testbed.instance()
      const spec = testbed.spec('step:1', { restarted: true })
      const end = instance.steps.execute(spec, async (recorder) => {
        await new Promise((_, reject) => recorder.signal.addEventListener('abort', reject))
        return null
      })
      await testbed.during(new Promise<void>((resolve) => testbed.clock.after(20, resolve)))
      await testbed.during(instance.steps.close())
      expect(await end).toEqual({ status: 'parked', waits: [] })
    }
    expect(await process(async () => 'done')).toEqual({ status: 'completed', outcome: 'done' })
  })
})
