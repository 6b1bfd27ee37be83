import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createVirtualClock, seededRandom, type VirtualClock } from '../../core/index.ts'
import { encryptStorage, type OpenedStorage, openStorage, templates } from '../../storage/index.ts'
import { securityMigrations } from '../incidents.ts'
import { DataKeys, type DataKeysOptions } from './data-keys.ts'
import type { KeyRing } from './key-ring-port.ts'
import { createLocalKeyRing } from './local-key-ring.ts'

const table = [
  'create table notes (user_id text not null, id integer not null, body text not null, primary key (user_id, id))',
]
const migrations = [
  ...securityMigrations,
  { module: 'notes', version: 1, name: 'notes', lowestReader: 1, up: { sqlite: table, postgres: table } },
]

let clock: VirtualClock
let bare: OpenedStorage
let keyRing: KeyRing
beforeEach(async () => {
  clock = createVirtualClock()
  bare = await openStorage({ url: 'memory:', migrations, clock, random: seededRandom('keys') })
  keyRing = await createLocalKeyRing({ keys: [{ id: 'k', key: new Uint8Array(32) }] })
})
afterEach(() => bare.close())

/** A process of its own. */
function startProcess(more: Partial<DataKeysOptions> = {}) {
  const keys = new DataKeys({ storage: bare, keyRing, clock, encryptionState: { state: 'encrypted' }, ...more })
  const storage = encryptStorage(bare, keys)
  type Note = { user: string; id: number; body: string }
  const compile = templates(storage.dialect, { body: ['note', 'id'] })
  const put = compile<Note>((p) => sql`insert into notes (user_id, id, body) values (${p.user}, ${p.id}, ${p.body})`)
  const read = compile<{ user: string }>((p) => sql`select id, body from notes where user_id = ${p.user} order by id`)
  return {
    keys,
    write: (user: string, id: number, body = `note ${id}`) =>
      storage.commit({ id: null, scope: { user }, statements: [put({ user, id, body })] }),
    notes: async (user: string) =>
      ((await storage.read({ user }, [read({ user }, { returns: true })]))[0] ?? []).map(({ body }) => body),
  }
}
const rows = async (sql: string) => (await bare.read({ work: true }, [{ sql, binds: [], returns: true }]))[0] ?? []

it('A data key encrypts at most so many values, and its successor leaves old values readable.', async () => {
  const { write, notes } = startProcess({ grant: 4, maxUses: 12 })
  for (let id = 0; id < 40; id++) expect(await write('ada', id)).toMatchObject({ ok: true })
  const keys = await rows('select id, current, uses from security_data_keys')
  expect(keys.length).toBeGreaterThan(3)
  expect(keys.filter(({ current }) => current === 1)).toHaveLength(1)
  for (const { uses } of keys) expect(uses).toBeLessThanOrEqual(12)
  const encrypted = await rows('select body from notes')
  for (const { id, uses } of keys)
    expect(encrypted.filter(({ body }) => String(body).includes(String(id))).length).toBeLessThanOrEqual(Number(uses))
  expect(await notes('ada')).toEqual(Array.from({ length: 40 }, (_, id) => `note ${id}`))
})

it('A process that knows only old data keys encrypts nothing under them.', async () => {
  const [one, other] = [startProcess(), startProcess()]
  for (const each of [one, other]) await each.write('ada', each === one ? 1 : 2)
  await one.keys.renew('ada', 'a sweep')
  const [current] = await rows('select id from security_data_keys where current = 1')
  expect(await other.write('ada', 3)).toMatchObject({ ok: true })
  const [late] = await rows('select body from notes where id = 3')
  expect(String(late?.body)).toContain(String(current?.id))
  await one.keys.drop('ada', String(current?.id))
  await expect(startProcess().notes('ada')).rejects.toMatchObject({
    code: 'encryption.damaged',
    details: { kind: 'note' },
  })
})

it('The changes of one user are committed in the order of the calls, also while its data key is fetched or replaced.', async () => {
  const { write, keys } = startProcess()
  const order: number[] = []
  const writeAll = (from: number) =>
    Array.from({ length: 20 }, (_, i) => write('ada', from + i).then(() => order.push(from + i)))
  await Promise.all(writeAll(0))
  await keys.renew('ada', 'a sweep')
  await Promise.all(writeAll(20))
  expect(order).toEqual(Array.from({ length: 40 }, (_, i) => i))
})

it('Five processes that meet a new user agree on its data key.', async () => {
  const processes = Array.from({ length: 5 }, () => startProcess())
  await Promise.all(processes.map(({ write }, id) => write('ada', id)))
  expect(await rows('select id from security_data_keys')).toHaveLength(1)
  for (const { notes } of processes) expect(await notes('ada')).toHaveLength(5)
})

it('A data key leaves the cache after its time, and is unwrapped once for concurrent calls.', async () => {
  let asked = 0
  const counting: KeyRing = {
    ...keyRing,
    current: keyRing.current,
    unwrap: (keyContext, wrapped) => {
      asked++
      return keyRing.unwrap(keyContext, wrapped)
    },
  }
  const { write, notes } = startProcess({ keyRing: counting, cacheMs: 1_000 })
  await Promise.all(Array.from({ length: 20 }, (_, id) => write('ada', id)))
  await Promise.all(Array.from({ length: 20 }, () => notes('ada')))
  expect(asked).toBe(1)
  await clock.advance('2s')
  await notes('ada')
  expect(asked).toBe(2)
})

it('A text that an engine would change is rejected, encrypted or not.', async () => {
  const { write } = startProcess()
  for (const body of ['half \ud800', 'nul \0'])
    await expect(write('ada', 1, body)).rejects.toMatchObject({ code: 'validation.failed' })
})
