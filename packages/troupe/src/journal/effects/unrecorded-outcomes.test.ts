/** Effects whose outcomes the storage rejects while their process lives. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Json, ProcessingError } from '../../core/index.ts'
import { createJournalTestbed, type Instance, type JournalTestbed, user } from '../journal-testbed.test.fixture.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd } from '../steps-port.ts'
import { OutcomesOfStep, UnrecordedOutcomes } from './unrecorded-outcomes.ts'

let testbed: JournalTestbed
beforeEach(async () => {
  testbed = await createJournalTestbed()
})
afterEach(() => testbed.close())

const execute = ({ steps }: Instance, program: (recorder: Recorder) => Promise<Json>): Promise<StepEnd> =>
  testbed.during(steps.execute(testbed.spec('step:1'), program))

/** @returns what ends the outage of the storage of a process */
function interruptCommits({ storage }: Instance): () => void {
  const { commit } = storage
  Object.assign(storage, { commit: () => Promise.reject(new ProcessingError('The disk is full.')) })
  return () => void Object.assign(storage, { commit })
}

describe('an outcome without a record', () => {
  const full = 'The disk is full.'
  /** @returns how often the payment was executed, and the ends of the step after the outage, in the same and in another process */
  async function pay(outcome: () => Json, isOtherProcess = false) {
    const instance = testbed.instance()
    const outage: { end?: () => void } = {}
    let times = 0
    const program = (recorder: Recorder) =>
      recorder.effect('pay', { class: 'at-most-once' }, () => {
        times++
        outage.end = interruptCommits(instance)
        return outcome()
      })
    await expect(execute(instance, program)).rejects.toThrow(full)
    // The outage lasts.
    await expect(execute(instance, program)).rejects.toThrow(full)
    outage.end?.()
    const end = await execute(isOtherProcess ? testbed.instance() : instance, program)
    return { end, times, uncertain: await instance.steps.uncertain.list(user) }
  }

  it('An outcome that the storage rejected is recorded by the next execution in its process, and is not uncertain.', async () => {
    expect(await pay(() => 'paid')).toEqual({ end: { status: 'completed', outcome: 'paid' }, times: 1, uncertain: [] })
  })

  it('An error of an effect that the storage rejected is recorded by the next execution in its process.', async () => {
    const { end, times, uncertain } = await pay(() => {
      throw new Error('the card is expired')
    })
    expect(end).toMatchObject({ status: 'failed', error: { message: 'the card is expired' } })
    expect({ times, uncertain }).toEqual({ times: 1, uncertain: [] })
  })

  it('An outcome that the storage rejected is uncertain in another process.', async () => {
    const { end, times, uncertain } = await pay(() => 'paid', true)
    expect(end).toMatchObject({ status: 'uncertain', effect: 'pay' })
    expect({ times, listed: uncertain.length }).toEqual({ times: 1, listed: 1 })
  })
})

it('UnrecordedOutcomes drops the outcomes of an erased user, and of the oldest of a thousand steps.', () => {
  const unrecorded = new UnrecordedOutcomes()
  const outcomes = new OutcomesOfStep()
  unrecorded.add('ada', 'step:1', outcomes)
  unrecorded.add('bob', 'step:1', outcomes)
  unrecorded.forget('ada')
  expect(unrecorded.take('ada', 'step:1')).toBeUndefined()
  for (let i = 2; i <= 1_001; i++) unrecorded.add('bob', `step:${i}`, outcomes)
  expect(unrecorded.take('bob', 'step:1')).toBeUndefined()
  expect(unrecorded.take('bob', 'step:2')).toBe(outcomes)
  expect(unrecorded.take('bob', 'step:2')).toBeUndefined()
})

it('UnrecordedOutcomes drops the oldest steps of a user beyond 64 MiB, also when an effect ends after its step.', () => {
  const unrecorded = new UnrecordedOutcomes()
  const outcome = { key: '', taint: [], output: '', bytes: 2 ** 20 }
  const steps = Array.from({ length: 66 }, () => new OutcomesOfStep())
  steps.forEach((outcomes, i) => {
    unrecorded.add('ada', `step:${i}`, outcomes)
  })
  unrecorded.add('bob', 'step:0', new OutcomesOfStep())
  for (const outcomes of steps) outcomes.note('pay#1', outcome)
  expect(unrecorded.take('ada', 'step:0')).toBeUndefined()
  expect(unrecorded.take('ada', 'step:1')).toBeUndefined()
  expect(unrecorded.take('ada', 'step:2')).toBe(steps[2])
  expect(unrecorded.take('bob', 'step:0')).toBeDefined()
})
