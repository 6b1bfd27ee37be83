import { expect, it } from 'vitest'
import { type Json, maxValueBytes, seededRandom, type TroupeError } from '../../core/index.ts'
import { createBlobs } from '../../storage/index.ts'
import { createJournalTestbed } from '../journal-testbed.test.fixture.ts'
import { createJournals } from '../journals/create-journals.ts'
import type { Recorder } from '../recorder-port.ts'
import { createSteps } from '../steps/create-steps.ts'

const codeOf = (error: unknown) => (error as TroupeError).code

it('A read in a step rejects with `value.too_large` if no record can contain its answer, and the step continues.', async () => {
  const testbed = await createJournalTestbed()
  const { storage, clock } = testbed
  const { inbox, timers } = testbed.instance()
  const blobs = await createBlobs(storage)
  const journals = createJournals({ storage, clock, owner: 'node', blobs })
  const steps = createSteps({ storage, journals, inbox, timers, clock, random: seededRandom('answers') })
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
  expect(await testbed.during(steps.execute(testbed.spec('step:1'), program))).toEqual({ status: 'completed', outcome })
  await steps.close()
  await testbed.close()
})
