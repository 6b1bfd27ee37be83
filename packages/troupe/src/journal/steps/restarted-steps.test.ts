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
  const end = instance.steps.execute(testbed.spec('step:1', restarted ? { entry: 'restart' } : {}), program)
  const killed = new Promise<'dead'>((resolve) => testbed.clock.after(50, () => resolve('dead')))
  const first = await testbed.during(Promise.race([end, killed]))
  instance.mortal.kill()
  return first
}
const reports = async () => (await testbed.instance().inbox.read(user, 'run:1', 10)).map(({ body }) => body)

describe('a step whose process ends at each start', () => {
  it('A step whose process ends at each start is started five times, and then fails with `step.crashed`.', async () => {
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

  it('A step whose process ends at each start is restarted as long as each execution records something.', async () => {
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

  it('A step whose process closes in order at each start is restarted without a limit.', async () => {
    for (let restart = 0; restart < 8; restart++) {
      const instance = testbed.instance()
      const spec = testbed.spec('step:1', { entry: 'restart' })
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

  it('A step that kills its process fails with step.crashed, and nine beside it complete, each after few restarts.', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `step:${i}`)
    const ends = new Map<string, StepEnd>()
    let lives = 0
    while (ends.size < names.length && lives < 20) {
      const instance = testbed.instance()
      const dies = Promise.withResolvers<void>()
      const wait = (ms: number) => new Promise<void>((resolve) => testbed.clock.after(ms, resolve))
      const left = names.filter((name) => !ends.has(name))
      const executing = left.map(async (name) => {
        const spec = testbed.spec(name, lives > 0 ? { entry: 'restart' } : {})
        const end = await instance.steps.execute(spec, async () => {
          await wait(name === 'step:3' ? 20 : 30)
          if (name === 'step:3') dies.resolve()
          await wait(name === 'step:3' ? 1_000 : 0)
          return name
        })
        ends.set(name, end)
      })
      lives++
      await testbed.during(Promise.race([Promise.all(executing), dies.promise]))
      instance.mortal.kill()
    }
    const statuses = names.map((name) => ends.get(name)?.status)
    expect(statuses).toEqual(names.map((name) => (name === 'step:3' ? 'failed' : 'completed')))
    expect(ends.get('step:3')).toMatchObject({ error: { code: 'step.crashed' } })
    expect(lives).toBe(6)
  })

  it('A suspected step that is cancelled while it waits for its turn is cancelled at once.', async () => {
    const hangs: Program = () => new Promise(() => {})
    for (const restarted of [false, true]) {
      const instance = testbed.instance()
      for (const name of ['step:1', 'step:2'])
        void instance.steps.execute(testbed.spec(name, restarted ? { entry: 'restart' } : {}), hangs)
      await testbed.during(new Promise<void>((resolve) => testbed.clock.after(20, resolve)))
      instance.mortal.kill()
    }
    const instance = testbed.instance()
    const begun: string[] = []
    const begins = (name: string): Program => {
      return () => {
        begun.push(name)
        return new Promise(() => {})
      }
    }
    const controller = new AbortController()
    void instance.steps.execute(testbed.spec('step:1', { entry: 'restart' }), begins('step:1'))
    const second = testbed.spec('step:2', { entry: 'restart', signal: controller.signal })
    const end = instance.steps.execute(second, begins('step:2'))
    await testbed.during(new Promise<void>((resolve) => testbed.clock.after(20, resolve)))
    controller.abort()
    expect(await testbed.during(end)).toEqual({ status: 'cancelled' })
    expect(begun).toEqual(['step:1'])
    instance.mortal.kill()
  })

  it.each(['an answer', 'the resolution of an effect'])(
    'A suspected step that waits for %s makes room for the next one.',
    async (what) => {
      const wait = (ms: number) => new Promise<void>((resolve) => testbed.clock.after(ms, resolve))
      const ends: (StepEnd['status'] | undefined)[] = []
      for (let restarts = 0; restarts < 4; restarts++) {
        const { steps, inbox, mortal } = testbed.instance()
        const waits: Program = (recorder) =>
          what === 'an answer'
            ? recorder.wait({
                call: { kind: 'request', name: 'ask' },
                input: null,
                notify: (address) => inbox.put(user, 'run:1', 'step:1', `ask ${address}`, null),
              })
            : recorder.effect('pay', { class: 'at-most-once' }, () => new Promise(() => {}))
        const hangs: Program = () => (restarts === 3 ? Promise.resolve('done') : new Promise(() => {}))
        const execute = async (step: string, program: Program) => {
          const spec = testbed.spec(step, { entry: restarts === 0 ? 'first' : 'restart' })
          const end = await testbed.during(Promise.race([steps.execute(spec, program), wait(50)]))
          if (restarts === 3) ends.push(end?.status)
        }
        await execute('step:1', waits)
        await execute('step:2', hangs)
        mortal.kill()
      }
      expect(ends).toEqual([what === 'an answer' ? 'parked' : 'uncertain', 'completed'])
    },
  )

  it('A suspected step that executes an effect for a minute makes room for the next one.', async () => {
    const wait = (ms: number) => new Promise<void>((resolve) => testbed.clock.after(ms, resolve))
    const begun: [string, number][] = []
    for (let restarts = 0; restarts < 3; restarts++) {
      const { steps, mortal } = testbed.instance()
      const from = testbed.clock.now()
      for (const step of ['step:1', 'step:2']) {
        const spec = testbed.spec(step, { entry: restarts === 0 ? 'first' : 'restart' })
        void steps.execute(spec, (recorder) => {
          if (restarts === 2) begun.push([step, Math.floor((testbed.clock.now() - from) / 1_000)])
          return recorder.effect('ask', { class: 'idempotent' }, () => new Promise(() => {}))
        })
      }
      await testbed.during(wait(restarts === 2 ? 90_000 : 50))
      mortal.kill()
    }
    expect(begun).toEqual([
      ['step:1', 0],
      ['step:2', 60],
    ])
  })
})
