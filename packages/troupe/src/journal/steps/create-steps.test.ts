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
  it('in which nothing durable happened makes one change', async () => {
    const before = instance.mortal.commits
    expect(await run('step:1', async () => 7)).toEqual({ status: 'completed', outcome: 7 })
    expect(instance.mortal.commits - before).toBe(1)
    expect(await ends()).toEqual([['step:1', 7]])
    expect((await instance.journals.load(user, 'step:1'))?.closed).toBe(true)
  })

  it('that is over is answered from its record, and not run again', async () => {
    await run('step:1', async () => ({ a: 1 }))
    let runs = 0
    const repeated = await run('step:1', async () => ++runs)
    expect(repeated).toEqual({ status: 'completed', outcome: { a: 1 } })
    expect(runs).toBe(0)
  })

  it('that is executed twice at once is carried out once', async () => {
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

  it('refuses what is called after its return', async () => {
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

  it('whose outcome is larger than a record may be fails with that, and is not carried out again', async () => {
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

  it('that does not listen holds nobody up who closes', async () => {
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

  it('that throws is settled with its error, and its staged writes are dropped', async () => {
    const end = await run('step:1', async (recorder) => {
      keyValues.push(recorder, 'k', 1)
      throw new Error('no')
    })
    expect(end).toMatchObject({ status: 'failed', error: { message: 'no' } })
    expect(await appliedWrites(testbed.storage)).toEqual([])
    expect(await ends()).toMatchObject([['step:1', { error: { message: 'no' } }]])
  })

  it('whose outcome JSON cannot carry is settled as failed, and holds nobody up', async () => {
    const end = await run('step:1', async () => ({ n: Number.POSITIVE_INFINITY }))
    expect(end).toMatchObject({ status: 'failed', error: { code: 'json.unsupported' } })
    expect((await instance.journals.load(user, 'step:1'))?.closed).toBe(true)
  })

  it('commits what it staged with its outcome, in order of the calls', async () => {
    await run('step:1', async (recorder) => {
      keyValues.push(recorder, 'b', 1)
      keyValues.push(recorder, 'a', 2)
      return null
    })
    expect(await appliedWrites(testbed.storage)).toEqual(['b=1', 'a=2'])
  })

  it('with parallel effects of all classes makes three changes at most', async () => {
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

  it('refuses ctx after its return', async () => {
    let captured: Recorder | undefined
    await run('step:1', async (recorder) => {
      captured = recorder
      return null
    })
    expect(() => captured?.answerNow({ kind: 'now', name: '' }, () => 1)).toThrow(/is over/)
    expect(() => keyValues.push(captured as Recorder, 'k', 1)).toThrow(/is over/)
  })

  it('refuses the ctx of a body that has returned', async () => {
    const end = await run('step:1', async (recorder) => {
      let captured: Recorder | undefined
      await recorder.body('tool', async (inner) => {
        captured = inner
        return null
      })
      expect(() => keyValues.push(captured as Recorder, 'k', 1)).toThrow(/is over/)
      return (captured as Recorder).commit().then(
        () => null,
        (error: { code: string }) => error.code,
      )
    })
    expect(end).toEqual({ status: 'completed', outcome: 'step.over' })
  })

  it('refuses ctx inside the function of an effect', async () => {
    const end = await run('step:1', async (recorder) => {
      await recorder.effect('outer', { class: 'read' }, async () =>
        recorder.effect('inner', { class: 'read' }, () => 1),
      )
      return null
    })
    expect(end).toMatchObject({ status: 'failed', error: { code: 'effect.nested' } })
  })

  it('waits at its return for an effect that nobody awaits, and records it', async () => {
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

  it('records the failure of an effect, restored as the same class and code', async () => {
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

  it('refuses a result that JSON cannot carry', async () => {
    const end = await run('step:1', async (recorder) => {
      await recorder.effect('date', { class: 'at-most-once' }, () => new Date(0))
      return null
    })
    expect(end).toMatchObject({ status: 'failed', error: { code: 'json.unsupported' } })
  })

  it('gives answers one per macrotask, in the order in which they came', async () => {
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

  it('that says too much is ended with journal.full', async () => {
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

  it('keeps the taint of what its effects brought', async () => {
    await run('step:1', async (recorder) => {
      expect(recorder.taint).toEqual([])
      await recorder.effect('web', { class: 'read', taint: ['untrusted:web'] }, () => 1)
      expect(recorder.taint).toEqual(['untrusted:web'])
      expect(recorder.child('tool').taint).toEqual(['untrusted:web'])
      return null
    })
  })
})
