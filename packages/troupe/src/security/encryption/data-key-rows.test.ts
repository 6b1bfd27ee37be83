import { afterEach, beforeEach, expect, it } from 'vitest'
import { createVirtualClock, seededRandom } from '../../core/index.ts'
import { type OpenedStorage, openStorage } from '../../storage/index.ts'
import { securityMigrations } from '../incidents.ts'
import { DataKeyRows } from './data-key-rows.ts'
import { createLocalKeyRing } from './local-key-ring.ts'

let storage: OpenedStorage
beforeEach(async () => {
  const random = seededRandom('rows')
  storage = await openStorage({ url: 'memory:', migrations: securityMigrations, clock: createVirtualClock(), random })
})
afterEach(() => storage.close())
const keys = { old: { id: 'old', key: new Uint8Array(32) }, new: { id: 'new', key: new Uint8Array(32).fill(1) } }
const open = async (...names: readonly ('old' | 'new')[]) =>
  new DataKeyRows(storage, await createLocalKeyRing({ keys: names.map((name) => keys[name]) }))

it('One of two processes that create the first key of a user has its key stored.', async () => {
  const rows = await open('old')
  await Promise.all([rows.create('ada', undefined), rows.create('ada', undefined)])
  const stored = await rows.all('ada')
  expect(stored.map(({ current }) => Boolean(current))).toEqual([true])
  expect([...(await rows.unwrap('ada', stored)).keys()]).toEqual(stored.map(({ id }) => id))
})
it('A key that replaces another leaves that one for decryption until it is dropped.', async () => {
  const rows = await open('old')
  await rows.create('ada', undefined)
  const first = (await rows.all('ada'))[0]?.id
  await rows.create('ada', first)
  const second = (await rows.all('ada')).find(({ current }) => current)?.id ?? ''
  expect([(await rows.all('ada')).length, second === first]).toEqual([2, false])
  await rows.drop('ada', second)
  expect((await rows.all('ada')).map(({ id }) => id)).toEqual([second])
  await rows.retireAll('ada')
  expect((await rows.all('ada')).some(({ current }) => current)).toBe(false)
})
it('A key is dropped only while the key that stays is the current one.', async () => {
  const rows = await open('old')
  await rows.create('ada', undefined)
  const first = (await rows.all('ada'))[0]?.id ?? ''
  await rows.create('ada', first)
  expect([await rows.drop('ada', first), await rows.drop('ada', null)]).toEqual([false, false])
  expect((await rows.all('ada')).length).toBe(2)
  await rows.retireAll('ada')
  expect(await rows.drop('ada', null)).toBe(true)
  expect(await rows.all('ada')).toEqual([])
})
it('Keys that another key of the ring has wrapped are wrapped with the current one, once.', async () => {
  await (await open('old')).create('ada', undefined)
  const rotated = await open('old', 'new')
  expect([await rotated.rewrapDataKeys('ada'), await rotated.rewrapDataKeys('ada')]).toEqual([1, 0])
  const alone = await open('new')
  expect((await alone.unwrap('ada', await alone.all('ada'))).size).toBe(1)
})
