/** What happens to files: ours, others', damaged, unreadably new, read-only, already owned. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createVirtualClock, seededRandom, type UserId } from '../../core/index.ts'
import type { Migration, OpenedStorage, StorageState } from '../index.ts'
import { backups, openStorage } from '../index.ts'
import { absentOf } from './open-storage.ts'

const user = 'ada' as UserId
let folder: string
let opened: OpenedStorage[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-files-'))
  opened = []
})
afterEach(async () => {
  for (const storage of opened) await storage.close()
  rmSync(folder, { recursive: true })
})

const migration = (version: number, lowestReader = 1, sql = `create table notes${version} (text text)`): Migration => ({
  module: 'notes',
  version,
  name: `step ${version}`,
  lowestReader,
  up: { sqlite: [sql], postgres: [] },
})
async function open(name: string, migrations: readonly Migration[] = [migration(1)]): Promise<OpenedStorage> {
  const url = `sqlite:${join(folder, name)}`
  const storage = await openStorage({ url, migrations, clock: createVirtualClock(), random: seededRandom(1) })
  opened.push(storage)
  return storage
}
const insert = (text: string, table = 'notes1') => ({
  id: null,
  scope: { user },
  statements: [{ sql: `insert into ${table} values (?)`, binds: [text] }],
})
const texts = async (storage: OpenedStorage) =>
  (await storage.read({ user }, [{ sql: 'select text from notes1', binds: [], returns: true }]))[0]?.map(
    ({ text }) => text,
  )
const code = (expected: string) => expect.objectContaining({ code: expected })

/** Everything there is to know of the folder: names, contents, times, modes. */
const picture = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name)
    const { mtimeMs, mode, ino } = statSync(path)
    return [path, mtimeMs, mode, ino, entry.isFile() ? readFileSync(path, 'hex') : '']
  })
async function expectRejectedUnchanged(name: string, expected: string, migrations?: readonly Migration[]) {
  const before = picture()
  await expect(open(name, migrations)).rejects.toEqual(code(expected))
  expect(picture()).toEqual(before)
}

test.each(['memory:', 'sqlite:'])('Reads that began before the close are answered on %s.', async (kind) => {
  const url = kind === 'memory:' ? kind : `sqlite:${join(folder, 'troupe.db')}`
  const clock = createVirtualClock()
  const storage = await openStorage({ url, migrations: [migration(1)], clock, random: seededRandom(1) })
  await storage.commit(insert('kept'))
  const reads = Array.from({ length: 300 }, () => texts(storage))
  await storage.close()
  expect(new Set((await Promise.all(reads)).flat())).toEqual(new Set(['kept']))
  await expect(texts(storage)).rejects.toEqual(code('troupe.closed'))
})

test('A new database file and its folders are readable by their owner alone, and hold what was committed.', async () => {
  const storage = await open('deep/er/troupe.db')
  await storage.commit(insert('kept'))
  expect(statSync(join(folder, 'deep/er')).mode & 0o777).toBe(0o700)
  for (const name of readdirSync(join(folder, 'deep/er')))
    expect(statSync(join(folder, 'deep/er', name)).mode & 0o077).toBe(0)
  await storage.close()
  expect(readdirSync(join(folder, 'deep/er')).sort()).toEqual(['troupe.db', 'troupe.db.lock'])
  expect(await texts(await open('deep/er/troupe.db'))).toEqual(['kept'])
})

test('An empty file becomes a database.', async () => {
  writeFileSync(join(folder, 'empty.db'), '')
  await (await open('empty.db')).commit(insert('kept'))
})

test.each([
  ['text', Buffer.from('my notes\n')],
  ['one byte', Buffer.from('x')],
  ['a hundred zeros', Buffer.alloc(100)],
  ['a header cut short', Buffer.from('SQLite format 3\0')],
  ['pages of noise', Buffer.alloc(8_192, 'noise')],
])('A file of %s is rejected and stays as it was.', async (_, content) => {
  writeFileSync(join(folder, 'mine'), content)
  utimesSync(join(folder, 'mine'), 1, 2)
  await expectRejectedUnchanged('mine', 'storage.foreign')
})

test.each(['delete', 'wal'])(
  'A database of another application in %s mode is rejected and stays as it was.',
  async (mode) => {
    const db = new DatabaseSync(join(folder, 'app.db'))
    db.exec(`pragma journal_mode = ${mode}; create table t (a); insert into t values (1)`)
    if (mode === 'delete') db.close()
    await expectRejectedUnchanged('app.db', 'storage.foreign')
    if (mode === 'wal') db.close()
  },
)

test('A folder, a device and a file as a folder are rejected and stay as they were.', async () => {
  mkdirSync(join(folder, 'folder'))
  writeFileSync(join(folder, 'file'), 'x')
  await expectRejectedUnchanged('folder', 'storage.foreign')
  await expectRejectedUnchanged('../../../dev/null', 'storage.foreign')
  await expectRejectedUnchanged('file/troupe.db', 'storage.foreign')
})

test.skipIf(!existsSync('/proc/self'))(
  'A location that accepts no folders is rejected, without endless attempts.',
  async () => {
    await expect(open('../../proc/none/deep/troupe.db')).rejects.toMatchObject({ name: 'ExternalServiceError' })
  },
)

test('Foreign files in place of the lock or the owner are rejected and stay as they were.', async () => {
  writeFileSync(join(folder, 'a.db.lock'), 'not a lock')
  writeFileSync(join(folder, 'b.db.owner'), 'not a card')
  await expectRejectedUnchanged('a.db', 'storage.foreign')
  await expect(open('b.db')).rejects.toEqual(code('storage.foreign'))
  expect(readFileSync(join(folder, 'b.db.owner'), 'utf8')).toBe('not a card')
})

test('A damaged database is rejected and stays as it was.', async () => {
  const storage = await open('troupe.db')
  for (let i = 0; i < 50; i++) await storage.commit(insert('x'.repeat(500)))
  await storage.close()
  const path = join(folder, 'troupe.db')
  const sound = readFileSync(path)
  for (const damage of [
    (bytes: Buffer) => bytes.fill(0xff, 4_096, 12_288),
    (bytes: Buffer) => bytes.subarray(0, bytes.length - 20_480),
    (bytes: Buffer) => bytes.subarray(0, 2_000),
    (bytes: Buffer) => bytes.fill(0, 100, 300),
  ]) {
    writeFileSync(path, damage(Buffer.from(sound)))
    const before = readFileSync(path)
    await expect(open('troupe.db')).rejects.toEqual(code('storage.corrupt'))
    expect(readFileSync(path).equals(before)).toBe(true)
    expect(readdirSync(folder).sort()).toEqual(['troupe.db', 'troupe.db.lock'])
  }
  writeFileSync(path, sound)
  expect(await texts(await open('troupe.db'))).toHaveLength(50)
})

test('A newer schema is accepted while it declares this release compatible, and is rejected untouched after that.', async () => {
  await (await open('troupe.db', [migration(1), migration(2, 1)])).close()
  await (await open('troupe.db', [migration(1)])).close()
  await (await open('troupe.db', [migration(1), migration(2, 1), migration(3, 3)])).close()
  const before = readFileSync(join(folder, 'troupe.db'))
  await expect(open('troupe.db', [migration(1), migration(2)])).rejects.toThrow(
    /schema notes 3; this release reads up to notes 2/,
  )
  expect(readFileSync(join(folder, 'troupe.db')).equals(before)).toBe(true)
  expect(readdirSync(folder).sort()).toEqual(['troupe.db', 'troupe.db.lock'])
})

test.each([
  ['has a table of an earlier build', 'create table run_leases (run_id text)'],
  ['lacks a table that an earlier build did not have', 'create table journals (journal_id text)'],
  ['names the modules in another column', 'alter table storage_schema rename column module to chamber'],
])('A database file that %s is rejected with storage.incompatible and is not changed.', async (_, plant) => {
  await (await open('troupe.db')).close()
  const db = new DatabaseSync(join(folder, 'troupe.db'))
  db.exec(plant)
  db.close()
  await expectRejectedUnchanged('troupe.db', 'storage.incompatible')
  await expectRejectedUnchanged('troupe.db', 'storage.incompatible', [migration(1), migration(2)])
})

test('A restore rejects a backup of an earlier build with storage.incompatible and creates no file.', async () => {
  await (await open('troupe.db')).close()
  const db = new DatabaseSync(join(folder, 'troupe.db'))
  db.exec('create table run_leases (run_id text)')
  db.close()
  const from = join(folder, 'backup')
  const at = new Date(0).toISOString()
  await backups.backup(`sqlite:${join(folder, 'troupe.db')}`, from, at)
  const to = join(folder, 'restored.db')
  const restored = backups.restore(from, `sqlite:${to}`, [migration(1)], { installation: 'copy', at })
  await expect(restored).rejects.toEqual(code('storage.incompatible'))
  expect(existsSync(to)).toBe(false)
})

test('Pending migrations apply once and together, and a failing one leaves the schema as it was.', async () => {
  const storage = await open('troupe.db')
  await storage.commit(insert('kept'))
  await storage.close()
  const broken = [migration(1), migration(2), migration(3, 1, 'create nonsense')]
  await expect(open('troupe.db', broken)).rejects.toThrow()
  const reopened = await open('troupe.db', [migration(1), migration(2)])
  await reopened.commit(insert('second', 'notes2'))
  expect(await texts(reopened)).toEqual(['kept'])
})

test('Migrations that are not numbered 1, 2, 3 are rejected.', async () => {
  await expect(open('troupe.db', [migration(2)])).rejects.toEqual(code('invariant.broken'))
  await expect(open('troupe.db', [migration(1), migration(1)])).rejects.toEqual(code('invariant.broken'))
})

test.each(['a b.db', 'what?.db', 'a#b%20.db', 'ключ.db', "quote'.db", 'file:x.db'])(
  'The storage URL of SQLite takes the file name %j literally.',
  async (name) => {
    await (await open(name)).commit(insert('kept'))
    await opened.pop()?.close()
    expect(readdirSync(folder)).toContain(name)
    expect(await texts(await open(name))).toEqual(['kept'])
  },
)

test('A second opening in the same process is rejected with the owner of the file and its address.', async () => {
  const first = await open('troupe.db')
  await first.commit(insert('one'))
  await expect(open('troupe.db')).rejects.toMatchObject({
    code: 'storage.owned',
    details: { pid: process.pid },
    hint: expect.stringContaining('close its first troupe, or share that troupe'),
  })
  first.announce('http://127.0.0.1:4000')
  const error = await open('troupe.db').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    status: 423,
    details: { address: 'http://127.0.0.1:4000', since: '2026-01-01T00:00:00.000Z' },
  })
  symlinkSync(join(folder, 'troupe.db'), join(folder, 'link.db'))
  await expect(open('link.db')).rejects.toEqual(code('storage.owned'))
  await first.commit(insert('two'))
  await first.close()
  expect(await texts(await open('link.db'))).toEqual(['one', 'two'])
})

test('A copy of a file that is in use, with all its companions, has no owner.', async () => {
  const first = await open('troupe.db')
  await first.commit(insert('one'))
  for (const name of readdirSync(folder)) copyFileSync(join(folder, name), join(folder, name.replace('troupe', 'copy')))
  expect(await texts(await open('copy.db'))).toEqual(['one'])
})

test('A deleted lock does not admit a second owner.', async () => {
  await open('troupe.db')
  rmSync(join(folder, 'troupe.db.lock'))
  await expect(open('troupe.db')).rejects.toEqual(code('storage.owned'))
})

test('A file with a second name is rejected, because each name would have its own log.', async () => {
  await (await open('troupe.db')).close()
  linkSync(join(folder, 'troupe.db'), join(folder, 'other.db'))
  await expect(open('other.db')).rejects.toEqual(code('storage.read_only'))
})

test.skipIf(process.getuid?.() !== 0 || !existsSync('/usr/bin/chattr'))(
  'A read-only file is rejected with its reason.',
  async () => {
    await (await open('troupe.db')).close()
    const { execFileSync } = await import('node:child_process')
    try {
      execFileSync('chattr', ['+i', join(folder, 'troupe.db')])
    } catch {
      console.log('skipped: this file system has no immutable files')
      return
    }
    try {
      await expect(open('troupe.db')).rejects.toEqual(code('storage.read_only'))
    } finally {
      execFileSync('chattr', ['-i', join(folder, 'troupe.db')])
    }
  },
)

test.skipIf(process.getuid?.() === 0)('A file or a folder without the right to write is rejected.', async () => {
  await (await open('troupe.db')).close()
  chmodSync(join(folder, 'troupe.db'), 0o400)
  await expectRejectedUnchanged('troupe.db', 'storage.read_only')
  chmodSync(join(folder, 'troupe.db'), 0o600)
  chmodSync(join(folder, 'troupe.db.lock'), 0o000)
  await expect(open('troupe.db')).rejects.toEqual(code('storage.read_only'))
  chmodSync(join(folder, 'troupe.db.lock'), 0o600)
  chmodSync(folder, 0o500)
  await expectRejectedUnchanged('new.db', 'storage.read_only')
  chmodSync(folder, 0o700)
})

test('A file that is removed while it is open accepts no changes until it is put back.', async () => {
  const clock = createVirtualClock()
  const path = join(folder, 'troupe.db')
  const url = `sqlite:${path}`
  const storage = await openStorage({ url, migrations: [migration(1)], clock, random: seededRandom(1) })
  opened.push(storage)
  const nextState = () => new Promise<StorageState>((resolve) => storage.onState(resolve))
  await storage.commit(insert('one'))

  renameSync(path, `${path}.away`)
  const failed = nextState()
  const removed = expect.objectContaining({ code: 'storage.io', message: expect.stringContaining('it was removed') })
  await expect(storage.commit(insert('two'))).rejects.toEqual(removed)
  expect(await failed).toMatchObject({ state: 'failed', problem: expect.stringContaining('it was removed') })
  expect(await texts(storage)).toEqual(['one'])

  writeFileSync(path, 'another')
  const replaced = nextState()
  await clock.advance('100ms')
  expect(await replaced).toMatchObject({ problem: expect.stringContaining('another file was put in its place') })
  expect(readFileSync(path, 'utf8')).toBe('another')

  renameSync(`${path}.away`, path)
  const back = nextState()
  await clock.advance('200ms')
  expect(await back).toEqual({ state: 'open' })
  await storage.commit(insert('three'))
  expect(await texts(storage)).toEqual(['one', 'three'])
})

test.each([
  ['mysql://ada:password@x', 'it begins with "mysql:", and not as memory:, sqlite:PATH and postgres://… do'],
  ['file:x', 'it begins with "file:", and not as memory:, sqlite:PATH and postgres://… do'],
  ['sqlite:', 'it names no path; the URL of a storage in memory is memory:'],
  ['sqlite::memory:', 'it names no path; the URL of a storage in memory is memory:'],
  ['sqlite:file:a.db', 'after sqlite: comes a path, without file:'],
  ['sqlite:a\0b', 'it holds a NUL'],
  ['memory', 'it has no scheme, as memory:, sqlite:PATH and postgres://… have'],
  ['./db.sqlite', 'it has no scheme, as memory:, sqlite:PATH and postgres://… have; that file is sqlite:./db.sqlite'],
  ['', 'it has no scheme, as memory:, sqlite:PATH and postgres://… have'],
])('The storage URL %j is rejected with what is wrong.', async (url, problem) => {
  const options = { url, migrations: [], clock: createVirtualClock(), random: seededRandom(1) }
  const message = `The URL of the storage is not valid: ${problem}.`
  await expect(openStorage(options)).rejects.toMatchObject({ code: 'validation.failed', message })
})

test('A missing database file is reported with the nearest name beside it.', () => {
  writeFileSync(join(folder, 'troupe.db'), '')
  symlinkSync('loop.db', join(folder, 'loop.db'))
  const absent = (name: string) => absentOf(`sqlite:${join(folder, name)}`)
  expect(absent('trouep.db')).toMatchObject({ near: join(folder, 'troupe.db') })
  expect(absent('troupe.db')).toBeUndefined()
  expect(absent('none/troupe.db')).toEqual({ path: join(folder, 'none/troupe.db') })
  expect(absent('troupe.db/below.db')).toEqual({ path: join(folder, 'troupe.db/below.db') })
  expect(absent('loop.db')).toBeUndefined()
})

test.skipIf(process.getuid?.() === 0)('A folder that cannot be read gives no suggestion.', () => {
  mkdirSync(join(folder, 'closed'), { mode: 0o000 })
  expect(absentOf(`sqlite:${join(folder, 'closed/troupe.db')}`)).toBeUndefined()
  chmodSync(join(folder, 'closed'), 0o300)
  expect(absentOf(`sqlite:${join(folder, 'closed/troupe.db')}`)).toEqual({ path: join(folder, 'closed/troupe.db') })
  chmodSync(join(folder, 'closed'), 0o700)
})

test('The log stays small under load, and freed space returns to the file system.', async () => {
  const clock = createVirtualClock()
  const url = `sqlite:${join(folder, 'troupe.db')}`
  const storage = await openStorage({ url, migrations: [migration(1)], clock, random: seededRandom(1) })
  opened.push(storage)
  const megabyte = Array.from({ length: 20 }, () => insert('x'.repeat(50_000)).statements).flat()
  for (let i = 0; i < 40; i++) await storage.commit({ ...insert(''), statements: megabyte })
  const full = await storage.sizes()
  expect(full.database).toBeGreaterThan(40_000_000)
  expect(full.writeAheadLog).toBeLessThan(24_000_000)
  await storage.commit({ ...insert(''), statements: [{ sql: 'delete from notes1', binds: [] }] })
  expect((await storage.sizes()).free).toBeGreaterThan(40_000_000)
  for (let minute = 0; minute < 1_000 && (await storage.sizes()).database > 1_000_000; minute++) {
    await clock.advance('1m')
    // Lets the thread of the writer keep up with the clock.
    await storage.commit({ ...insert(''), statements: [] })
  }
  const emptied = await storage.sizes()
  expect(emptied.database).toBeLessThan(1_000_000)
  expect(emptied.free).toBeLessThan(1_000_000)
})
