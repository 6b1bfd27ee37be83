import { expect, it } from 'vitest'
import { failure, type Json, maxValueBytes, seededRandom, type TroupeError } from '../../core/index.ts'
import { createBlobs } from '../../storage/index.ts'
import { createJournalTestbed, user } from '../journal-testbed.test.fixture.ts'
import { createJournals } from '../journals/create-journals.ts'
import type { Recorder } from '../recorder-port.ts'
import { createSteps } from '../steps/create-steps.ts'

const codeOf = (error: unknown) => (error as TroupeError).code

async function openSteps() {
  const testbed = await createJournalTestbed()
  const { storage, clock } = testbed
  const { inbox, timers } = testbed.instance()
  const journals = createJournals({ storage, clock, owner: 'node', blobs: await createBlobs(storage) })
  const steps = createSteps({ storage, journals, inbox, timers, clock, random: seededRandom('answers') })
  const execute = (program: (recorder: Recorder) => Promise<Json>) =>
    testbed.during(steps.execute(testbed.spec('step:1'), program))
  const close = async () => {
    await steps.close()
    await testbed.close()
  }
  return { testbed, storage, steps, execute, close }
}

it('A read in a step rejects with `value.too_large` if no record can contain its answer, and the step continues.', async () => {
  const { execute, close } = await openSteps()
  const program = async (recorder: Recorder): Promise<Json> => {
    const get = { kind: 'get', name: 'k' }
    const fits = await recorder.answer(get, () => 'x'.repeat(maxValueBytes - 400))
    const late = await recorder.answer(get, () => 'x'.repeat(maxValueBytes)).catch(codeOf)
    let atOnce: unknown
    try {
      recorder.answerNow(get, () => 'x'.repeat(maxValueBytes))
    } catch (error) {
      atOnce = codeOf(error)
    }
    await recorder.effect('pay', { class: 'at-most-once' }, () => null)
    return [fits.length, late, atOnce as Json]
  }
  const outcome = [maxValueBytes - 400, 'value.too_large', 'value.too_large']
  expect(await execute(program)).toEqual({ status: 'completed', outcome })
  await close()
})

it('A read whose storage fails breaks off the step, and the next execution reads afterwards.', async () => {
  const { execute, close } = await openSteps()
  let reads = 0
  const program = async (recorder: Recorder): Promise<Json> => {
    const outcome = await recorder.effect('pay', { class: 'at-most-once' }, () => 'paid')
    const read = async () => {
      if (++reads === 1) throw failure('storage.unreachable', { path: 'postgres://db/shop', problem: 'ECONNREFUSED' })
      return reads
    }
    return [outcome, await recorder.answer({ kind: 'get', name: 'k' }, read)]
  }
  await expect(execute(program)).rejects.toMatchObject({ code: 'storage.unreachable' })
  expect(await execute(program)).toEqual({ status: 'completed', outcome: ['paid', 2] })
  await close()
})

it('A wait rejects with `value.too_large` if no record can contain its answer.', async () => {
  const { storage, steps, execute, close } = await openSteps()
  const notify = () => ({ statements: [] })
  const program = (recorder: Recorder): Promise<Json> =>
    recorder.wait({ call: { kind: 'request', name: 'note' }, input: null, notify })
  expect(await execute(program)).toMatchObject({ status: 'parked' })
  const answer = { value: 'x'.repeat(maxValueBytes) }
  await storage.commit({ id: null, scope: { user }, ...steps.answer(user, 'step:1', '/request:note#1', answer) })
  const message = expect.stringContaining('The request note has')
  expect(await execute(program)).toMatchObject({ status: 'failed', error: { code: 'value.too_large', message } })
  await close()
})

it('A resolution of an effect with an output that no record can contain is rejected.', async () => {
  const { steps, close } = await openSteps()
  const resolution = { happened: true, output: 'x'.repeat(maxValueBytes) } as const
  expect(() => steps.resolve(user, 'step:1', '/effect:pay#1', resolution)).toThrow('The resolution of an effect')
  await close()
})
