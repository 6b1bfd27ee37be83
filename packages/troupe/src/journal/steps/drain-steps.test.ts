import { expect, it } from 'vitest'
import { createJournalTestbed } from '../journal-testbed.test.fixture.ts'

it('A drain counts as released the steps that began during it, and as finished those that ended.', async () => {
  const testbed = await createJournalTestbed()
  const { steps } = testbed.instance()
  const never = () => new Promise<never>(() => {})
  const execute = (id: string, program: () => Promise<null>) => {
    steps.execute(testbed.spec(id), program).catch(() => {})
    return testbed.clock.advance('10ms')
  }
  await execute('step:1', never)
  await execute('step:2', () => new Promise((resolve) => testbed.clock.after(500, () => resolve(null))))
  const drained = steps.drain({ finishMs: 1_000, effectsMs: 100 })
  await execute('step:3', never)
  await execute('step:4', never)
  expect(await testbed.during(drained)).toEqual({ finished: 1, released: 3 })
  await testbed.close()
})
