import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../core/index.ts'
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
let done: string[]
beforeEach(async () => {
  testbed = await createJournalTestbed()
  done = []
})
afterEach(() => testbed.close())

type Program = (recorder: Recorder, on: Instance) => Promise<Json>

const pay = (recorder: Recorder, name: string, fn: () => Json | Promise<Json> = () => name) =>
  recorder.effect(name, { class: 'at-most-once' }, async () => {
    done.push(name)
    return fn()
  })
const ask = (recorder: Recorder, name: string) =>
  recorder.wait({ call: { kind: 'ask', name }, input: name, notify: () => ({ statements: [] }) })
const never = () => new Promise<never>(() => {})
const execute = async (program: Program) => {
  const instance = testbed.instance()
  const ended = instance.steps.execute(testbed.spec('step:1'), (recorder) => program(recorder, instance))
  const late = new Promise<'dead'>((resolve) => testbed.clock.after(60_000, () => resolve('dead')))
  const end = await testbed.during(Promise.race([ended, late]))
  instance.mortal.kill()
  return end
}
const records = async () => (await testbed.instance().journals.load(user, 'step:1'))?.records

/** What the right code has left, by what its process had recorded when it ended; `right` goes on with it. */
const recordsOf: Record<string, { readonly begin: Program; readonly right: Program; readonly outcome: Json }> = {
  'the claim of an idempotent effect': {
    begin: (recorder) => recorder.effect('send', { class: 'idempotent' }, never),
    right: (recorder) => recorder.effect('send', { class: 'idempotent' }, () => 'sent'),
    outcome: 'sent',
  },
  'an answer and a claim behind it': {
    begin: async (recorder, on) => {
      const { version } = await keyValuesOf(on.storage).get(recorder, 'k')
      return recorder.effect('send', { class: 'idempotent', input: version }, never)
    },
    right: async (recorder, on) => {
      const { version } = await keyValuesOf(on.storage).get(recorder, 'k')
      return recorder.effect('send', { class: 'idempotent', input: version }, () => 'sent')
    },
    outcome: 'sent',
  },
  'a committed write': {
    begin: async (recorder, on) => {
      keyValuesOf(on.storage).push(recorder, 'k', 'right')
      await recorder.commit()
      return never()
    },
    right: async (recorder, on) => {
      keyValuesOf(on.storage).push(recorder, 'k', 'right')
      await recorder.commit()
      return pay(recorder, 'right')
    },
    outcome: 'right',
  },
}

const wrongs: Record<string, Program> = {
  'carries out an effect': (recorder) => pay(recorder, 'wrong'),
  'carries out an effect and waits': async (recorder) => [await pay(recorder, 'wrong'), await ask(recorder, 'q')],
  'reads and draws': async (recorder, on) => {
    const drawn = recorder.answerNow({ kind: 'random', name: '' }, () => 4)
    return [drawn, (await keyValuesOf(on.storage).get(recorder, 'other')).value]
  },
  'commits a write': async (recorder, on) => {
    keyValuesOf(on.storage).push(recorder, 'other', 'wrong')
    await recorder.commit()
    return null
  },
  'runs a body': (recorder) => recorder.body('tool', async (inner) => pay(inner, 'wrong')),
  'runs an empty body and throws': async (recorder) => {
    await recorder.body('tool', async () => 1)
    throw new Error('wrong')
  },
}

describe.each(Object.entries(recordsOf))('a step whose record holds %s', (_, { begin, right, outcome }) => {
  it.each(Object.entries(wrongs))(
    'A replay rejects code that %s, and the right code finishes the step.',
    async (_, wrong) => {
      expect(await execute(begin)).toBe('dead')
      const before = await records()
      expect(await execute(wrong)).toMatchObject({ status: 'code.changed' })
      expect(await records()).toEqual(before)
      expect(done).not.toContain('wrong')
      expect(await execute(right)).toEqual({ status: 'completed', outcome })
      expect(await appliedWrites(testbed.storage)).not.toContain('other="wrong"')
    },
  )
})

it('A waiting step rejects code that asks something else first, and the right code finishes it.', async () => {
  expect(await execute((recorder) => ask(recorder, 'q'))).toMatchObject({ status: 'parked' })
  const other: Program = async (recorder) => [await pay(recorder, 'wrong'), await ask(recorder, 'q')]
  expect(await execute(other)).toMatchObject({ status: 'code.changed' })
  const { steps, storage } = testbed.instance()
  await storage.commit({ id: null, scope: { user }, ...steps.answer(user, 'step:1', '/ask:q#1', { value: 42 }) })
  expect(await execute((recorder) => ask(recorder, 'q'))).toEqual({ status: 'completed', outcome: 42 })
  expect(done).toEqual([])
})
