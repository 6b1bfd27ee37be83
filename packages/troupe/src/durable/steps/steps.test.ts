import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Json, ProcessingError } from '../../core/index.ts'
import type { Recorder } from '../recorder-port.ts'
import { appliedWrites, createWorld, type Process, shelfOf, user, type World } from '../world.test.fixture.ts'

let world: World
let process: Process
let shelf: ReturnType<typeof shelfOf>

beforeEach(async () => {
  world = await createWorld()
  process = world.process()
  shelf = shelfOf(process.storage)
})
afterEach(() => world.close())

const run = (id: string, program: (recorder: Recorder) => Promise<Json>, on = process) =>
  world.during(on.steps.execute(world.spec(id), program))
const ends = async () => (await process.inbox.read(user, 'run:1', 100)).map((row) => [row.from, row.body])

describe('a step', () => {
  it('in which nothing durable happened makes one change', async () => {
    const before = process.mortal.commits
    expect(await run('step:1', async () => 7)).toEqual({ status: 'settled', outcome: 7 })
    expect(process.mortal.commits - before).toBe(1)
    expect(await ends()).toEqual([['step:1', 7]])
    expect((await process.journals.load(user, 'step:1'))?.closed).toBe(true)
  })

  it('that is over is answered from its record, and not run again', async () => {
    await run('step:1', async () => ({ a: 1 }))
    let runs = 0
    const again = await run('step:1', async () => ++runs)
    expect(again).toEqual({ status: 'settled', outcome: { a: 1 } })
    expect(runs).toBe(0)
  })

  it('that is executed twice at once is carried out once', async () => {
    let runs = 0
    const program = async () => ++runs
    const [one, two] = await world.during(
      Promise.all([
        process.steps.execute(world.spec('step:1'), program),
        process.steps.execute(world.spec('step:1'), program),
      ]),
    )
    expect(one).toEqual(two)
    expect(runs).toBe(1)
  })

  it('refuses what is called after its return', async () => {
    let kept: Recorder | undefined
    await run('step:1', async (recorder) => {
      kept = recorder
      return null
    })
    const late = [
      kept?.answer({ kind: 'get', name: 'k' }, () => 1),
      kept?.effect('e', { class: 'once' }, () => 1),
      kept?.commit(),
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
    const effect = (recorder: Recorder) => recorder.effect<Json>('e', { class: 'once' }, () => new Promise(() => {}))
    for (const [id, program] of [
      ['step:1', () => new Promise<Json>(() => {})],
      ['step:2', effect],
    ] as const)
      void process.steps.execute(world.spec(id), program).catch(() => {})
    await world.during(new Promise<void>((resolve) => world.clock.after(20, resolve)))
    await world.during(process.steps.close())
    const again = world.process()
    expect(await run('step:2', effect, again)).toMatchObject({ status: 'uncertain', effect: 'e' })
  })

  it('that throws is settled with its error, and its staged writes are dropped', async () => {
    const end = await run('step:1', async (recorder) => {
      shelf.push(recorder, 'k', 1)
      throw new Error('no')
    })
    expect(end).toMatchObject({ status: 'failed', error: { message: 'no' } })
    expect(await appliedWrites(world.storage)).toEqual([])
    expect(await ends()).toMatchObject([['step:1', { error: { message: 'no' } }]])
  })

  it('whose outcome JSON cannot carry is settled as failed, and holds nobody up', async () => {
    const end = await run('step:1', async () => ({ n: Number.POSITIVE_INFINITY }))
    expect(end).toMatchObject({ status: 'failed', error: { code: 'json.unsupported' } })
    expect((await process.journals.load(user, 'step:1'))?.closed).toBe(true)
  })

  it('commits what it staged with its outcome, in order of the calls', async () => {
    await run('step:1', async (recorder) => {
      shelf.push(recorder, 'b', 1)
      shelf.push(recorder, 'a', 2)
      return null
    })
    expect(await appliedWrites(world.storage)).toEqual(['b=1', 'a=2'])
  })

  it('with parallel effects of all classes makes three changes at most', async () => {
    const before = process.mortal.commits
    const end = await run('step:1', async (recorder) => {
      await shelf.get(recorder, 'k')
      const results = await Promise.all([
        recorder.effect('p', { class: 'pure' }, () => 'p'),
        recorder.effect('r', { class: 'read' }, () => 'r'),
        recorder.effect('i', { class: 'idempotent' }, () => 'i'),
        recorder.effect('o', { class: 'once' }, () => 'o'),
      ])
      shelf.push(recorder, 'k', results)
      return results
    })
    expect(end).toEqual({ status: 'settled', outcome: ['p', 'r', 'i', 'o'] })
    expect(process.mortal.commits - before).toBe(3)
  })

  it('refuses ctx after its return', async () => {
    let kept: Recorder | undefined
    await run('step:1', async (recorder) => {
      kept = recorder
      return null
    })
    expect(() => kept?.answerNow({ kind: 'now', name: '' }, () => 1)).toThrow(/is over/)
    expect(() => shelf.push(kept as Recorder, 'k', 1)).toThrow(/is over/)
  })

  it('refuses the ctx of a body that has returned', async () => {
    const end = await run('step:1', async (recorder) => {
      let kept: Recorder | undefined
      await recorder.body('tool', async (inner) => {
        kept = inner
        return null
      })
      expect(() => shelf.push(kept as Recorder, 'k', 1)).toThrow(/is over/)
      return (kept as Recorder).commit().then(
        () => null,
        (error: { code: string }) => error.code,
      )
    })
    expect(end).toEqual({ status: 'settled', outcome: 'step.over' })
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
      void recorder.effect('late', { class: 'once' }, async () => {
        await new Promise<void>((resolve) => world.clock.after(50, resolve))
        done++
        return 'late'
      })
      return null
    })
    expect(done).toBe(1)
    expect(await process.steps.effects(user, 'step:1')).toMatchObject([{ name: 'late', state: 'done', output: 'late' }])
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
    expect(end).toEqual({ status: 'settled', outcome: { name: 'TypeError', message: 'broken pipe' } })
  })

  it('refuses a result that JSON cannot carry', async () => {
    const end = await run('step:1', async (recorder) => {
      await recorder.effect('date', { class: 'once' }, () => new Date(0))
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
    const small = world.process({ limits: { entries: 20 } })
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
