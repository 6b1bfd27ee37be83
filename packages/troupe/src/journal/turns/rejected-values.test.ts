import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import { createInbox } from '../inbox/create-inbox.ts'
import {
  appliedWrites,
  createJournalTestbed,
  type Instance,
  type JournalTestbed,
  keyValuesOf,
  user,
} from '../journal-testbed.test.fixture.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd } from '../steps-port.ts'

/** What storage would keep as another number, and refuses before it looks at the rest of the change. */
const inexact: Fragment = { statements: [{ sql: 'select ?', binds: [2 ** 60], expect: { rows: 1 } }] }

let testbed: JournalTestbed
let instance: Instance
beforeEach(async () => {
  testbed = await createJournalTestbed()
  instance = testbed.instance()
})
afterEach(() => testbed.close())

const run = (program: (recorder: Recorder) => Promise<Json>): Promise<StepEnd> =>
  testbed.during(instance.steps.execute(testbed.spec('step:1'), program))

/** It failed for good: its run is told, nothing that it staged was written, and entered again it is over. */
async function expectRejected(end: StepEnd): Promise<void> {
  const error = { name: 'ValidationError', code: 'validation.failed', message: expect.stringContaining(`${2 ** 60}`) }
  expect(end).toMatchObject({ status: 'failed', error })
  expect(await appliedWrites(testbed.storage)).toEqual([])
  const rows = await createInbox(testbed).read(user, 'run:1', 10)
  expect(rows.map(({ body }) => body)).toMatchObject([{ error: { code: 'validation.failed' } }])
  expect(await run(() => Promise.reject(new Error('entered again')))).toMatchObject({ status: 'failed', error })
}

describe('a fragment that the storage rejects as invalid', () => {
  it('An invalid write of a turn fails its step, and completed effects stay recorded.', async () => {
    const done: string[] = []
    const end = await run(async (recorder) => {
      await recorder.effect('paid', { class: 'at-most-once' }, () => void done.push('paid'))
      keyValuesOf(testbed.storage).push(recorder, 'k', 1)
      recorder.stage({ call: { kind: 'push', name: 'inexact' }, module: 'context', fragment: () => inexact })
      await recorder.commit()
      return null
    })
    await expectRejected(end)
    expect(done).toEqual(['paid'])
    expect(await instance.steps.effects(user, 'step:1')).toMatchObject([{ call: '/effect:paid#1', state: 'done' }])
  })

  it('An invalid write beside a parallel effect fails its step, and the effect stays recorded.', async () => {
    const begun = Promise.withResolvers<void>()
    const end = await run(async (recorder) => {
      const slow = recorder.body('slow', (inner) =>
        inner.effect('slow', { class: 'at-most-once' }, async () => {
          begun.resolve()
          await new Promise<void>((resolve) => testbed.clock.after(50, resolve))
          return null
        }),
      )
      await begun.promise
      await recorder.body('quick', async (inner) => {
        inner.stage({ call: { kind: 'push', name: 'inexact' }, module: 'context', fragment: () => inexact })
        await inner.commit()
        return null
      })
      return slow
    })
    await expectRejected(end)
    expect(await instance.steps.effects(user, 'step:1')).toMatchObject([{ call: 'slow/effect:slow#1', state: 'done' }])
  })

  it('An invalid notification of a question fails its step.', async () => {
    const call = { kind: 'ask', name: 'question' }
    await expectRejected(await run((recorder) => recorder.wait({ call, input: null, notify: () => inexact })))
  })

  it('An invalid claim of an effect fails its step, and the effect does not start.', async () => {
    let times = 0
    const end = await run(async (recorder) => {
      await recorder.effect('model', { class: 'idempotent', claim: () => inexact }, () => void times++)
      return null
    })
    await expectRejected(end)
    expect(times).toBe(0)
  })

  it.each(['idempotent', 'at-most-once'] as const)(
    'An invalid charge of an effect fails its step, and the outcome is recorded: %s.',
    async (of) => {
      let times = 0
      const end = await run(async (recorder) => {
        await recorder.effect('model', { class: of, charge: () => inexact }, () => void times++)
        return null
      })
      await expectRejected(end)
      expect(times).toBe(1)
      expect(await instance.steps.effects(user, 'step:1')).toMatchObject([{ call: '/effect:model#1', state: 'done' }])
    },
  )

  it('An invalid charge beside a rejected turn is omitted, and its effect is done once.', async () => {
    const begun = Promise.withResolvers<void>()
    let times = 0
    let attempts = 0
    const program = async (recorder: Recorder) => {
      const slow = recorder.body('slow', (inner) =>
        inner.effect('model', { class: 'idempotent', charge: () => inexact }, async () => {
          begun.resolve()
          await new Promise<void>((resolve) => testbed.clock.after(50, resolve))
          return ++times
        }),
      )
      await begun.promise
      keyValuesOf(testbed.storage).push(recorder, 'k', 1, attempts++ === 0 ? 99 : 0)
      await recorder.commit()
      return slow
    }
    await expect(run(program)).rejects.toMatchObject({ code: 'validation.failed' })
    expect(await run(program)).toEqual({ status: 'completed', outcome: 1 })
    expect([times, attempts]).toEqual([1, 2])
  })
})
