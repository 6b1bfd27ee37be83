import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Json, ProcessingError } from '../../core/index.ts'
import {
  appliedWrites,
  createJournalTestbed,
  type Instance,
  type JournalTestbed,
  keyValuesOf,
  user,
} from '../journal-testbed.test.fixture.ts'
import type { Recorder } from '../recorder-port.ts'

let testbed: JournalTestbed
let instance: Instance
let keyValues: ReturnType<typeof keyValuesOf>

beforeEach(async () => {
  testbed = await createJournalTestbed()
  instance = testbed.instance()
  keyValues = keyValuesOf(instance.storage)
})
afterEach(() => testbed.close())

const run = (id: string, program: (recorder: Recorder) => Promise<Json>, on = instance) =>
  testbed.during(on.steps.execute(testbed.spec(id), program))
const ends = async () => (await instance.inbox.read(user, 'run:1', 100)).map((row) => [row.from, row.body])

describe('a step', () => {
  it('A step without durable calls commits one change.', async () => {
    const before = instance.mortal.commits
    expect(await run('step:1', async () => 7)).toEqual({ status: 'completed', outcome: 7 })
    expect(instance.mortal.commits - before).toBe(1)
    expect(await ends()).toEqual([['step:1', 7]])
    expect((await instance.journals.load(user, 'step:1'))?.closed).toBe(true)
  })

  it('A completed step is answered from its record, and is not executed again.', async () => {
    await run('step:1', async () => ({ a: 1 }))
    let runs = 0
    const repeated = await run('step:1', async () => ++runs)
    expect(repeated).toEqual({ status: 'completed', outcome: { a: 1 } })
    expect(runs).toBe(0)
  })

  it('A step that is executed twice at once is carried out once.', async () => {
    let runs = 0
    const program = async () => ++runs
    const [one, two] = await testbed.during(
      Promise.all([
        instance.steps.execute(testbed.spec('step:1'), program),
        instance.steps.execute(testbed.spec('step:1'), program),
      ]),
    )
    expect(one).toEqual(two)
    expect(runs).toBe(1)
  })

  it('A step rejects calls after its return.', async () => {
    let captured: Recorder | undefined
    await run('step:1', async (recorder) => {
      captured = recorder
      return null
    })
    const late = [
      captured?.answer({ kind: 'get', name: 'k' }, () => 1),
      captured?.effect('e', { class: 'at-most-once' }, () => 1),
      captured?.commit(),
    ]
    for (const call of late) await expect(call).rejects.toMatchObject({ code: 'step.over' })
  })

  it('A step whose outcome is larger than a record may be fails with that error, and is not repeated.', async () => {
    let runs = 0
    const letters = (each: string, mebibytes: number) =>
      each.repeat((mebibytes * 1024 * 1024) / Buffer.byteLength(each))
    for (const [id, outcome] of [
      ['step:1', letters('x', 9)],
      ['step:2', letters('語', 9)],
    ] as const) {
      const end = await run(id, async () => {
        runs++
        return outcome
      })
      expect(end).toMatchObject({ status: 'failed', error: { code: 'value.too_large' } })
    }
    const details = { details: { much: letters('x', 9) } }
    const failed = await run('step:3', () => Promise.reject(new ProcessingError('it broke', details as never)))
    expect(failed).toMatchObject({ status: 'failed', error: { message: 'it broke' } })
    expect(runs).toBe(2)
  })

  it('A step that ignores its signal does not delay a close.', async () => {
    const effect = (recorder: Recorder) =>
      recorder.effect<Json>('e', { class: 'at-most-once' }, () => new Promise(() => {}))
    for (const [id, program] of [
      ['step:1', () => new Promise<Json>(() => {})],
      ['step:2', effect],
    ] as const)
      void instance.steps.execute(testbed.spec(id), program).catch(() => {})
    await testbed.during(new Promise<void>((resolve) => testbed.clock.after(20, resolve)))
    await testbed.during(instance.steps.close())
    const repeated = testbed.instance()
    expect(await run('step:2', effect, repeated)).toMatchObject({ status: 'uncertain', effect: 'e' })
  })

  it('A step that throws ends with its error, and its staged writes are dropped.', async () => {
    const end = await run('step:1', async (recorder) => {
      keyValues.push(recorder, 'k', 1)
      throw new Error('no')
    })
    expect(end).toMatchObject({ status: 'failed', error: { message: 'no' } })
    expect(await appliedWrites(testbed.storage)).toEqual([])
    expect(await ends()).toMatchObject([['step:1', { error: { message: 'no' } }]])
  })

  it('A step whose outcome JSON cannot represent fails.', async () => {
    const end = await run('step:1', async () => ({ n: Number.POSITIVE_INFINITY }))
    expect(end).toMatchObject({ status: 'failed', error: { code: 'json.unsupported' } })
    expect((await instance.journals.load(user, 'step:1'))?.closed).toBe(true)
  })

  it('A step commits its staged writes with its outcome, in the order of the calls.', async () => {
    await run('step:1', async (recorder) => {
      keyValues.push(recorder, 'b', 1)
      keyValues.push(recorder, 'a', 2)
      return null
    })
    expect(await appliedWrites(testbed.storage)).toEqual(['b=1', 'a=2'])
  })

  it('A step with parallel effects of all classes commits at most three changes.', async () => {
    const before = instance.mortal.commits
    const end = await run('step:1', async (recorder) => {
      await keyValues.get(recorder, 'k')
      const results = await Promise.all([
        recorder.effect('p', { class: 'pure' }, () => 'p'),
        recorder.effect('r', { class: 'read' }, () => 'r'),
        recorder.effect('i', { class: 'idempotent' }, () => 'i'),
        recorder.effect('o', { class: 'at-most-once' }, () => 'o'),
      ])
      keyValues.push(recorder, 'k', results)
      return results
    })
    expect(end).toEqual({ status: 'completed', outcome: ['p', 'r', 'i', 'o'] })
    expect(instance.mortal.commits - before).toBe(3)
  })

  it('A step rejects staged writes and immediate answers after its return.', async () => {
    let captured: Recorder | undefined
    await run('step:1', async (recorder) => {
      captured = recorder
      return null
    })
    expect(() => captured?.answerNow({ kind: 'now', name: '' }, () => 1)).toThrow(/has ended/)
    expect(() => keyValues.push(captured as Recorder, 'k', 1)).toThrow(/has ended/)
  })

  it('A tool body rejects calls on its context after its return.', async () => {
    const end = await run('step:1', async (recorder) => {
      let captured: Recorder | undefined
      await recorder.body('tool', async (inner) => {
        captured = inner
        return null
      })
      expect(() => keyValues.push(captured as Recorder, 'k', 1)).toThrow(/has ended/)
      return (captured as Recorder).commit().then(
        () => null,
        (error: { code: string }) => error.code,
      )
    })
    expect(end).toEqual({ status: 'completed', outcome: 'step.over' })
  })

  it('An effect that calls another effect inside its function fails with `effect.nested`.', async () => {
    const end = await run('step:1', async (recorder) => {
      await recorder.effect('outer', { class: 'read' }, async () =>
        recorder.effect('inner', { class: 'read' }, () => 1),
      )
      return null
    })
    expect(end).toMatchObject({ status: 'failed', error: { code: 'effect.nested' } })
  })

  it('A step waits at its return for an effect that is not awaited, and records it.', async () => {
    let done = 0
    await run('step:1', async (recorder) => {
      void recorder.effect('late', { class: 'at-most-once' }, async () => {
        await new Promise<void>((resolve) => testbed.clock.after(50, resolve))
        done++
        return 'late'
      })
      return null
    })
    expect(done).toBe(1)
    expect(await instance.steps.effects(user, 'step:1')).toMatchObject([
      { name: 'late', state: 'done', output: 'late' },
    ])
  })

  it('A step records the failure of an effect, and restores it with the same class and message.', async () => {
    const end = await run('step:1', async (recorder) => {
      const caught = await recorder
        .effect('bad', { class: 'idempotent' }, () => {
          throw new TypeError('broken pipe')
        })
        .catch((error: Error) => ({ name: error.name, message: error.message }))
      return caught
    })
    expect(end).toEqual({ status: 'completed', outcome: { name: 'TypeError', message: 'broken pipe' } })
  })

  it('A step fails if an effect returns a value that JSON cannot represent.', async () => {
    const end = await run('step:1', async (recorder) => {
      await recorder.effect('date', { class: 'at-most-once' }, () => new Date(0))
      return null
    })
    expect(end).toMatchObject({ status: 'failed', error: { code: 'json.unsupported' } })
  })

  it('A step receives one answer per macrotask, in the order in which they arrived.', async () => {
    const seen: string[] = []
    await run('step:1', async (recorder) => {
      const one = recorder
        .answer({ kind: 'get', name: 'one' }, async () => 1)
        .then(() => {
          seen.push('one')
          return Promise.resolve().then(() => seen.push('after one'))
        })
      const two = recorder.answer({ kind: 'get', name: 'two' }, async () => 2).then(() => seen.push('two'))
      await Promise.all([one, two])
      return null
    })
    expect(seen).toEqual(['one', 'after one', 'two'])
  })

  it('A step with too many records fails with `journal.full`.', async () => {
    const small = testbed.instance({ limits: { entries: 20 } })
    const end = await run(
      'step:1',
      async (recorder) => {
        for (let i = 0; ; i++) await recorder.answer({ kind: 'get', name: 'k' }, () => i)
      },
      small,
    )
    expect(end).toMatchObject({ status: 'failed', error: { code: 'journal.full' } })
    expect(await ends()).toHaveLength(1)
  })

  it('A step that commits too often fails with `journal.full`.', async () => {
    const small = testbed.instance({ limits: { entries: 20 } })
    const end = await run(
      'step:1',
      async (recorder) => {
        for (let i = 0; ; i++) {
          keyValuesOf(testbed.storage).push(recorder, 'k', i)
          await recorder.commit()
        }
      },
      small,
    )
    expect(end).toMatchObject({ status: 'failed', error: { code: 'journal.full' } })
  })

  it.each([
    [15, 'completed'],
    [60, 'failed'],
  ])('A step with a limit of 20 answers and %s effects is %s, also after a restart.', async (effects, status) => {
    const execute = async (killsAt: number) => {
      const instance = testbed.instance({ limits: { entries: 20 } })
      const ended = run(
        'step:1',
        async (recorder) => {
          for (let i = 0; i < effects; i++) {
            await recorder.effect(`${i}`, { class: 'idempotent' }, () => i)
            if (i === killsAt) instance.mortal.kill()
          }
          return null
        },
        instance,
      )
      return Promise.race([ended, instance.mortal.death])
    }
    expect(await execute(12)).toBe('dead')
    expect(await execute(-1)).toMatchObject({ status })
  })

  it('A step has the taint of its effects, and its children have it too.', async () => {
    const end = await run('step:1', async (recorder) => {
      const before = [...recorder.taint]
      await recorder.effect('web', { class: 'read', taint: ['untrusted:web'] }, () => 1)
      return [before, [...recorder.taint], await recorder.body('tool', async ({ taint }) => [...taint])]
    })
    expect(end).toMatchObject({ outcome: [[], ['untrusted:web'], ['untrusted:web']] })
  })
})
