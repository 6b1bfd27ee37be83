import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createEvents, createVirtualClock, seededRandom } from '../../core/index.ts'
import { type Change, type OpenedStorage, openStorage, templates, type UserTable } from '../../storage/index.ts'
import { securityMigrations } from '../incidents.ts'
import { type EncryptionConfig, openEncryption } from './open-encryption.ts'

const table = ['create table notes (user_id text not null, id integer not null, body text, primary key (user_id, id))']
const migrations = [
  ...securityMigrations,
  { module: 'notes', version: 1, name: 'notes', lowestReader: 1, up: { sqlite: table, postgres: table } },
]
const tables: readonly UserTable[] = [
  { module: 'notes', name: 'notes', key: ['id'], content: { body: ['note', 'id'] }, batch: 7 },
]
const k = { id: 'k', key: new Uint8Array(32) }
const next = { id: 'next', key: new Uint8Array(32).fill(1) }
const users = Array.from({ length: 45 }, (_, i) => `user ${i}`)

/** A process that dies with its n-th change: nothing it asks for afterwards happens. */
function mortal(storage: OpenedStorage, dies: number): OpenedStorage {
  let commits = 0
  return {
    ...storage,
    dialect: storage.dialect,
    location: storage.location,
    read: (...asked) => storage.read(...asked),
    commit: (change: Change) =>
      commits++ < dies ? storage.commit(change) : Promise.reject(new Error('the process is dead')),
  }
}

async function openTestbed() {
  const clock = createVirtualClock()
  const storage = await openStorage({ url: 'memory:', migrations, clock, random: seededRandom('sweep') })
  for (const user of users) {
    const statements = Array.from({ length: user.endsWith('0') ? 20 : 1 }, (_, id) => ({
      sql: 'insert into notes (user_id, id, body) values (?, ?, ?)',
      binds: [user, id, id === 3 ? null : `note ${id} of ${user}`],
    }))
    await storage.commit({ id: null, scope: { user }, statements })
  }
  const progress: unknown[] = []
  const open = async (dies = Number.POSITIVE_INFINITY, config: EncryptionConfig = { keys: [k] }) => {
    const events = createEvents(() => {})
    events.on('encryption.reencrypted', (event) => progress.push(event.users))
    const failures: unknown[] = []
    const failed = (error: unknown) => failures.push(error)
    const opened = await openEncryption({ storage: mortal(storage, dies), config, clock, events, tables, failed })
    opened.encryption.start()
    return { ...opened, failures }
  }
  const bodies = async () =>
    ((await storage.read({ work: true }, [{ sql: 'select body from notes', binds: [], returns: true }]))[0] ?? []).map(
      ({ body }) => body,
    )
  return { storage, open, bodies, progress }
}

it('A re-encryption that is interrupted at any change resumes at the next opening.', async () => {
  const { storage, open, bodies, progress } = await openTestbed()
  let restarts = 0
  for (let dies = 5; ; dies += 13) {
    const { encryption, failures } = await open(dies).catch((error: unknown) => ({
      encryption: undefined,
      failures: [error],
    }))
    await encryption?.whenIdle().catch(() => {})
    restarts++
    if (failures.length === 0) break
  }
  expect(restarts).toBeGreaterThan(3)
  for (const body of await bodies()) expect(body === null || String(body).startsWith('~1')).toBe(true)
  const { encryption } = await open()
  expect(await encryption.status()).toEqual({ state: 'encrypted', current: 'k' })
  expect(progress.length).toBeGreaterThan(1)
  const renewed = await encryption.rotate({ data: true })
  expect(renewed.users).toBe(45)
  await encryption.decrypt()
  expect(
    (await bodies()).filter((body) => body !== null).every((body) => /^note \d+ of user \d+$/.test(String(body))),
  ).toBe(true)
  await storage.close()
})

it('A re-encryption does not overwrite what is written meanwhile.', async () => {
  const { storage, open } = await openTestbed()
  const { encryption, storage: encrypted } = await open()
  await Promise.all([
    encryption.whenIdle(),
    ...users.map((user) =>
      encrypted.commit({
        id: null,
        scope: { user },
        statements: [{ sql: 'update notes set body = null where user_id = ? and id = 0', binds: [user] }],
      }),
    ),
  ])
  const [rows] = await storage.read({ work: true }, [
    { sql: 'select count(*) as n from notes where id = 0 and body is not null', binds: [], returns: true },
  ])
  expect(rows).toEqual([{ n: 0 }])
  await storage.close()
})

it('A re-encryption that a close interrupts is no failure, and resumes at the next opening.', async () => {
  const { storage, open } = await openTestbed()
  const { encryption, failures } = await open()
  await encryption.close()
  expect(await encryption.status()).toMatchObject({ state: 'encrypting' })
  expect(failures).toEqual([])
  const reopened = (await open()).encryption
  await reopened.whenIdle()
  expect(await reopened.status()).toEqual({ state: 'encrypted', current: 'k' })
  await storage.close()
})

it('Rotations with data of several processes at once lose no value, and destroy all earlier keys.', async () => {
  const { storage, open, bodies } = await openTestbed()
  await (await open()).encryption.whenIdle()
  const keysIn = (found: readonly unknown[]) =>
    new Set(found.flatMap((body) => (body ? [String(body).slice(0, 13)] : [])))
  const before = keysIn(await bodies())
  const processes = [await open(), await open(), await open()]
  await Promise.all(processes.map(({ encryption }) => encryption.rotate({ data: true })))
  expect([...keysIn(await bodies())].filter((key) => before.has(key))).toEqual([])
  const [left] = await storage.read({ work: true }, [
    { sql: 'select count(*) as n from security_data_keys', binds: [], returns: true },
  ])
  expect(left).toEqual([{ n: users.length }])
  const { encryption } = await open()
  expect(await encryption.status()).toEqual({ state: 'encrypted', current: 'k' })
  await encryption.decrypt()
  for (const body of await bodies()) expect(body === null || /^note \d+ of user \d+$/.test(String(body))).toBe(true)
  await storage.close()
})

it('The status of encryption is that of the database, whichever process has changed it.', async () => {
  const { storage, open } = await openTestbed()
  await (await open()).encryption.whenIdle()
  const [first, second] = [await open(), await open()]
  expect(await second.encryption.status()).toEqual({ state: 'encrypted', current: 'k' })
  await first.encryption.decrypt()
  expect(await second.encryption.status()).toEqual({ state: 'off' })
  await storage.close()
})

it('A rotation continues a rotation of a process that died, with the key that the dead process has chosen.', async () => {
  const { storage, open } = await openTestbed()
  await (await open()).encryption.whenIdle()
  const living = await open(undefined, { keys: [k, next], current: 'k' })
  const dead = await open(10, { keys: [k, next], current: 'k' })
  await expect(dead.encryption.rotate({ to: 'next' })).rejects.toThrow('the process is dead')
  await living.encryption.rotate()
  expect(await living.encryption.status()).toEqual({ state: 'encrypted', current: 'next' })
  const alone = await open(undefined, { keys: [next] })
  expect(await alone.encryption.status()).toEqual({ state: 'encrypted', current: 'next' })
  await storage.close()
})

it('A database does not open without a key with which another process has wrapped a data key after a rotation.', async () => {
  const { storage, open, bodies } = await openTestbed()
  await (await open()).encryption.whenIdle()
  const both: EncryptionConfig = { keys: [k, next], current: 'k' }
  const [rotating, other] = [await open(undefined, both), await open(undefined, both)]
  await rotating.encryption.rotate({ to: 'next' })
  await (await open(undefined, { keys: [next] })).encryption.close()
  const compile = templates(storage.dialect, tables[0]?.content ?? {})
  const insert = compile<{ user: string; id: number; body: string }>(
    (p) => sql`insert into notes (user_id, id, body) values (${p.user}, ${p.id}, ${p.body})`,
  )
  const late = { user: 'late', id: 1, body: 'note 1 of user 1' }
  await other.storage.commit({ id: null, scope: { user: 'late' }, statements: [insert(late)] })
  await expect(open(undefined, { keys: [next] })).rejects.toMatchObject({ code: 'encryption.key_missing' })
  await (await open(undefined, { ...both, current: 'next' })).encryption.rotate()
  await (await open(undefined, { keys: [next] })).encryption.decrypt()
  expect(new Set(await bodies())).toContain(late.body)
  await storage.close()
})

it('A rotation with data that is interrupted at any change is completed at the next opening.', async () => {
  const { storage, open, bodies } = await openTestbed()
  await (await open()).encryption.whenIdle()
  const keysOf = async () =>
    new Set((await bodies()).flatMap((body) => (body === null ? [] : [String(body).slice(0, 13)])))
  for (const dies of [1, 2, 3, 10, 100]) {
    const before = await keysOf()
    const { encryption } = await open(dies)
    await expect(encryption.rotate({ data: true })).rejects.toThrow('the process is dead')
    const reopened = (await open()).encryption
    await reopened.whenIdle()
    expect(await reopened.status()).toEqual({ state: 'encrypted', current: 'k' })
    const left = [...(await keysOf())].filter((key) => before.has(key))
    expect(left, `interrupted at change ${dies}`).toEqual([])
  }
  await storage.close()
})
