import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failure, type Json } from '../../core/index.ts'
import {
  appliedWrites,
  createJournalTestbed,
  type Instance,
  type JournalTestbed,
  keyValuesOf,
  readBook,
  user,
  writeBook,
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
const entries = async (id: string) =>
  (await instance.journals.read(user, id, 0, 1_000)).flatMap((record) => record.body as { t: string; id?: string }[])

/** @returns a tool call whose commit is refused once, for somebody else writes what it has read */
async function openContest() {
  const write = (value: Json) => testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', value) })
  await write('old')
  let meddled = 0
  return (recorder: Recorder) =>
    recorder.body('quick', async (inner) => {
      const before = await keyValues.get(inner, 'k')
      if (meddled++ === 0) await write('new')
      keyValues.push(inner, 'k', 1, before.version)
      await inner.commit()
      return null
    })
}

describe('a turn', () => {
  it('A turn commits the stage that asks and the finished stages, not a running one.', async () => {
    const gate = Promise.withResolvers<void>()
    const end = await run('step:1', async (recorder) => {
      const slow = recorder.body('slow', async (inner) => {
        keyValues.push(inner, 'slow', 1)
        await inner.effect('gate', { class: 'pure' }, () => gate.promise)
        return 'slow'
      })
      await recorder.body('quick', async (inner) => {
        keyValues.push(inner, 'quick', 1)
        return 'quick'
      })
      await recorder.body('asks', async (inner) => {
        keyValues.push(inner, 'asks', 1)
        await inner.commit()
        return 'asks'
      })
      expect(await appliedWrites(testbed.storage)).toEqual(['quick=1', 'asks=1'])
      gate.resolve()
      return slow
    })
    expect(end).toEqual({ status: 'completed', outcome: 'slow' })
    expect(await appliedWrites(testbed.storage)).toEqual(['quick=1', 'asks=1', 'slow=1'])
  })

  it('A turn applies parallel writes in the order in which the stages were made.', async () => {
    await run('step:1', async (recorder) => {
      const written = Promise.withResolvers<void>()
      const push = (value: string) => async (inner: Recorder) => {
        if (value === 'one') await written.promise
        keyValues.push(inner, 'k', value)
        return written.resolve() ?? null
      }
      await Promise.all(['one', 'two'].map((value) => recorder.body(value, push(value))))
      return null
    })
    expect(await readBook(testbed.storage, 'k')).toMatchObject({ value: 'two' })
  })

  it('A turn drops the writes of a body that throws.', async () => {
    await run('step:1', async (recorder) => {
      await recorder
        .body('bad', async (inner) => {
          keyValues.push(inner, 'bad', 1)
          throw new Error('tool failed')
        })
        .catch(() => {})
      keyValues.push(recorder, 'good', 1)
      return null
    })
    expect(await appliedWrites(testbed.storage)).toEqual(['good=1'])
  })

  it('A turn reports to its observer which staged writes were committed.', async () => {
    const committed: string[][] = []
    await run('step:1', async (recorder) => {
      recorder.onCommitted((writes) => committed.push(writes.map((write) => write.call.name)))
      keyValues.push(recorder, 'a', 1)
      await recorder.commit()
      keyValues.push(recorder, 'b', 1)
      await recorder.commit()
      return null
    })
    expect(committed).toEqual([['a'], ['b'], []])
  })

  it('A turn whose version is stale is repeated with fresh reads, and its paid effect is answered from the record.', async () => {
    await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'old') })
    let paid = 0
    let meddled = 0
    const end = await run('step:1', async (recorder) => {
      const before = await keyValues.get(recorder, 'k')
      const price = await recorder.effect('pay', { class: 'at-most-once', input: 'fixed' }, () => ++paid)
      if (meddled++ === 0) await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'meddled') })
      keyValues.push(recorder, 'k', [before.value, price], before.version)
      return before.value
    })
    expect(end).toEqual({ status: 'completed', outcome: 'meddled' })
    expect(paid).toBe(1)
    expect((await readBook(testbed.storage, 'k')).value).toEqual(['meddled', 1])
    expect((await entries('step:1')).map((entry) => entry.t)).toContain('turn.failed')
  })

  it('A turn that fails does not start the effect that was requested in the same append.', async () => {
    await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'old') })
    let paid = 0
    let meddled = 0
    const end = await run('step:1', async (recorder) => {
      const before = await keyValues.get(recorder, 'k')
      if (meddled++ === 0) await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'meddled') })
      keyValues.push(recorder, 'k', 'mine', before.version)
      const committed = recorder.commit()
      const next = recorder.effect('next', { class: 'at-most-once', input: before.value }, () => ++paid)
      await committed
      return next
    })
    expect(end).toEqual({ status: 'completed', outcome: 1 })
    expect(paid).toBe(1)
  })

  it('A turn commits with the next claim in one change if no code waits between them.', async () => {
    await run('step:1', async (recorder) => {
      await recorder.effect('first', { class: 'idempotent' }, () => 1)
      keyValues.push(recorder, 'k', 1)
      const before = instance.mortal.commits
      const committed = recorder.commit()
      await recorder.effect('second', { class: 'idempotent' }, () => 2)
      await committed
      expect(instance.mortal.commits - before).toBe(1)
      return null
    })
  })

  it('A turn waits for effects that started before its commit, and records them with it.', async () => {
    await run('step:1', async (recorder) => {
      const slow = recorder.effect('slow', { class: 'idempotent' }, async () => {
        await new Promise<void>((resolve) => testbed.clock.after(50, resolve))
        return 'slow'
      })
      await recorder.commit()
      expect(await instance.steps.effects(user, 'step:1')).toMatchObject([{ name: 'slow', state: 'done' }])
      return slow
    })
  })

  it('A turn does not wait for an effect of a parallel body.', async () => {
    const gate = Promise.withResolvers<string>()
    await run('step:1', async (recorder) => {
      const slow = recorder.body('slow', (inner) => inner.effect('slow', { class: 'at-most-once' }, () => gate.promise))
      await recorder.body('quick', async (inner) => {
        await inner.effect('quick', { class: 'at-most-once' }, () => 'quick')
        keyValues.push(inner, 'quick', 1)
        await inner.commit()
        return null
      })
      expect(await appliedWrites(testbed.storage)).toEqual(['quick=1'])
      gate.resolve('slow')
      return slow
    })
  })

  it.each(['commit', 'ask'])('A turn of a body does not wait for an effect around it: %s.', async (how) => {
    const gate = Promise.withResolvers<string>()
    const committed = Promise.withResolvers<void>()
    const call = { kind: 'ask', name: 'q' }
    await run('step:1', async (recorder) => {
      const slow = recorder.effect('slow', { class: 'at-most-once' }, () => gate.promise)
      const quick = recorder.body('quick', async (inner) => {
        inner.onCommitted(() => committed.resolve())
        keyValues.push(inner, 'k', 1)
        void (how === 'ask' ? inner.wait({ call, input: null, notify: () => writeBook('q', 1) }) : inner.commit())
        return null
      })
      await committed.promise
      gate.resolve('slow')
      return Promise.all([slow, quick])
    })
  })

  it('A rejected turn starts no effect that was called after its commit.', async () => {
    await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'old') })
    const made: Json[] = []
    let meddled = 0
    const end = await run('step:1', async (recorder) => {
      const slow = recorder.effect('slow', { class: 'idempotent' }, async () => {
        await new Promise<void>((resolve) => testbed.clock.after(50, resolve))
        if (meddled++ === 0) await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'new') })
        return null
      })
      const before = await keyValues.get(recorder, 'k')
      keyValues.push(recorder, 'k', 1, before.version)
      const committed = recorder.commit()
      const input = before.value
      await recorder.effect('next', { class: 'at-most-once', input }, () => void made.push(input))
      await Promise.all([committed, slow])
      return before.value
    })
    expect(end).toEqual({ status: 'completed', outcome: 'new' })
    expect([made, meddled]).toEqual([['new'], 1])
  })

  it('A rejected turn preserves the pending answers of parallel bodies.', async () => {
    const contested = await openContest()
    let notifications = 0
    const end = await run('step:1', async (recorder) => {
      const slow = recorder.body('slow', (inner) =>
        inner.effect('model', { class: 'idempotent' }, async ({ signal }) => {
          await new Promise<void>((resolve) => testbed.clock.after(50, resolve))
          signal.throwIfAborted()
          return ++notifications
        }),
      )
      await contested(recorder)
      return slow
    })
    expect(end).toEqual({ status: 'completed', outcome: 1 })
  })

  it.each([
    ['at-most-once', 'declined', 1],
    ['idempotent', 'declined', 1],
    ['read', 'declined', 1],
    ['at-most-once', 'aborted', 1],
    ['at-most-once', 'unknown', 1],
  ] as const)('A rejected turn preserves how parallel effects failed: %s %s.', async (of, how, times) => {
    const contested = await openContest()
    const begun = Promise.withResolvers<void>()
    let tried = 0
    const end = await run('step:1', async (recorder) => {
      const slow = recorder.body('slow', (inner) =>
        inner.effect('pay', { class: of }, async () => {
          tried++
          begun.resolve()
          await new Promise<void>((resolve) => testbed.clock.after(50, resolve))
          if (how === 'unknown') throw failure('outcome.unknown', { what: 'The payment' })
          throw Object.assign(new Error(how), how === 'aborted' ? { name: 'AbortError' } : {})
        }),
      )
      const rejection = slow.catch((error: Error) => error.message)
      await begun.promise
      await contested(recorder)
      return rejection
    })
    if (how === 'unknown') expect(end).toMatchObject({ status: 'uncertain', effect: 'pay' })
    else expect(end).toEqual({ status: 'completed', outcome: how })
    expect(tried).toBe(times)
  })

  it('A rejected turn records the effects of parallel bodies before a drain releases the step.', async () => {
    await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'old') })
    const begun = Promise.withResolvers<void>()
    const ending = instance.steps.execute(testbed.spec('step:1'), async (recorder) => {
      const slow = recorder.body('slow', (inner) =>
        inner.effect('model', { class: 'idempotent' }, async ({ signal }) => {
          begun.resolve()
          await new Promise<void>((resolve) => testbed.clock.after(300, resolve))
          signal.throwIfAborted()
          return 'told'
        }),
      )
      await begun.promise
      keyValues.push(recorder, 'k', 1, 99)
      await recorder.commit()
      return slow
    })
    await testbed.during(new Promise<void>((resolve) => testbed.clock.after(100, resolve)))
    await testbed.during(instance.steps.drain({ finishMs: 0, effectsMs: 1_000 }))
    expect(await testbed.during(ending)).toMatchObject({ status: 'parked' })
    expect(await instance.steps.effects(user, 'step:1')).toMatchObject([{ name: 'model', state: 'done' }])
  })

  it('A rejected turn stops the effects of parallel bodies when the step is cancelled.', async () => {
    await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'old') })
    const controller = new AbortController()
    const begun = Promise.withResolvers<void>()
    const stopped: string[] = []
    const spec = { ...testbed.spec('step:1'), signal: controller.signal }
    const ending = instance.steps.execute(spec, async (recorder) => {
      const slow = recorder.body('slow', (inner) =>
        inner.effect('model', { class: 'idempotent' }, ({ signal }) => {
          begun.resolve()
          return new Promise<null>((_, reject) =>
            signal.addEventListener('abort', () => {
              stopped.push(signal.reason.code)
              reject(signal.reason)
            }),
          )
        }),
      )
      await begun.promise
      keyValues.push(recorder, 'k', 1, 99)
      await recorder.commit()
      return slow
    })
    await testbed.during(new Promise<void>((resolve) => testbed.clock.after(100, resolve)))
    expect(stopped).toEqual([])
    controller.abort()
    expect(await testbed.during(ending)).toEqual({ status: 'cancelled' })
    expect(stopped).toEqual(['cancelled'])
  })

  it('A turn that can never commit fails with `turn.conflict` after its attempts.', async () => {
    await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 0) })
    let executions = 0
    const end = await run('step:1', async (recorder) => {
      executions++
      keyValues.push(recorder, 'k', 1, 99)
      return null
    })
    expect(end).toMatchObject({ status: 'failed', error: { name: 'ConflictError', code: 'turn.conflict' } })
    expect(executions).toBe(5)
    expect(await ends()).toHaveLength(1)
  })

  it('A repeated turn that gives a claimed effect another input fails the step.', async () => {
    await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'old') })
    let meddled = 0
    const end = await run('step:1', async (recorder) => {
      const before = await keyValues.get(recorder, 'k')
      await recorder.effect('pay', { class: 'at-most-once', input: before.value }, () => 1)
      if (meddled++ === 0) await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'new') })
      keyValues.push(recorder, 'k', 1, before.version)
      return null
    })
    expect(end).toMatchObject({ status: 'failed', error: { name: 'ConflictError', code: 'effect.input' } })
  })

  it('A repeated turn that does not use a claimed effect fails the step.', async () => {
    await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'old') })
    let meddled = 0
    const end = await run('step:1', async (recorder) => {
      const before = await keyValues.get(recorder, 'k')
      if (before.value === 'old') await recorder.effect('pay', { class: 'at-most-once' }, () => 1)
      if (meddled++ === 0) await testbed.storage.commit({ id: null, scope: { user }, ...writeBook('k', 'new') })
      keyValues.push(recorder, 'k', 1, before.version)
      return null
    })
    expect(end).toMatchObject({ status: 'failed', error: { name: 'ConflictError', code: 'effect.unused' } })
  })

  it('A turn rejects an effect whose claim is rejected, before it starts, and parallel effects continue.', async () => {
    const rejecting = () => ({
      statements: [
        {
          sql: 'update key_values set version = version where user_id = ?',
          binds: [user],
          expect: { rows: 1 },
          otherwise: 'budget.exceeded' as const,
          detail: { budget: 'cost', run: 'run:1', used: 2, limit: 1 },
        },
      ],
    })
    let started = 0
    const end = await run('step:1', async (recorder) => {
      const [rejected, other] = await Promise.allSettled([
        recorder.effect('dear', { class: 'idempotent', claim: rejecting }, () => ++started),
        recorder.effect('cheap', { class: 'idempotent' }, () => 'done'),
      ])
      return [(rejected as PromiseRejectedResult).reason.code, (other as PromiseFulfilledResult<string>).value]
    })
    expect(end).toEqual({ status: 'completed', outcome: ['budget.exceeded', 'done'] })
    expect(started).toBe(0)
  })

  it('A turn records the charge of an effect in the change of its outcome.', async () => {
    await run('step:1', async (recorder) => {
      const charge = ({ output }: { readonly output?: number }) => writeBook('budget', output ?? -1)
      await recorder.effect('call', { class: 'idempotent', charge }, () => 3)
      return null
    })
    expect(await appliedWrites(testbed.storage)).toEqual(['budget=3'])
  })
})
