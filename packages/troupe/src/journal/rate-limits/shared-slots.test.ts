import { sql } from 'kysely'
import { afterEach, expect, it } from 'vitest'
import { createIds, createVirtualClock, failure, seededRandom } from '../../core/index.ts'
import { type OpenedStorage, openStorage, statementOf } from '../../storage/index.ts'
import { journalMigrations } from '../journal-migrations.ts'
import { SharedSlots } from './shared-slots.ts'

let open: OpenedStorage | undefined
afterEach(() => open?.close())

/** A database with two processes, of which each has the slots of one limit. */
async function twoProcesses(limit: number) {
  const clock = createVirtualClock()
  const random = seededRandom(1)
  const storage = await openStorage({ url: 'memory:', migrations: journalMigrations, clock, random })
  open = storage
  const write = (text: ReturnType<typeof sql>) =>
    storage.commit({ id: null, scope: { work: true }, statements: [statementOf(storage.dialect, text)] })
  await write(sql`insert into processes (process_id, lease_until) values ('one', 1), ('other', 1)`)
  const ids = createIds(clock, random)
  const slotsOf = (holder: string) =>
    new SharedSlots({ storage, clock, ids, holder: () => holder }, { name: 'mock', limit })
  return { clock, storage, write, one: slotsOf('one'), other: slotsOf('other') }
}

it('Shared slots are taken by all processes up to their number, and a call waits until one is free or its signal aborts.', async () => {
  const { clock, one, other } = await twoProcesses(2)
  const free = await one.acquire(undefined)
  await other.acquire(undefined)
  const aborted = new AbortController()
  const stopped = one.acquire(aborted.signal)
  let isClaimed = false
  const waiting = other.acquire(undefined).then(() => {
    isClaimed = true
  })
  await clock.advance('5s')
  aborted.abort()
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' })
  expect(isClaimed).toBe(false)
  free()
  await clock.advance('1s')
  await waiting
})

it('Shared slots of a process whose lease has ended are free.', async () => {
  const { one, other, write } = await twoProcesses(1)
  await one.acquire(undefined)
  await write(sql`delete from processes where process_id = 'one'`)
  await other.acquire(undefined)
})

it('A shared slot is freed if the answer of the change that took it was lost.', async () => {
  const { clock, storage, one, other } = await twoProcesses(1)
  const commit = storage.commit.bind(storage)
  storage.commit = async (change) => {
    await commit(change)
    throw failure('storage.io', { path: 'x', problem: 'cut off' })
  }
  await expect(one.acquire(undefined)).rejects.toMatchObject({ code: 'storage.io' })
  storage.commit = commit
  await clock.advance('2s')
  await other.acquire(undefined)
})

it('A shared slot is freed when the storage accepts changes again.', async () => {
  const { clock, storage, one, other } = await twoProcesses(1)
  const free = await one.acquire(undefined)
  const { commit } = storage
  storage.commit = () => Promise.reject(failure('storage.io', { path: 'x', problem: 'full' }))
  free()
  await clock.advance('3s')
  storage.commit = commit.bind(storage)
  await clock.advance('1s')
  await other.acquire(undefined)
})
