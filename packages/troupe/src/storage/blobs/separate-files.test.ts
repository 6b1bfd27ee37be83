/** The data of files is stored once per user, as long as content names it. */

import { sql } from 'kysely'
import { afterEach, describe, expect, test } from 'vitest'
import { createVirtualClock, seededRandom, systemClock, type UserId } from '../../core/index.ts'
import { storageConformance } from '../../testing/index.ts'
import { type Migration, openStorage, templates, type UserTable } from '../index.ts'
import { separateFiles } from './separate-files.ts'

const ada = 'ada' as UserId
const bob = 'bob' as UserId
const image = (letter: string) => letter.repeat(20_000)
const notes: readonly UserTable[] = [
  { module: 'notes', name: 'notes', key: ['id'], content: { body: ['note', 'id'] } },
  { module: 'notes', name: 'old_notes', key: ['id'], content: { body: ['note', 'id'] } },
]
const tables = ['notes', 'old_notes'].map(
  (name) => `create table ${name} (user_id text not null, id text not null, body text, primary key (user_id, id))`,
)
const migrations: readonly Migration[] = [
  { module: 'notes', version: 1, name: 'notes', lowestReader: 1, up: { sqlite: tables, postgres: tables } },
]

const closings: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closings.splice(0)) await close()
})

async function open() {
  const clock = createVirtualClock()
  const bare = await openStorage({ url: 'memory:', migrations, clock, random: seededRandom(1) })
  const { storage, unusedBlobs } = await separateFiles(bare, { clock, fileBytes: 8_192, tables: notes })
  closings.push(() => storage.close())
  const compile = templates(storage.dialect, { body: ['note', 'id'] })
  const put = compile<{ user: string; id: string; body: string }>(
    (p) => sql`insert into notes (user_id, id, body) values (${p.user}, ${p.id}, ${p.body})
      on conflict (user_id, id) do update set body = excluded.body returning id, body`,
  )
  const all = compile<{ user: string }>((p) => sql`select id, body from notes where user_id = ${p.user} order by id`)
  const run = (user: UserId, text: string) =>
    storage.commit({ id: null, scope: { user }, statements: [{ sql: text, binds: [] }] })
  return {
    clock,
    storage,
    unusedBlobs,
    run,
    put: (user: UserId, id: string, body: string) =>
      storage.commit({ id: null, scope: { user }, statements: [put({ user, id, body }, { returns: true })] }),
    bodies: async (user: UserId) =>
      (await storage.read({ user }, [all({ user }, { returns: true })]))[0]?.map(({ body }) => body),
    stored: async (user: UserId) =>
      (await bare.read({ user }, [all({ user }, { returns: true })]))[0]?.map(({ body }) => String(body).length),
    blobs: async () => (await storage.sizes()).tables.storage_blobs,
    owners: async () => (await storage.sizes()).tables.storage_blob_owners,
    /** Lets two lookups of every location pass. */
    async expire() {
      await clock.advance('61m')
      await unusedBlobs.cleanup(9)
      await clock.advance('11m')
      await unusedBlobs.cleanup(9)
    },
  }
}

describe('a storage that separates files', () => {
  for (const { name, run } of storageConformance(async (options) => {
    const storage = await openStorage({ ...options, url: 'memory:', random: seededRandom(1) })
    return (await separateFiles(storage, { clock: systemClock, fileBytes: 16 * 1024 * 1024, tables: [] })).storage
  }))
    test(name, run)
})

test('The data of a file is stored once for each user, and content is read as it was written.', async () => {
  const { put, bodies, stored, blobs } = await open()
  const body = JSON.stringify({ data: image('A'), more: [image('A'), image('B')] })
  const written = await put(ada, 'a', body)
  expect(written).toMatchObject({ rows: [[{ id: 'a', body }]], affected: [1] })
  await put(ada, 'b', body)
  await put(bob, 'a', body)
  expect([await bodies(ada), await bodies(bob)]).toEqual([[body, body], [body]])
  expect(Math.max(...((await stored(ada)) ?? []))).toBeLessThan(400)
  expect(await blobs()).toBe(4)
})

test('Changes of a user are committed in the order of the calls, whatever their length.', async () => {
  const notes = await open()
  const bodies = [`${'a b '.repeat(50_000)}`, 'short', `${image('z')} ${'c d '.repeat(50_000)}`, 'last']
  const revisions = await Promise.all(bodies.map((body) => notes.put(ada, 'n', body)))
  expect(revisions.map((result) => result.ok)).toEqual([true, true, true, true])
  expect(await notes.bodies(ada)).toEqual(['last'])
})
test('A text that looks like a reference is stored and read as a text.', async () => {
  const { put, bodies, blobs } = await open()
  await put(ada, 'a', '\u0001[[0,"hash"]]\n{}')
  expect(await bodies(ada)).toEqual(['\u0001[[0,"hash"]]\n{}'])
  expect(await blobs()).toBe(0)
})

test('A rejected change stores no file.', async () => {
  const { storage, run, put, blobs, owners } = await open()
  await put(ada, 'a', '{}')
  const statement = {
    sql: 'insert into notes (user_id, id, body) values (?, ?, ?)',
    binds: [ada, 'b', JSON.stringify(image('A'))],
    content: {
      binds: [{ index: 2, to: { kind: 'note', of: [{ name: 'id', bind: 1, text: undefined }] } }],
      columns: [],
    },
    expect: { rows: 2 },
  }
  expect(await storage.commit({ id: null, scope: { user: ada }, statements: [statement] })).toMatchObject({
    ok: false,
    statement: 0,
  })
  expect([await blobs(), await owners()]).toEqual([0, 0])
  await run(ada, 'select 1')
})

test('The data of a file goes when no content names it, after two lookups.', async () => {
  const { put, run, unusedBlobs, clock, blobs, owners, expire } = await open()
  await put(ada, 'a', JSON.stringify(image('A')))
  await put(ada, 'b', JSON.stringify(image('A')))
  await put(ada, 'c', JSON.stringify(image('C')))
  await run(ada, "delete from notes where id in ('a', 'c')")
  await clock.advance('61m')
  await unusedBlobs.cleanup(9)
  expect(await blobs()).toBe(2)
  await clock.advance('11m')
  await unusedBlobs.cleanup(9)
  expect([await blobs(), await owners()]).toEqual([1, 1])
  await put(ada, 'b', '{}')
  await expire()
  expect([await blobs(), await owners()]).toEqual([0, 0])
})

test('Content that moved to another table still names its files.', async () => {
  const { put, run, blobs, expire } = await open()
  await put(ada, 'a', JSON.stringify(image('A')))
  await run(ada, 'insert into old_notes select * from notes')
  await run(ada, 'delete from notes')
  await expire()
  expect(await blobs()).toBe(1)
  await run(ada, 'delete from old_notes')
  await expire()
  expect(await blobs()).toBe(0)
})

test('A blob file that is referenced again after a lookup found it unused is not deleted.', async () => {
  const { put, bodies, unusedBlobs, clock, expire } = await open()
  await put(ada, 'a', JSON.stringify(image('A')))
  await put(ada, 'a', '{}')
  await clock.advance('61m')
  await unusedBlobs.cleanup(9)
  await put(ada, 'a', JSON.stringify(image('A')))
  await clock.advance('11m')
  await unusedBlobs.cleanup(9)
  await expire()
  expect(await bodies(ada)).toEqual([JSON.stringify(image('A'))])
})

test('A write between the lookup and its result wins over the result.', async () => {
  const { put, bodies, storage, clock } = await open()
  await put(ada, 'a', JSON.stringify(image('A')))
  await put(ada, 'a', '{}')
  let before = async () => {}
  const commit: typeof storage.commit = async (change) => {
    await before()
    return storage.commit(change)
  }
  const { createUnusedBlobs } = await import('./unused-blobs.ts')
  const late = createUnusedBlobs({ dialect: storage.dialect, read: storage.read, commit }, notes)
  await clock.advance('61m')
  await late.cleanup(9)
  await clock.advance('11m')
  before = async () => void (await put(ada, 'a', JSON.stringify(image('A'))))
  expect(await late.cleanup(9)).toBe(1)
  expect(await bodies(ada)).toEqual([JSON.stringify(image('A'))])
})

test.each([
  ["update storage_blobs set content = 'BBBB'", 'a value does not match its hash'],
  ['delete from storage_blobs', 'the data of a file is missing'],
])('Content whose file was changed is not read: %s.', async (text, problem) => {
  const { put, bodies, run } = await open()
  await put(ada, 'a', JSON.stringify(image('A')))
  await run(ada, text)
  await expect(bodies(ada)).rejects.toMatchObject({
    code: 'storage.corrupt',
    message: expect.stringContaining(problem),
  })
})

test('A user whose content cannot be read does not stop the clean-up of the files of other users.', async () => {
  const { put, storage, clock, blobs } = await open()
  for (const user of [ada, bob]) {
    await put(user, 'a', JSON.stringify(image('A')))
    await put(user, 'a', '{}')
  }
  const read: typeof storage.read = async (scope, statements) => {
    if ('user' in scope && scope.user === ada && statements.some(({ content }) => content)) throw new Error('damaged')
    return storage.read(scope, statements)
  }
  const { createUnusedBlobs } = await import('./unused-blobs.ts')
  const unused = createUnusedBlobs({ dialect: storage.dialect, read, commit: storage.commit }, notes)
  for (const pause of ['61m', '11m'] as const) {
    await clock.advance(pause)
    await expect(unused.cleanup(9)).rejects.toThrow('damaged')
  }
  expect(await blobs()).toBe(1)
})
