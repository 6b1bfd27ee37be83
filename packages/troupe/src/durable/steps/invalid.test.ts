import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import { createInbox } from '../inbox/create-inbox.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd } from '../steps-port.ts'
import { appliedWrites, createWorld, type Process, shelfOf, user, type World } from '../world.test.fixture.ts'

/** What storage would keep as another number, and refuses before it looks at the rest of the change. */
const inexact: Fragment = { statements: [{ sql: 'select ?', binds: [2 ** 60], expect: { rows: 1 } }] }

let world: World
let process: Process
beforeEach(async () => {
  world = await createWorld()
  process = world.process()
})
afterEach(() => world.close())

const run = (program: (recorder: Recorder) => Promise<Json>): Promise<StepEnd> =>
  world.during(process.steps.execute(world.spec('step:1'), program))

/** It failed for good: its run is told, nothing that it staged was written, and entered again it is over. */
async function expectRefused(end: StepEnd): Promise<void> {
  const error = { name: 'ValidationError', code: 'validation.failed', message: expect.stringContaining(`${2 ** 60}`) }
  expect(end).toMatchObject({ status: 'failed', error })
  expect(await appliedWrites(world.storage)).toEqual([])
  const told = await createInbox(world).read(user, 'run:1', 10)
  expect(told.map(({ body }) => body)).toMatchObject([{ error: { code: 'validation.failed' } }])
  expect(await run(() => Promise.reject(new Error('entered again')))).toMatchObject({ status: 'failed', error })
}

describe('what storage refuses as invalid', () => {
  it('fails its step as a write of its turn', async () => {
    const done: string[] = []
    const end = await run(async (recorder) => {
      await recorder.effect('paid', { class: 'once' }, () => void done.push('paid'))
      shelfOf(world.storage).push(recorder, 'k', 1)
      recorder.stage({ call: { kind: 'push', name: 'inexact' }, room: 'context', fragment: () => inexact })
      await recorder.commit()
      return null
    })
    await expectRefused(end)
    expect(done).toEqual(['paid'])
    expect(await process.steps.effects(user, 'step:1')).toMatchObject([{ call: '/effect:paid#1', state: 'done' }])
  })

  it('fails its step as a write beside the work of a neighbour, which is kept', async () => {
    const begun = Promise.withResolvers<void>()
    const end = await run(async (recorder) => {
      const slow = recorder.body('slow', (inner) =>
        inner.effect('slow', { class: 'once' }, async () => {
          begun.resolve()
          await new Promise<void>((resolve) => world.clock.after(50, resolve))
          return null
        }),
      )
      await begun.promise
      await recorder.body('quick', async (inner) => {
        inner.stage({ call: { kind: 'push', name: 'inexact' }, room: 'context', fragment: () => inexact })
        await inner.commit()
        return null
      })
      return slow
    })
    await expectRefused(end)
    expect(await process.steps.effects(user, 'step:1')).toMatchObject([{ call: 'slow/effect:slow#1', state: 'done' }])
  })

  it('fails its step as what a question is told with', async () => {
    const call = { kind: 'ask', name: 'question' }
    await expectRefused(await run((recorder) => recorder.wait({ call, input: null, tell: () => inexact })))
  })

  it('fails its step as the claim of an effect, which does not begin', async () => {
    let times = 0
    const end = await run(async (recorder) => {
      await recorder.effect('model', { class: 'idempotent', claim: () => inexact }, () => void times++)
      return null
    })
    await expectRefused(end)
    expect(times).toBe(0)
  })

  it.each(['idempotent', 'once'] as const)(
    'fails its step as what comes with the outcome of an effect: %s',
    async (of) => {
      let times = 0
      const end = await run(async (recorder) => {
        await recorder.effect('model', { class: of, settle: () => inexact }, () => void times++)
        return null
      })
      await expectRefused(end)
      expect(times).toBe(1)
      expect(await process.steps.effects(user, 'step:1')).toMatchObject([{ call: '/effect:model#1', state: 'done' }])
    },
  )

  it('is left out where it comes with an effect beside a refused turn, which is done once', async () => {
    const begun = Promise.withResolvers<void>()
    let times = 0
    let attempts = 0
    const program = async (recorder: Recorder) => {
      const slow = recorder.body('slow', (inner) =>
        inner.effect('model', { class: 'idempotent', settle: () => inexact }, async () => {
          begun.resolve()
          await new Promise<void>((resolve) => world.clock.after(50, resolve))
          return ++times
        }),
      )
      await begun.promise
      shelfOf(world.storage).push(recorder, 'k', 1, attempts++ === 0 ? 99 : 0)
      await recorder.commit()
      return slow
    }
    await expect(run(program)).rejects.toMatchObject({ code: 'validation.failed' })
    expect(await run(program)).toEqual({ status: 'settled', outcome: 1 })
    expect([times, attempts]).toEqual([1, 2])
  })
})
