import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import {
  appliedWrites,
  createJournalTestbed,
  type Instance,
  type JournalTestbed,
  keyValuesOf,
  user,
  writeBook,
} from '../journal-testbed.test.fixture.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd, StepSpec } from '../steps-port.ts'

let testbed: JournalTestbed
let instance: Instance
beforeEach(async () => {
  testbed = await createJournalTestbed()
  instance = testbed.instance()
})
afterEach(() => testbed.close())

type Program = (recorder: Recorder) => Promise<Json>
const spec = (more: Partial<StepSpec> = {}) => testbed.spec('step:1', more)
const run = (on: Instance, program: Program, more?: Partial<StepSpec>): Promise<StepEnd> =>
  testbed.during(on.steps.execute(spec(more), program))
const ask = (on: Instance, recorder: Recorder, name: string, timeoutMs?: number) =>
  recorder.wait({
    call: { kind: 'ask', name },
    input: name,
    notify: (address) => on.inbox.put(user, 'run:1', 'step:1', `ask:${address}`, address),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
const answer = (on: Instance, call: string, value: Json) =>
  testbed.storage.commit({ id: null, scope: { user }, ...on.steps.answer(user, 'step:1', call, { value }) })
/** Returns the rows of `work` that are not of a run. */
const stepRows = async () => {
  const sql = "select journal_id from work where journal_id not like 'run:%'"
  return (await testbed.storage.read({ work: true }, [{ sql, binds: [], returns: true }])).flat()
}
const pause = () => testbed.during(new Promise<void>((resolve) => testbed.clock.after(20, resolve)))

describe('a step that waits', () => {
  it('A waiting step commits its turn with its question, and parks.', async () => {
    const end = await run(instance, async (recorder) => {
      keyValuesOf(instance.storage).push(recorder, 'k', 1)
      return ask(instance, recorder, 'q')
    })
    expect(end).toEqual({ status: 'parked', waits: ['/ask:q#1'] })
    expect(await appliedWrites(testbed.storage)).toEqual(['k=1'])
    expect((await instance.inbox.read(user, 'run:1', 10)).map((row) => row.body)).toEqual(['/ask:q#1'])
    expect(instance.mortal.commits).toBe(1)
  })

  it('A step that is abandoned while it waits leaves no rows after its retention, however late its timer or an answer is.', async () => {
    const dayMs = 86_400_000
    const { clock, storage } = testbed
    await run(instance, async (recorder) => ask(instance, recorder, 'q', 40 * dayMs))
    const abandoned = instance.steps.abandon(user, ['step:1'], 30 * dayMs)
    await storage.commit({ id: null, scope: { user }, ...abandoned })
    clock.skip('31d')
    expect(await instance.journals.cleanup(10)).toBe(1)
    await answer(instance, '/ask:q#1', 42)
    clock.skip('10d')
    await clock.advance('10m')
    const { tables } = await storage.sizes()
    expect(tables).toMatchObject({ journals: 0, timers: 0, timers_due: 0, journals_ended: 0 })
    // The row of the question to the run, and the rows of the runs of the testbed.
    expect(tables.inbox).toBe(1)
    expect(await stepRows()).toEqual([])
  })

  it('A step that waits does not park while it does work that is not recorded.', async () => {
    const end = await run(instance, async (recorder) => {
      const answered = ask(instance, recorder, 'q')
      await recorder.commit()
      await recorder.work(() => new Promise<void>((resolve) => testbed.clock.after(20, resolve)))
      await answer(instance, '/ask:q#1', 42)
      return answered
    })
    expect(end).toEqual({ status: 'completed', outcome: 42 })
  })

  it('A waiting step that is cached continues with the answer, and is not executed again.', async () => {
    let executions = 0
    const program: Program = async (recorder) => {
      executions++
      return ask(instance, recorder, 'q')
    }
    await run(instance, program)
    await answer(instance, '/ask:q#1', 42)
    await pause()
    expect(await run(instance, program)).toEqual({ status: 'completed', outcome: 42 })
    expect(executions).toBe(1)
  })

  it('A waiting step whose continuation was evicted is executed again with its answer.', async () => {
    let executions = 0
    const small = testbed.instance({ limits: { continuations: 0 } })
    let signal: AbortSignal | undefined
    let finallyRan = false
    const program: Program = async (recorder) => {
      executions++
      signal ??= recorder.signal
      try {
        return await ask(small, recorder, 'q')
      } finally {
        finallyRan = executions === 1
      }
    }
    await run(small, program)
    expect(signal?.aborted && signal.reason).toBe('parked')
    await answer(small, '/ask:q#1', 42)
    expect(await run(small, program)).toEqual({ status: 'completed', outcome: 42 })
    expect(executions).toBe(2)
    expect(finallyRan).toBe(false)
  })

  it('A waiting step is executed again by another process with its answers.', async () => {
    const program =
      (on: Instance): Program =>
      async (recorder) => {
        const first = await ask(on, recorder, 'one')
        const second = await ask(on, recorder, 'two')
        return [first, second]
      }
    await run(instance, program(instance))
    instance.mortal.kill()
    const other = testbed.instance()
    await answer(other, '/ask:one#1', 1)
    expect(await run(other, program(other))).toEqual({ status: 'parked', waits: ['/ask:two#1'] })
    await answer(other, '/ask:two#1', 2)
    await pause()
    const third = testbed.instance()
    expect(await run(third, program(third))).toEqual({ status: 'completed', outcome: [1, 2] })
    expect((await other.inbox.read(user, 'run:1', 10)).map((row) => row.name)).toEqual([
      'ask:/ask:one#1',
      'ask:/ask:two#1',
      'end',
    ])
  })

  it('A waiting step that is executed again without an answer parks again, without a commit.', async () => {
    const program: Program = (recorder) => ask(instance, recorder, 'q')
    await run(instance, program)
    const before = instance.mortal.commits
    expect(await run(instance, program)).toEqual({ status: 'parked', waits: ['/ask:q#1'] })
    expect(instance.mortal.commits).toBe(before)
  })

  it('A waiting step takes the first answer and ignores a second one.', async () => {
    const program: Program = async (recorder) => {
      const first = await ask(instance, recorder, 'q')
      const other = await ask(instance, recorder, 'other')
      return [first, other]
    }
    await run(instance, program)
    await answer(instance, '/ask:q#1', 'first')
    await pause()
    await answer(instance, '/ask:q#1', 'second')
    await answer(instance, '/ask:other#1', 'other')
    await pause()
    expect(await run(instance, program)).toEqual({ status: 'completed', outcome: ['first', 'other'] })
  })

  it('A waiting step can be answered by an error.', async () => {
    const program: Program = async (recorder) => ask(instance, recorder, 'q').catch((error: Error) => error.message)
    await run(instance, program)
    const error = { name: 'AgentError', code: 'agent.failed', message: 'rejected', retryable: false }
    await testbed.storage.commit({
      id: null,
      scope: { user },
      ...instance.steps.answer(user, 'step:1', '/ask:q#1', { error }),
    })
    await pause()
    expect(await run(instance, program)).toEqual({ status: 'completed', outcome: 'rejected' })
  })

  it('A waiting step times out by a durable timer, also in another process.', async () => {
    const program =
      (on: Instance): Program =>
      async (recorder) =>
        ask(on, recorder, 'q', 60_000).catch((error: Error) => `${error.name} ${error.message}`)
    expect(await run(instance, program(instance))).toMatchObject({ status: 'parked' })
    instance.mortal.kill()
    await testbed.clock.advance('30s')
    const other = testbed.instance()
    expect(await run(other, program(other))).toMatchObject({ status: 'parked' })
    await testbed.clock.advance('59s')
    expect(await run(other, program(other))).toMatchObject({ status: 'parked' })
    await testbed.clock.advance('2s')
    expect(await run(other, program(other))).toEqual({
      status: 'completed',
      outcome: expect.stringMatching(/^TimeoutError/),
    })
  })

  it.each([
    ['ask', 'approval', 'The answer to an approval'],
    ['ask', 'question', 'The answer to a question'],
    ['request', 'note to A', 'The request note to A'],
  ])('A step that waits as %s:%s names in its timeout error what took too long.', async (kind, name, words) => {
    const program: Program = (recorder) => {
      const notify = () => ({ statements: [] })
      const wait = { call: { kind, name }, input: name, notify, timeoutMs: 60_000 }
      return recorder.body('inner', (inner) => inner.wait(wait)).catch((error: Error) => error.message)
    }
    await run(instance, program)
    await testbed.clock.advance('1m')
    await pause()
    const late = `${words} took longer than its wait timeout of 1m.`
    expect(await run(instance, program)).toEqual({ status: 'completed', outcome: late })
  })
  it('A waiting step that is answered clears the timer of its wait.', async () => {
    const program: Program = async (recorder) => {
      const first = await ask(instance, recorder, 'q', 1_000)
      const last = await ask(instance, recorder, 'last')
      return [first, last]
    }
    await run(instance, program)
    await answer(instance, '/ask:q#1', 'in time')
    await testbed.clock.advance('5s')
    expect(await instance.inbox.read(user, 'step:1', 10)).toEqual([])
    await answer(instance, '/ask:last#1', 'end')
    await pause()
    expect(await run(instance, program)).toEqual({ status: 'completed', outcome: ['in time', 'end'] })
  })

  it('A waiting step does not park while another of its calls is in progress.', async () => {
    const program: Program = async (recorder) => {
      const slow = recorder.effect('slow', { class: 'idempotent' }, async () => {
        await new Promise<void>((resolve) => testbed.clock.after(200, resolve))
        return 'slow'
      })
      return Promise.all([ask(instance, recorder, 'q'), slow])
    }
    const start = testbed.clock.now()
    const end = await run(instance, program)
    expect(testbed.clock.now() - start).toBeGreaterThanOrEqual(200)
    expect(end).toEqual({ status: 'parked', waits: ['/ask:q#1'] })
    expect(await instance.steps.effects(user, 'step:1')).toMatchObject([{ state: 'done' }])
  })

  it('A waiting step may be answered after the body that asked has returned, and is executed again.', async () => {
    const program =
      (on: Instance): Program =>
      async (recorder) => {
        const tool = await recorder.body('tool', async (inner) => {
          const asked = ask(on, inner, 'inner')
          const quick = inner.effect('quick', { class: 'read' }, async () => {
            await new Promise<void>((resolve) => testbed.clock.after(20, resolve))
            return 'quick'
          })
          return Promise.race([asked, quick])
        })
        return [tool, await ask(on, recorder, 'outer')]
      }
    expect(await run(instance, program(instance))).toMatchObject({ status: 'parked' })
    await answer(instance, 'tool/ask:inner#1', 'late')
    await pause()
    instance.mortal.kill()
    const other = testbed.instance()
    await answer(other, '/ask:outer#1', 'outer')
    expect(await run(other, program(other))).toEqual({ status: 'completed', outcome: ['quick', 'outer'] })
  })

  it('A waiting step in a turn that fails asks only once the turn commits.', async () => {
    await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 0) })
    let meddled = 0
    const program: Program = async (recorder) => {
      const { version } = await keyValuesOf(instance.storage).get(recorder, 'k')
      if (meddled++ === 0) await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 1) })
      keyValuesOf(instance.storage).push(recorder, 'k', 'mine', version)
      return ask(instance, recorder, 'q')
    }
    expect(await run(instance, program)).toMatchObject({ status: 'parked' })
    expect(await instance.inbox.read(user, 'run:1', 10)).toHaveLength(1)
    expect(meddled).toBe(2)
  })

  it('A waiting step that asks another question at a replay is `code.changed`.', async () => {
    const first = testbed.instance()
    await run(first, (recorder) =>
      recorder.wait({ call: { kind: 'ask', name: 'q' }, input: 'one', notify: () => ({ statements: [] }) }),
    )
    first.mortal.kill()
    const other = testbed.instance()
    const end = await run(other, (recorder) =>
      recorder.wait({ call: { kind: 'ask', name: 'q' }, input: 'two', notify: () => ({ statements: [] }) }),
    )
    expect(end).toMatchObject({ status: 'code.changed' })
  })
})

describe('closing', () => {
  it('The close of a process drops parked steps, records running effects, and loses nothing.', async () => {
    const own = testbed.instance()
    const parked = own.steps.execute(spec(), (recorder) => ask(own, recorder, 'q'))
    await testbed.during(parked)
    const running = own.steps.execute(testbed.spec('step:2'), (recorder) =>
      recorder.effect('slow', { class: 'at-most-once' }, async () => {
        await new Promise<void>((resolve) => testbed.clock.after(50, resolve))
        return 'slow'
      }),
    )
    await pause()
    await testbed.during(own.steps.close())
    expect(await running).toEqual({ status: 'parked', waits: [] })
    own.mortal.kill()
    const other = testbed.instance()
    const end = await testbed.during(
      other.steps.execute(testbed.spec('step:2'), (recorder) =>
        recorder.effect('slow', { class: 'at-most-once' }, () => 'never'),
      ),
    )
    expect(end).toEqual({ status: 'completed', outcome: 'slow' })
    await expect(own.steps.execute(testbed.spec('step:3'), async () => 1)).rejects.toMatchObject({
      code: 'troupe.closed',
    })
  })
})
