import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
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

const callers = new AsyncLocalStorage<string>()
const classes = ['pure', 'read', 'idempotent', 'at-most-once'] as const
type EffectClass = (typeof classes)[number]

/** Calls an effect from an async context of its own. Its result is the context in which its function ran. */
const asked = (recorder: Recorder, name: string, effectClass: EffectClass, before?: () => Promise<never> | undefined) =>
  callers.run(name, () =>
    recorder.effect(name, { class: effectClass }, async () => (await before?.()) ?? callers.getStore() ?? null),
  )

const run = (instance: Instance, program: (recorder: Recorder) => Promise<Json>): Promise<StepEnd | 'dead'> =>
  testbed.during(Promise.race([instance.steps.execute(testbed.spec('step:1'), program), instance.mortal.death]))

const dies = (instance: Instance) => () => {
  instance.mortal.kill()
  return new Promise<never>(() => {})
}

it.each(classes)('An effect of class %s runs in the async context of its call.', async (effectClass) => {
  const end = await run(testbed.instance(), async (recorder) => {
    const both = await Promise.all([asked(recorder, 'one', effectClass), asked(recorder, 'two', effectClass)])
    const third = await asked(recorder, 'three', effectClass)
    return [...both, third]
  })
  expect(end).toEqual({ status: 'completed', outcome: ['one', 'two', 'three'] })
})

it.each(['read', 'idempotent'] as const)(
  'An effect of class %s that a replay begins runs in the async context of its call.',
  async (effectClass) => {
    const first = testbed.instance()
    const program =
      (second?: () => Promise<never>) =>
      async (recorder: Recorder): Promise<Json> => {
        const paid = await asked(recorder, 'one', 'at-most-once')
        return [
          paid,
          ...(await Promise.all([asked(recorder, 'two', effectClass, second), asked(recorder, 'three', 'read')])),
        ]
      }
    expect(await run(first, program(dies(first)))).toBe('dead')
    expect(await run(testbed.instance(), program())).toEqual({ status: 'completed', outcome: ['one', 'two', 'three'] })
  },
)

it('An effect that begins behind a commit runs in the async context of its call.', async () => {
  const end = await run(testbed.instance(), async (recorder) => {
    const commit = callers.run('commit', () => recorder.commit())
    const found = await Promise.all([asked(recorder, 'one', 'read'), asked(recorder, 'two', 'at-most-once')])
    await commit
    return found
  })
  expect(end).toEqual({ status: 'completed', outcome: ['one', 'two'] })
})

it('An effect that was resolved as not happened runs in the async context of its call.', async () => {
  const first = testbed.instance()
  expect(await run(first, (recorder) => asked(recorder, 'pay', 'at-most-once', dies(first)))).toBe('dead')
  const second = testbed.instance()
  const program = (recorder: Recorder) => asked(recorder, 'pay', 'at-most-once')
  expect(await run(second, program)).toMatchObject({ status: 'uncertain' })
  await resolveEffect(second, 'step:1', '/effect:pay#1', { happened: false })
  expect(await run(second, program)).toEqual({ status: 'completed', outcome: 'pay' })
  expect(await second.steps.uncertain.list(user)).toEqual([])
})
