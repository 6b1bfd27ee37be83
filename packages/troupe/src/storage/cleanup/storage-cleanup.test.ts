/** Retention: what only storage needs does not grow without bound. */
import { expect, test } from 'vitest'
import { createVirtualClock, seededRandom, type UserId } from '../../core/index.ts'
import { openStorage, type StorageRetention } from '../index.ts'

const ada = 'ada' as UserId
const bob = 'bob' as UserId

async function open(retention?: StorageRetention) {
  const clock = createVirtualClock()
  const all = retention && { retention }
  const storage = await openStorage({ url: 'memory:', migrations: [], clock, random: seededRandom(1), ...all })
  const push = (user: UserId, id: string | null = null, items = 1) =>
    storage.commit({
      id,
      scope: { user },
      statements: [],
      feed: Array.from({ length: items }, (_, i) => ({ kind: 'put', key: `${i}`, data: '{}' }) as const),
    })
  const rows = async (table: string) => (await storage.sizes()).tables[table]
  return { clock, storage, push, rows }
}

test('A change id is recognised for 24 hours and then forgotten.', async () => {
  const { clock, storage, push, rows } = await open()
  await push(ada, 'one')
  await clock.advance('23h')
  expect(await push(ada, 'one')).toMatchObject({ repeated: true })
  await clock.advance('2h')
  expect(await rows('storage_changes')).toBe(0)
  expect(await push(ada, 'one')).toMatchObject({ repeated: false })
  await storage.close()
})

test('The cleanup removes old feed items, and a reader behind the horizon is told the horizon.', async () => {
  const { clock, storage, push, rows } = await open({ feed: '1h' })
  for (let i = 0; i < 5; i++) await push(ada, null, 300)
  await push(bob)
  await clock.advance('50m')
  await push(ada)
  await clock.advance('15m')
  expect(await rows('storage_feed')).toBe(1)
  expect(await storage.feed(ada, 3, 10)).toEqual({ items: [], head: 6, horizon: 5 })
  expect((await storage.feed(ada, 5, 10)).items).toMatchObject([{ revision: 6 }])
  expect(await storage.feed(bob, 0, 10)).toEqual({ items: [], head: 1, horizon: 1 })
  await push(bob)
  expect((await storage.feed(bob, 1, 10)).items).toMatchObject([{ revision: 2 }])
  await storage.close()
})

test('The cleanup retains the newest revisions of a user with many, and the revisions of other users.', async () => {
  const { clock, storage, push } = await open({ feedRevisions: 100 })
  await push(bob)
  for (let i = 0; i < 1_200; i++) push(ada, null, 2)
  await push(ada)
  await clock.advance('2m')
  const page = await storage.feed(ada, 1_101, 1_000)
  expect(page).toMatchObject({ head: 1_201, horizon: 1_101 })
  expect(page.items).toHaveLength(199)
  expect((await storage.feed(bob, 0, 10)).items).toHaveLength(1)
  await storage.close()
})

test('The cleanup does nothing after the storage is closed.', async () => {
  const { clock, storage } = await open()
  await storage.close()
  await clock.advance('1h')
})
