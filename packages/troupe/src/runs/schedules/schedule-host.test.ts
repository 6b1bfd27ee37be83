/** Schedules whose tasks take long to prepare, and what else the host serves meanwhile. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { PrepareTask } from './schedule-code.ts'
import { collectEvents, pollOptions, ScheduleTestbed } from './schedule-testbed.test.fixture.ts'

let testbed: ScheduleTestbed
beforeEach(() => {
  testbed = new ScheduleTestbed()
})
afterEach(() => testbed.end())

/** Never makes a task; counts its calls, and how many of them were stopped. */
function neverPrepared() {
  const calls = { started: 0, stopped: 0 }
  const prepare: PrepareTask = (_, { signal }) =>
    new Promise((_resolve, reject) => {
      calls.started++
      signal.addEventListener('abort', () => {
        calls.stopped++
        reject(signal.reason)
      })
    })
  return { calls, prepare }
}

it('A host starts the runs of other schedules in time while many tasks take long to prepare.', async () => {
  const { calls, prepare } = neverPrepared()
  const troupe = await testbed.openedInMemory({ schedules: { prepare: { prepare } } })
  const events = collectEvents(troupe)
  const { schedules } = troupe.user('bob')
  for (let i = 0; i < 20; i++) await schedules.create({ id: `slow-${i}`, team: 'echo', in: '1s', prepare: 'prepare' })
  await troupe.user('ada').schedules.create({ id: 'quick', team: 'echo', every: '10s', misfire: 'skip' })
  for (let i = 0; i < 300; i++) await testbed.clock.advance('100ms')
  expect(calls).toEqual({ started: 20, stopped: 0 })
  await expect.poll(testbed.countOf(troupe, 'quick'), pollOptions).toBe(3)
  expect(events.filter(({ type }) => type === 'schedule.missed')).toEqual([])
})

it('A schedule that became due while its task took long to prepare starts the next run afterwards.', async () => {
  const first = Promise.withResolvers<string>()
  let count = 0
  const prepare = () => (++count === 1 ? first.promise : 'next')
  const troupe = await testbed.openedInMemory({ schedules: { prepare: { prepare } } })
  await troupe.user('ada').schedules.create({ id: 's', team: 'echo', every: '10s', prepare: 'prepare' })
  for (let i = 0; i < 250; i++) await testbed.clock.advance('100ms')
  expect(count).toBe(1)
  first.resolve('first')
  await expect.poll(testbed.countOf(troupe, 's'), pollOptions).toBe(2)
  expect(Object.values(await testbed.runsOf(troupe, 's'))).toEqual(['first', 'next'])
})

it('The erasure of a user stops the preparation of a task.', async () => {
  const { calls, prepare } = neverPrepared()
  const troupe = await testbed.openedInMemory({ schedules: { prepare: { prepare } } })
  await troupe.user('ada').schedules.create({ id: 's', team: 'echo', in: '1s', prepare: 'prepare' })
  await testbed.clock.advance('1s')
  await expect.poll(() => calls.started, pollOptions).toBe(1)
  await troupe.forget('ada')
  expect(calls.stopped).toBe(1)
  expect((await troupe.user('ada').schedules.list()).items).toEqual([])
})
