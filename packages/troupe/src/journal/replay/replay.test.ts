import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
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
import type { StepEnd } from '../steps-port.ts'

let testbed: JournalTestbed
beforeEach(async () => {
  testbed = await createJournalTestbed()
})
afterEach(() => testbed.close())

type Program = (recorder: Recorder) => Promise<Json>
const run = (instance: Instance, program: Program, id = 'step:1'): Promise<StepEnd | 'dead'> =>
  testbed.during(Promise.race([instance.steps.execute(testbed.spec(id), program), instance.mortal.death]))
const never = () => new Promise<never>(() => {})

/** Runs a program that kills its process, leaving a record behind. */
async function begin(
  program: (recorder: Recorder, kill: () => Promise<never>, instance: Instance) => Promise<Json>,
): Promise<void> {
  const instance = testbed.instance()
  const kill = () => {
    instance.mortal.kill()
    return never()
  }
  expect(await run(instance, (recorder) => program(recorder, kill, instance))).toBe('dead')
}

describe('a re-entry', () => {
  it('A replay answers reads from the record although the stored values have changed.', async () => {
    await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'old') })
    const program = (instance: Instance) => async (recorder: Recorder) => {
      const { value } = await keyValuesOf(instance.storage).get(recorder, 'k')
      const draw = recorder.answerNow({ kind: 'random', name: '' }, () => testbed.clock.now())
      await recorder.effect('e', { class: 'at-most-once' }, () => 1)
      return [value, draw]
    }
    await begin(async (recorder, kill, instance) => {
      await program(instance)(recorder)
      return kill()
    })
    const then = testbed.clock.now()
    await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'new') })
    await testbed.clock.advance('1h')
    const second = testbed.instance()
    const end = await run(second, program(second))
    expect(end).toMatchObject({ status: 'completed', outcome: ['old', expect.any(Number)] })
    expect((end as unknown as { outcome: [string, number] }).outcome[1]).toBeLessThanOrEqual(then)
  })

  it('A replay does not stage again what a committed turn contains.', async () => {
    const staged: boolean[] = []
    const program = async (recorder: Recorder, instance: Instance) => {
      staged.push(keyValuesOf(instance.storage).push(recorder, 'k', 1))
      await recorder.commit()
      return null
    }
    await begin(async (recorder, kill, instance) => {
      await program(recorder, instance)
      return kill()
    })
    const second = testbed.instance()
    expect(await run(second, (recorder) => program(recorder, second))).toEqual({ status: 'completed', outcome: null })
    expect(staged).toEqual([true, false])
    expect(await appliedWrites(testbed.storage)).toEqual(['k=1'])
  })

  it('A replay gives a race the same winner, even if its loser is faster now.', async () => {
    const program = (first: number, second: number) => async (recorder: Recorder) => {
      const after = (ms: number, name: string) => () =>
        new Promise<string>((resolve) => testbed.clock.after(ms, () => resolve(name)))
      const one = recorder.effect('one', { class: 'read' }, after(first, 'one'))
      const two = recorder.effect('two', { class: 'read' }, after(second, 'two'))
      const winner = await Promise.race([one, two])
      await Promise.all([one, two])
      await recorder.effect('paid', { class: 'at-most-once' }, () => 1)
      return winner
    }
    await begin(async (recorder, kill) => {
      await program(50, 5)(recorder)
      return kill()
    })
    expect(await run(testbed.instance(), program(5, 50))).toEqual({ status: 'completed', outcome: 'two' })
  })

  it('A replay answers a body with a committed turn from the record, and executes one without.', async () => {
    const ran: string[] = []
    const program = (instance: Instance) => async (recorder: Recorder) => {
      const keyValues = keyValuesOf(instance.storage)
      const tool = (name: string) =>
        recorder.body(name, async (inner) => {
          ran.push(name)
          keyValues.push(inner, name, 1)
          return inner.effect(`in ${name}`, { class: 'idempotent' }, () => name)
        })
      const one = await tool('one')
      await recorder.commit()
      const two = await tool('two')
      await recorder.effect('claims', { class: 'at-most-once' }, () => 1)
      return [one, two]
    }
    await begin(async (recorder, kill, instance) => {
      await program(instance)(recorder)
      return kill()
    })
    const second = testbed.instance()
    expect(await run(second, program(second))).toEqual({ status: 'completed', outcome: ['one', 'two'] })
    expect(ran).toEqual(['one', 'two', 'two'])
    expect(await appliedWrites(testbed.storage)).toEqual(['one=1', 'two=1'])
  })

  it('A replay that leaves a record unread at the end is `code.changed`, and names the record.', async () => {
    await begin(async (recorder, kill) => {
      await recorder.effect('gone', { class: 'at-most-once' }, () => 1)
      return kill()
    })
    const end = await run(testbed.instance(), async () => 'another code')
    expect(end).toMatchObject({ status: 'code.changed', problem: expect.stringContaining('/effect:gone#1') })
    expect(
      await testbed
        .instance()
        .steps.execute(testbed.spec('step:1'), (recorder) =>
          recorder.effect('gone', { class: 'at-most-once' }, () => 2),
        ),
    ).toEqual({
      status: 'completed',
      outcome: 1,
    })
  })

  it('A replay that never asks for the next record, while another call waits, is `code.changed`.', async () => {
    await begin(async (recorder, kill) => {
      await recorder.effect('gone', { class: 'at-most-once' }, () => 1)
      return kill()
    })
    const end = await run(testbed.instance(), async (recorder) =>
      recorder.effect('new', { class: 'at-most-once' }, () => 2),
    )
    expect(end).toMatchObject({ status: 'code.changed', problem: expect.stringContaining('/effect:gone#1') })
  })

  it('A replay keeps its process alive until it detects that the next record is never asked for.', async () => {
    await begin(async (recorder, kill) => {
      await recorder.effect('gone', { class: 'at-most-once' }, () => 1)
      return kill()
    })
    const timers = vi.spyOn(testbed.clock, 'after')
    await run(testbed.instance(), async (recorder) => recorder.effect('new', { class: 'at-most-once' }, () => 2))
    const stalled = timers.mock.calls.filter(([ms]) => ms === 1_000)
    expect(stalled.map(([, , options]) => options?.background ?? false)).toEqual(Array(10).fill(false))
  })

  it('A replay that omits a committed write is `code.changed`.', async () => {
    await begin(async (recorder, kill, instance) => {
      keyValuesOf(instance.storage).push(recorder, 'k', 1)
      await recorder.commit()
      return kill()
    })
    const end = await run(testbed.instance(), async (recorder) => {
      await recorder.commit()
      return null
    })
    expect(end).toMatchObject({ status: 'code.changed', problem: expect.stringContaining('/push:k#1') })
  })

  it('A replay with another input names the input in its problem.', async () => {
    await begin(async (recorder, kill) => {
      await recorder.effect('gone', { class: 'at-most-once' }, () => 1)
      return kill()
    })
    const end = await testbed.during(
      testbed.instance().steps.execute(testbed.spec('step:1', { input: { other: true } }), async () => null),
    )
    expect(end).toMatchObject({ status: 'code.changed', problem: expect.stringContaining('its input is another') })
  })

  it('A replay executes pure effects again, because they have no record.', async () => {
    let pure = 0
    const program = async (recorder: Recorder) => {
      await recorder.effect('count', { class: 'pure' }, () => ++pure)
      await recorder.effect('e', { class: 'at-most-once' }, () => 1)
      return null
    }
    await begin(async (recorder, kill) => {
      await program(recorder)
      return kill()
    })
    await run(testbed.instance(), program)
    expect(pure).toBe(2)
  })

  it('A replay repeats a recorded rejection even if the claim would be accepted now.', async () => {
    let allowed = false
    const claim = () => ({
      statements: allowed
        ? []
        : [
            {
              sql: 'delete from key_values where user_id = ?',
              binds: ['nobody'],
              expect: { rows: 1 },
              otherwise: 'budget.exceeded' as const,
            },
          ],
    })
    const program = async (recorder: Recorder) => {
      const code = await recorder
        .effect('dear', { class: 'idempotent', claim }, () => 'done')
        .catch((error: { code: string }) => error.code)
      await recorder.effect('then', { class: 'at-most-once' }, () => 1)
      return code
    }
    await begin(async (recorder, kill) => {
      await program(recorder)
      return kill()
    })
    allowed = true
    expect(await run(testbed.instance(), program)).toEqual({ status: 'completed', outcome: 'budget.exceeded' })
  })
})

describe('a writer', () => {
  it('A writer whose journal was taken over is lost, and changes nothing.', async () => {
    const gate = Promise.withResolvers<void>()
    const [first, second] = [testbed.instance({ owner: 'one' }), testbed.instance({ owner: 'two' })]
    const program = (instance: Instance, waits: boolean) => async (recorder: Recorder) => {
      keyValuesOf(instance.storage).push(recorder, 'before', 1)
      await recorder.commit()
      if (waits) await gate.promise
      await recorder.effect('e', { class: 'idempotent' }, () => 1)
      keyValuesOf(instance.storage).push(recorder, 'after', waits ? 'frozen' : 'taken over')
      return waits ? 'frozen' : 'taken over'
    }
    const frozen = first.steps.execute(testbed.spec('step:1'), program(first, true))
    await testbed.during(new Promise<void>((resolve) => testbed.clock.after(20, resolve)))
    expect(await run(second, program(second, false))).toEqual({ status: 'completed', outcome: 'taken over' })
    gate.resolve()
    expect(await testbed.during(frozen)).toEqual({ status: 'lost' })
    expect(await appliedWrites(testbed.storage)).toEqual(['before=1', 'after="taken over"'])
    expect(await second.inbox.read(user, 'run:1', 10)).toHaveLength(1)
  })

  it('A writer whose first append comes second is lost.', async () => {
    const gate = Promise.withResolvers<void>()
    const [first, second] = [testbed.instance(), testbed.instance()]
    const slow = first.steps.execute(testbed.spec('step:1'), async () => gate.promise.then(() => 'slow'))
    await testbed.during(new Promise<void>((resolve) => testbed.clock.after(20, resolve)))
    await run(second, async () => 'quick')
    gate.resolve()
    expect(await testbed.during(slow)).toEqual({ status: 'lost' })
  })

  it('A writer that lost its journal is notified by its abort signal.', async () => {
    const gate = Promise.withResolvers<void>()
    const [first, second] = [testbed.instance(), testbed.instance()]
    let signal: AbortSignal | undefined
    const frozen = first.steps.execute(testbed.spec('step:1'), async (recorder) => {
      signal = recorder.signal
      await recorder.effect('a', { class: 'at-most-once' }, () => 1)
      await gate.promise
      await recorder.effect('b', { class: 'at-most-once' }, () => 1)
      return null
    })
    await testbed.during(new Promise<void>((resolve) => testbed.clock.after(20, resolve)))
    await testbed.during(second.journals.takeOver(user, 'step:1', 1))
    gate.resolve()
    expect(await testbed.during(frozen)).toEqual({ status: 'lost' })
    expect(signal?.reason).toMatchObject({ code: 'journal.lost' })
  })
})

describe('a cancelled step', () => {
  it('A cancelled step aborts its signal, awaits its effects and records only them.', async () => {
    const instance = testbed.instance()
    const cancel = new AbortController()
    let aborted = false
    const end = instance.steps.execute(testbed.spec('step:1', { signal: cancel.signal }), async (recorder) => {
      keyValuesOf(instance.storage).push(recorder, 'k', 1)
      await recorder.effect('e', { class: 'at-most-once' }, async ({ signal }) => {
        await new Promise<void>((resolve) => testbed.clock.after(50, resolve))
        aborted = signal.aborted
        return 'done late'
      })
      return null
    })
    testbed.clock.after(20, () => cancel.abort())
    expect(await testbed.during(end)).toEqual({ status: 'cancelled' })
    expect(aborted).toBe(true)
    expect(await instance.steps.effects(user, 'step:1')).toMatchObject([{ state: 'done', output: 'done late' }])
    expect(await appliedWrites(testbed.storage)).toEqual([])
    expect(await instance.inbox.read(user, 'run:1', 10)).toEqual([])
  })

  it('A cancelled step ends at any moment, and starts nothing afterwards.', async () => {
    for (let macrotasks = 0; macrotasks < 30; macrotasks++) {
      const instance = testbed.instance()
      const cancel = new AbortController()
      const started: string[] = []
      const end = instance.steps.execute(
        testbed.spec(`step:${macrotasks}`, { signal: cancel.signal }),
        async (recorder) => {
          await keyValuesOf(instance.storage).get(recorder, 'k')
          for (let i = 0; i < 3; i++)
            await Promise.all([
              recorder.effect('paid', { class: 'at-most-once' }, () => void started.push('paid')),
              recorder.effect('mail', { class: 'idempotent' }, () => void started.push('mail')),
            ])
          return null
        },
      )
      const cut = (left: number): unknown => (left === 0 ? cancel.abort() : setImmediate(() => cut(left - 1)))
      cut(macrotasks)
      const { status } = await testbed.during(end)
      const atEnd = started.length
      expect(['cancelled', 'completed']).toContain(status)
      const effects = await instance.steps.effects(user, `step:${macrotasks}`)
      expect(
        effects.filter((effect) => effect.state === 'claimed'),
        `moment ${macrotasks}`,
      ).toEqual([])
      await testbed.clock.advance('1s')
      expect(started.length).toBe(atEnd)
    }
  })

  it('A cancelled step gets `cancelled` from its open calls, may clean up, and is rejected later calls.', async () => {
    const instance = testbed.instance()
    const cancel = new AbortController()
    const seen: unknown[] = []
    const end = instance.steps.execute(testbed.spec('step:1', { signal: cancel.signal }), async (recorder) => {
      const slow = () => new Promise<void>((resolve) => testbed.clock.after(50, resolve))
      try {
        await recorder.effect('slow', { class: 'idempotent' }, slow)
      } catch (error) {
        seen.push((error as { code: string }).code)
        await recorder.commit().catch((rejection: { code: string }) => seen.push(rejection.code))
      }
      return null
    })
    testbed.clock.after(10, () => cancel.abort())
    expect(await testbed.during(end)).toEqual({ status: 'cancelled' })
    expect(seen).toEqual(['cancelled', 'cancelled'])
  })

  it('A cancelled step whose run has fenced its journal still records its effects.', async () => {
    const instance = testbed.instance()
    const end = instance.steps.execute(testbed.spec('step:1'), async (recorder) => {
      keyValuesOf(instance.storage).push(recorder, 'k', 1)
      const result = await recorder.effect('e', { class: 'at-most-once' }, async () => {
        await new Promise<void>((resolve) => testbed.clock.after(50, resolve))
        return 'done late'
      })
      keyValuesOf(instance.storage).push(recorder, 'k', 2)
      return result
    })
    testbed.clock.after(
      20,
      () => void testbed.storage.commit({ id: null, scope: { user }, ...instance.journals.fence(user, ['step:1']) }),
    )
    expect(await testbed.during(end)).toEqual({ status: 'cancelled' })
    expect(await instance.steps.effects(user, 'step:1')).toMatchObject([{ state: 'done', output: 'done late' }])
    expect(await appliedWrites(testbed.storage)).toEqual([])
  })

  it('A cancelled step that had not started cannot start.', async () => {
    const instance = testbed.instance()
    await testbed.storage.commit({ id: null, scope: { user }, ...instance.journals.fence(user, ['step:1']) })
    expect(await run(instance, async () => 'too late')).toEqual({ status: 'cancelled' })
    expect(await instance.inbox.read(user, 'run:1', 10)).toEqual([])
  })

  it('A step that was cancelled before its execution does nothing.', async () => {
    const instance = testbed.instance()
    let ran = false
    const end = await testbed.during(
      instance.steps.execute(testbed.spec('step:1', { signal: AbortSignal.abort() }), async () => {
        ran = true
        return null
      }),
    )
    expect([end, ran]).toEqual([{ status: 'cancelled' }, false])
  })
})
