import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Fragment } from '../../storage/index.ts'
import { createJournalTestbed, type Instance, type JournalTestbed, user } from '../journal-testbed.test.fixture.ts'
import { createTimers } from '../timers/create-timers.ts'
import { createInbox } from './create-inbox.ts'

let testbed: JournalTestbed
let instance: Instance
beforeEach(async () => {
  testbed = await createJournalTestbed()
  instance = testbed.instance()
})
afterEach(() => testbed.close())

const commit = (fragment: Fragment, of = user) => testbed.storage.commit({ id: null, scope: { user: of }, ...fragment })
const rows = (journal = 'run:1') => instance.inbox.read(user, journal, 100)

it('An inbox returns its rows in the order of their commits, each name of a sender once.', async () => {
  const { inbox } = instance
  await commit(inbox.put(user, 'run:1', 'step:1', 'outcome', { v: 1 }))
  await commit(inbox.put(user, 'run:1', 'step:2', 'outcome', 2))
  await commit(inbox.put(user, 'run:1', 'step:1', 'outcome', 'again'))
  await commit(inbox.put(user, 'run:2', 'step:1', 'outcome', 'elsewhere'))
  expect(await rows()).toEqual([
    { id: expect.any(Number), from: 'step:1', name: 'outcome', body: { v: 1 } },
    { id: expect.any(Number), from: 'step:2', name: 'outcome', body: 2 },
  ])
})

it('A row of an inbox is removed once, and a second removal is rejected with its change.', async () => {
  const { inbox } = instance
  await commit(inbox.put(user, 'run:1', 'step:1', 'outcome', 1))
  const [row] = await rows()
  expect(await commit(inbox.remove(user, 'run:1', [row?.id as number]))).toMatchObject({ ok: true })
  expect(await commit(inbox.remove(user, 'run:1', [row?.id as number]))).toMatchObject({ ok: false })
  expect(await rows()).toEqual([])
})

it('The ids of an inbox are never reused, however often the inbox was empty.', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 20 }), async (puts) => {
      const seen = new Set<number>()
      for (const [index, put] of puts.entries()) {
        const open = await rows()
        if (put) await commit(instance.inbox.put(user, 'run:1', 'step:1', `n${index}`, index))
        else if (open[0]) await commit(instance.inbox.remove(user, 'run:1', [open[0].id]))
        for (const row of await rows()) {
          const key = row.id
          if (!open.some((each) => each.id === key)) {
            expect(seen.has(key)).toBe(false)
            seen.add(key)
          }
        }
      }
      for (const row of await rows()) await commit(instance.inbox.remove(user, 'run:1', [row.id]))
    }),
    { numRuns: 20 },
  )
})

it('The listeners of an inbox are notified of new rows, and of rows from before they listened.', async () => {
  await commit(instance.inbox.put(user, 'run:1', 'step:1', 'a', 1))
  const received: string[] = []
  const off = instance.inbox.onArrival((of, journal) => received.push(`${of} ${journal}`))
  await testbed.clock.advance('1ms')
  expect(received).toEqual(['ada run:1'])
  await commit(instance.journals.create('eve', 'step:9', 'step', testbed.clock.now(), []).fragment, 'eve')
  await commit(instance.inbox.put('eve', 'step:9', 'step:1', 'b', 1), 'eve')
  await testbed.clock.advance('1ms')
  expect(received).toEqual(['ada run:1', 'eve step:9'])
  off()
  await commit(instance.inbox.put(user, 'run:1', 'step:1', 'c', 1))
  await testbed.clock.advance('1ms')
  expect(received).toHaveLength(2)
})

it('A timer becomes a row of its inbox when it is due, and not before.', async () => {
  const now = testbed.clock.now()
  await commit(instance.timers.set(user, 'run:1', 'deadline', now + 1_000, { of: 'branch' }))
  await testbed.clock.advance('999ms')
  expect(await rows()).toEqual([])
  await testbed.clock.advance('1ms')
  expect(await rows()).toMatchObject([{ from: 'timer', name: 'deadline', body: { of: 'branch' } }])
})

it('A timer that is set again moves, and a cleared timer never fires.', async () => {
  const now = testbed.clock.now()
  await commit(instance.timers.set(user, 'run:1', 'moved', now + 1_000, 1))
  await commit(instance.timers.set(user, 'run:1', 'moved', now + 5_000, 2))
  await commit(instance.timers.set(user, 'run:1', 'cleared', now + 1_000, 3))
  await commit(instance.timers.clear(user, 'run:1', 'cleared'))
  await testbed.clock.advance('4s')
  expect(await rows()).toEqual([])
  await testbed.clock.advance('2s')
  expect(await rows()).toMatchObject([{ name: 'moved', body: 2 }])
})

it('A timer that is set later and due earlier fires first.', async () => {
  const now = testbed.clock.now()
  await commit(instance.timers.set(user, 'run:1', 'late', now + 60_000, 1))
  await testbed.clock.advance('10ms')
  await commit(instance.timers.set(user, 'run:1', 'early', now + 100, 2))
  await testbed.clock.advance('200ms')
  expect((await rows()).map((row) => row.name)).toEqual(['early'])
})

it('A timer that is due in an hour notifies no process, and fires on time.', async () => {
  const now = testbed.clock.now()
  const far = instance.timers.set(user, 'run:1', 'far', now + 3_600_000, 1)
  expect(far.wake).toBeUndefined()
  expect(instance.timers.set(user, 'run:1', 'near', now + 300_000, 1).wake).toEqual(['timers'])
  await commit(far)
  for (let minute = 0; minute < 59; minute++) await testbed.clock.advance('1m')
  expect(await rows()).toEqual([])
  await testbed.clock.advance('1m')
  expect(await rows()).toMatchObject([{ from: 'timer', name: 'far' }])
})

it('A timer survives its process, and fires once however many processes check it.', async () => {
  await commit(instance.timers.set(user, 'run:1', 'deadline', testbed.clock.now() + 1_000, 1))
  instance.mortal.kill()
  await testbed.clock.advance('1h')
  instance = testbed.instance()
  const others = [createTimers(testbed), createTimers(testbed)]
  for (const timers of others) timers.start()
  await testbed.clock.advance('1s')
  expect(await rows()).toHaveLength(1)
  await commit(createInbox(testbed).remove(user, 'run:1', [(await rows())[0]?.id as number]))
  await testbed.clock.advance('1h')
  expect(await rows()).toEqual([])
  await Promise.all(others.map((timers) => timers.stop()))
})

it('An inbox fires hundreds of timers that are due at once.', async () => {
  const now = testbed.clock.now()
  await Promise.all(
    Array.from({ length: 450 }, (_, i) => commit(instance.timers.set(user, `run:${i % 7}`, `t${i}`, now + 10, i))),
  )
  await testbed.clock.advance('1s')
  const counts = await Promise.all(
    Array.from({ length: 7 }, async (_, i) => (await instance.inbox.read(user, `run:${i}`, 1_000)).length),
  )
  expect(counts.reduce((sum, count) => sum + count)).toBe(450)
})
