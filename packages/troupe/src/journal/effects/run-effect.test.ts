import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
import type { EffectSpec, Reconciled, Resolution } from '../effect-port.ts'
import {
  createJournalTestbed,
  type Instance,
  type JournalTestbed,
  resolveEffect,
  user,
} from '../journal-testbed.test.fixture.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd } from '../steps-port.ts'

let testbed: JournalTestbed
beforeEach(async () => {
  testbed = await createJournalTestbed()
})
afterEach(() => testbed.close())

type Program = (recorder: Recorder) => Promise<Json>
const never = () => new Promise<never>(() => {})

/** Runs until it ends, or until the effect's function kills its process. */
const run = (instance: Instance, program: Program): Promise<StepEnd | 'dead'> =>
  testbed.during(Promise.race([instance.steps.execute(testbed.spec('step:1'), program), instance.mortal.death]))

/** Leaves an effect claimed, its process killed while it was going on. */
async function crashInside(spec: EffectSpec<Json>, done: string[]): Promise<string> {
  const instance = testbed.instance()
  let key = ''
  const end = await run(instance, (recorder) =>
    recorder.effect('pay', spec, async (call) => {
      key = call.key
      done.push('first')
      instance.mortal.kill()
      return never()
    }),
  )
  expect(end).toBe('dead')
  return key
}

/** Enters the step again, in another process. */
async function reexecute(spec: EffectSpec<Json>, done: string[], instance = testbed.instance()) {
  const keys: string[] = []
  const end = await run(instance, (recorder) =>
    recorder.effect('pay', spec, async ({ key }) => {
      keys.push(key)
      done.push('again')
      return 'again'
    }),
  )
  return { end, keys, instance }
}

it('The grant of a claim is recorded with it, and another attempt gets the same grant.', async () => {
  let left = 7
  const claim = async () => ({ statements: [], granted: left-- })
  const spec = { class: 'idempotent', claim } as const
  const instance = testbed.instance()
  const dies = run(instance, (recorder) =>
    recorder.effect('pay', spec, async ({ granted }) => {
      expect(granted).toBe(7)
      instance.mortal.kill()
      return never()
    }),
  )
  expect(await dies).toBe('dead')
  const end = await run(testbed.instance(), (recorder) =>
    recorder.effect('pay', spec, ({ granted }) => granted ?? null),
  )
  expect(end).toEqual({ status: 'completed', outcome: 7 })
  expect(left).toBe(6)
})

it('A step whose claim cannot be made is interrupted, and its effect does not start.', async () => {
  let [times, fails] = [0, true]
  const claim = async () => {
    if (fails) throw new Error('no storage')
    return { statements: [] }
  }
  const program: Program = (recorder) => recorder.effect('pay', { class: 'idempotent', claim }, () => ++times)
  await expect(run(testbed.instance(), program)).rejects.toThrow('no storage')
  expect(times).toBe(0)
  fails = false
  expect(await run(testbed.instance(), program)).toEqual({ status: 'completed', outcome: 1 })
})

it('An effect that throws an unreadable value fails, and so does its step.', async () => {
  const evil = new Proxy(
    {},
    {
      getPrototypeOf() {
        throw new Error('inside')
      },
    },
  )
  const end = await run(testbed.instance(), (recorder) =>
    recorder.effect('pay', { class: 'at-most-once' }, async () => {
      throw evil
    }),
  )
  expect(end).toMatchObject({ status: 'failed', error: { message: 'thrown: what cannot be read' } })
})

describe('an effect whose process died while it went on', () => {
  it('An interrupted effect of class idempotent is repeated with the same key.', async () => {
    const done: string[] = []
    const key = await crashInside({ class: 'idempotent' }, done)
    const { end, keys } = await reexecute({ class: 'idempotent' }, done)
    expect(end).toEqual({ status: 'completed', outcome: 'again' })
    expect(keys).toEqual([key])
  })

  it('An interrupted effect of class read is repeated.', async () => {
    const done: string[] = []
    await crashInside({ class: 'read' }, done)
    expect((await reexecute({ class: 'read' }, done)).end).toEqual({ status: 'completed', outcome: 'again' })
  })

  it('An interrupted effect of class at-most-once is uncertain, listed, and not repeated.', async () => {
    const done: string[] = []
    const key = await crashInside({ class: 'at-most-once' }, done)
    const { end, instance } = await reexecute({ class: 'at-most-once' }, done)
    expect(end).toEqual({ status: 'uncertain', effect: 'pay', call: '/effect:pay#1' })
    expect(done).toEqual(['first'])
    expect(await instance.steps.uncertain.list(user)).toMatchObject([
      { step: 'step:1', call: '/effect:pay#1', effect: 'pay' },
    ])
    expect(await instance.steps.effects(user, 'step:1')).toMatchObject([{ name: 'pay', state: 'uncertain', key }])
    // A third process finds it so.
    const third = await reexecute({ class: 'at-most-once' }, done)
    expect(third.end).toMatchObject({ status: 'uncertain' })
    expect(await instance.steps.uncertain.list(user)).toHaveLength(1)
  })

  it.each<[Reconciled<Json>, StepEnd, string[]]>([
    ['happened', { status: 'completed', outcome: null }, ['first']],
    [{ happened: true, output: 'receipt' }, { status: 'completed', outcome: 'receipt' }, ['first']],
    ['not', { status: 'completed', outcome: 'again' }, ['first', 'again']],
    ['unknown', { status: 'uncertain', effect: 'pay', call: '/effect:pay#1' }, ['first']],
  ])(
    'An interrupted effect of class at-most-once calls reconcile, which returns %j.',
    async (verdict, expected, did) => {
      const done: string[] = []
      const key = await crashInside({ class: 'at-most-once' }, done)
      const asked: string[] = []
      const spec: EffectSpec<Json> = {
        class: 'at-most-once',
        reconcile: async (of) => {
          asked.push(of)
          return verdict
        },
      }
      const { end } = await reexecute(spec, done)
      expect(end).toEqual(expected)
      expect(done).toEqual(did)
      expect(asked).toEqual([key])
    },
  )

  it('An interrupted effect of class at-most-once is not repeated by newer code that calls it idempotent.', async () => {
    const done: string[] = []
    await crashInside({ class: 'at-most-once' }, done)
    for (let i = 0; i < 2; i++)
      expect((await reexecute({ class: 'idempotent' }, done)).end).toMatchObject({ status: 'uncertain' })
    expect(done).toEqual(['first'])
  })

  it('An interrupted effect of class at-most-once is uncertain if reconcile itself fails.', async () => {
    const done: string[] = []
    await crashInside({ class: 'at-most-once' }, done)
    const reconcile = async () => {
      throw new Error('service is down')
    }
    expect((await reexecute({ class: 'at-most-once', reconcile }, done)).end).toMatchObject({ status: 'uncertain' })
  })

  it.each([null, 'yes', {}, { happened: false }, { happened: 'true' }])(
    'An interrupted effect of class at-most-once is uncertain if reconcile returns %j, which is no answer.',
    async (answer) => {
      const done: string[] = []
      await crashInside({ class: 'at-most-once' }, done)
      const reconcile = async () => answer as 'unknown'
      expect((await reexecute({ class: 'at-most-once', reconcile }, done)).end).toMatchObject({ status: 'uncertain' })
      expect(done).toEqual(['first'])
    },
  )

  it('An uncertain effect is resolved when reconcile knows its outcome later, and leaves the list.', async () => {
    const done: string[] = []
    await crashInside({ class: 'at-most-once' }, done)
    await reexecute({ class: 'at-most-once' }, done)
    const reconcile = async () => ({ happened: true, output: 'late' }) as const
    const { end, instance } = await reexecute({ class: 'at-most-once', reconcile }, done)
    expect(end).toEqual({ status: 'completed', outcome: 'late' })
    expect(await instance.steps.uncertain.list(user)).toEqual([])
  })

  it.each([
    [{ happened: true, output: 'paper' } as const, 'paper', ['first']],
    [{ happened: true } as const, null, ['first']],
    [{ happened: false } as const, 'again', ['first', 'again']],
  ])('An uncertain effect is resolved by a person with %j in the same process.', async (resolution, outcome, did) => {
    const done: string[] = []
    await crashInside({ class: 'at-most-once' }, done)
    const { instance } = await reexecute({ class: 'at-most-once' }, done)
    await resolveEffect(instance, 'step:1', '/effect:pay#1', resolution)
    expect((await reexecute({ class: 'at-most-once' }, done, instance)).end).toEqual({ status: 'completed', outcome })
    expect(done).toEqual(did)
    expect(await instance.steps.uncertain.list(user)).toEqual([])
  })

  it.each([
    [{ happened: true, output: 'paper' } as const, 'paper', ['first']],
    [{ happened: false } as const, 'again', ['first', 'again']],
  ])(
    'An uncertain effect is resolved by a person with %j, and executed by another process.',
    async (resolution, outcome, did) => {
      const done: string[] = []
      await crashInside({ class: 'at-most-once' }, done)
      const { instance } = await reexecute({ class: 'at-most-once' }, done)
      instance.mortal.kill()
      const other = testbed.instance()
      await resolveEffect(other, 'step:1', '/effect:pay#1', resolution)
      expect((await reexecute({ class: 'at-most-once' }, done, other)).end).toEqual({ status: 'completed', outcome })
      expect(done).toEqual(did)
    },
  )

  it('An uncertain effect is resolved once, and a second resolution is rejected.', async () => {
    const done: string[] = []
    await crashInside({ class: 'at-most-once' }, done)
    const { instance } = await reexecute({ class: 'at-most-once' }, done)
    await resolveEffect(instance, 'step:1', '/effect:pay#1', { happened: true })
    const second = resolveEffect(instance, 'step:1', '/effect:pay#1', { happened: false })
    await expect(second).rejects.toMatchObject({ name: 'ConflictError', code: 'effect.resolved' })
  })

  const [paid, not] = [{ happened: true, output: 'paid' }, { happened: false }] as const
  it.each<[Resolution, Reconciled<Json>, Json, string[]]>([
    [paid, 'unknown', 'paid', ['first']],
    [paid, 'not', 'paid', ['first']],
    [paid, 'happened', 'paid', ['first']],
    [not, 'unknown', 'again', ['first', 'again']],
    [not, 'not', 'again', ['first', 'again']],
    [not, { happened: true, output: 'known' }, 'known', ['first']],
  ])(
    'An effect that is resolved as %j while reconcile finds out %j has one outcome.',
    async (resolution, verdict, outcome, did) => {
      const done: string[] = []
      await crashInside({ class: 'at-most-once' }, done)
      await (await reexecute({ class: 'at-most-once' }, done)).instance.steps.close()
      const instance = testbed.instance()
      const reconcile = async () => {
        await resolveEffect(instance, 'step:1', '/effect:pay#1', resolution)
        await new Promise<void>((resolve) => testbed.clock.after(100, resolve))
        return verdict
      }
      const { end } = await reexecute({ class: 'at-most-once', reconcile }, done, instance)
      expect([end, done]).toEqual([{ status: 'completed', outcome }, did])
      expect(await instance.steps.uncertain.list(user)).toEqual([])
    },
  )

  it('An effect that was resolved as not happened and is interrupted again is uncertain again.', async () => {
    const done: string[] = []
    await crashInside({ class: 'at-most-once' }, done)
    const { instance } = await reexecute({ class: 'at-most-once' }, done)
    instance.mortal.kill()
    const other = testbed.instance()
    await resolveEffect(other, 'step:1', '/effect:pay#1', { happened: false })
    const end = await run(other, (recorder) =>
      recorder.effect('pay', { class: 'at-most-once' }, async () => {
        done.push('second')
        other.mortal.kill()
        return never()
      }),
    )
    expect(end).toBe('dead')
    const third = await reexecute({ class: 'at-most-once' }, done)
    expect(third.end).toMatchObject({ status: 'uncertain' })
    expect(done).toEqual(['first', 'second'])
    expect(await third.instance.steps.uncertain.list(user)).toHaveLength(1)
  })

  it('An uncertain effect lets parallel effects finish before its step is uncertain.', async () => {
    const done: string[] = []
    await crashInside({ class: 'at-most-once' }, done)
    const instance = testbed.instance()
    let neighbour = 0
    const end = await run(instance, async (recorder) => {
      const [paid] = await Promise.all([
        recorder.effect('pay', { class: 'at-most-once' }, () => 'again'),
        recorder.effect('other', { class: 'idempotent' }, () => ++neighbour),
      ])
      return paid
    })
    expect(end).toMatchObject({ status: 'uncertain' })
    expect(neighbour).toBe(1)
    expect(await instance.steps.effects(user, 'step:1')).toContainEqual(
      expect.objectContaining({ name: 'other', state: 'done' }),
    )
  })
})

describe('an effect', () => {
  it.each([
    ['pay \0', undefined],
    ['pay \ud800', undefined],
    ['pay', 'a\0'],
  ])('An effect whose name or key cannot be stored is rejected: %j %j.', async (name, key) => {
    const instance = testbed.instance()
    const spec = { class: 'at-most-once' as const, ...(key === undefined ? {} : { key }) }
    const end = await run(instance, (recorder) => recorder.effect(name, spec, () => 'paid'))
    const problem = `its ${key === undefined ? 'name' : 'key'} holds NUL or half of a surrogate pair`
    expect(end).toMatchObject({ status: 'failed', error: { code: 'validation.failed', details: { problem } } })
    expect(await instance.steps.effects(user, 'step:1')).toEqual([])
  })

  it('An effect of class at-most-once is recorded before its result is returned.', async () => {
    const instance = testbed.instance()
    await run(instance, async (recorder) => {
      await recorder.effect('pay', { class: 'at-most-once' }, () => 'receipt')
      expect(await instance.steps.effects(user, 'step:1')).toMatchObject([{ state: 'done', output: 'receipt' }])
      return null
    })
  })

  it('An effect receives the key that the caller gave.', async () => {
    const instance = testbed.instance()
    const end = await run(instance, (recorder) =>
      recorder.effect('pay', { class: 'at-most-once', key: 'order-17' }, ({ key }) => key),
    )
    expect(end).toEqual({ status: 'completed', outcome: 'order-17' })
  })

  it('An effect that was recorded with another input is `code.changed`, and the record stays for the right code.', async () => {
    const program =
      (input: number, instance: Instance): Program =>
      async (recorder) => {
        const paid = await recorder.effect('pay', { class: 'at-most-once', input }, () => 'paid')
        if (input === 1) instance.mortal.kill()
        await recorder.commit()
        return paid
      }
    const first = testbed.instance()
    expect(await run(first, program(1, first))).toBe('dead')
    const second = testbed.instance()
    const end = await run(second, program(2, second))
    expect(end).toMatchObject({ status: 'code.changed', problem: expect.stringContaining('the effect pay') })
    const third = testbed.instance()
    const right = await run(third, (recorder) =>
      recorder.effect('pay', { class: 'at-most-once', input: 1 }, () => 'never'),
    )
    expect(right).toEqual({ status: 'completed', outcome: 'paid' })
  })

  it('An effect is listed with its result and its key, for an undo.', async () => {
    const instance = testbed.instance()
    await run(instance, async (recorder) => {
      await recorder.effect('book', { class: 'at-most-once' }, () => ({ seat: '12A' }))
      await recorder
        .effect('mail', { class: 'idempotent' }, () => {
          throw new Error('bounced')
        })
        .catch(() => {})
      return null
    })
    expect(await instance.steps.effects(user, 'step:1')).toMatchObject([
      { name: 'book', state: 'done', output: { seat: '12A' }, key: expect.stringMatching(/^[0-9a-f]{40}$/) },
      { name: 'mail', state: 'failed', error: { message: 'bounced' } },
    ])
  })
})
