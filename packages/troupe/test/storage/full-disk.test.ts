/** A disk that fills up: on a small file system of its own, where one can be mounted. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock, systemRandom, type UserId } from '../../src/core/index.ts'
import { createTroupe } from '../../src/index.ts'
import { restoreBackup } from '../../src/operations.ts'
import { serve } from '../../src/server/index.ts'
import { openStorage } from '../../src/storage/index.ts'
import { dropSchema, missingServer, schemaName, server } from '../postgres/postgres-server.ts'
import { migrations, problemIn } from './numbered-load.ts'

const missing = await missingServer()
const schema = schemaName('full')
const folder = mkdtempSync(join(tmpdir(), 'troupe-full-'))
const mounted =
  process.platform === 'linux' &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder], { stdio: 'ignore' }).status === 0
beforeAll(() => {
  if (!mounted) console.log('skipped: a small file system cannot be mounted here')
})
afterAll(() => {
  if (mounted) execFileSync('umount', [folder])
  rmSync(folder, { recursive: true })
})

test.skipIf(!mounted)(
  'A full disk rejects writes but not reads, loses nothing, and writing resumes when there is space.',
  async () => {
    const database = join(folder, 'troupe.db')
    const storage = await openStorage({
      url: `sqlite:${database}`,
      migrations,
      clock: systemClock,
      random: systemRandom,
    })
    const states: string[] = []
    storage.onState(({ state }) => states.push(state))
    const acknowledged: number[] = []
    let next = 1
    const write = async () => {
      const n = next++
      const result = await storage.commit({
        id: `change-${n}`,
        scope: { user: 'ada' as UserId },
        statements: [
          { sql: 'insert into numbers values (?, ?)', binds: [n, 'x'.repeat(20_000)] },
          { sql: 'insert into echoes values (?)', binds: [n] },
        ],
        feed: [{ kind: 'put', key: `${n}`, data: '{}' }],
      })
      if (result.ok) acknowledged.push(n)
    }
    const ballast = join(folder, 'ballast')
    writeFileSync(ballast, Buffer.alloc(1024 * 1024))
    let rejection: unknown
    while (rejection === undefined && next < 500) await write().catch((error) => (rejection = error))
    expect(rejection).toMatchObject({ code: 'storage.full', status: 507 })
    expect(storage.state().state).toBe('full')
    await expect(write()).rejects.toMatchObject({ code: 'storage.full' })
    const count = { sql: 'select count(*) as c from numbers', binds: [], returns: true }
    expect((await storage.read({ work: true }, [count]))[0]).toEqual([{ c: acknowledged.length }])
    expect(readFileSync(database).length).toBeGreaterThan(0)

    rmSync(ballast)
    await expect.poll(() => storage.state().state).toBe('open')
    // The lost number has left a gap in the load, not in the storage.
    await write()
    expect(states.slice(0, 2)).toEqual(['full', 'open'])
    await storage.close()
    expect(acknowledged.length).toBeGreaterThan(20)
    expect(problemIn(database, acknowledged)).toBeUndefined()
  },
)

test.skipIf(!mounted)('A read-only file system is rejected, for an existing database and for a new one.', async () => {
  const open = (name: string) =>
    openStorage({ url: `sqlite:${join(folder, name)}`, migrations, clock: systemClock, random: systemRandom })
  await (await open('there.db')).close()
  execFileSync('mount', ['-o', 'remount,ro', folder])
  try {
    await expect(open('there.db')).rejects.toMatchObject({ code: 'storage.read_only' })
    await expect(open('new.db')).rejects.toMatchObject({ code: 'storage.read_only' })
    await expect(open('folder/new.db')).rejects.toMatchObject({ code: 'storage.read_only' })
  } finally {
    execFileSync('mount', ['-o', 'remount,rw', folder])
  }
  await (await open('there.db')).close()
})

test.skipIf(!mounted)('A database that does not fit on the disk from the start is rejected as full.', async () => {
  const ballast = join(folder, 'ballast')
  try {
    writeFileSync(ballast, Buffer.alloc(3 * 1024 * 1024))
  } catch {
    // As much as fits.
  }
  const url = `sqlite:${join(folder, 'late.db')}`
  const opened = openStorage({ url, migrations, clock: systemClock, random: systemRandom })
  await expect(opened).rejects.toMatchObject({ code: 'storage.full' })
  rmSync(ballast)
  await (await openStorage({ url, migrations, clock: systemClock, random: systemRandom })).close()
})

test.skipIf(!mounted)('A server closes on a full disk, and does not start on one.', async () => {
  const fill = (name: string) => {
    try {
      writeFileSync(join(folder, name), Buffer.alloc(3 * 1024 * 1024))
    } catch {
      // As much as fits.
    }
  }
  await using troupe = await createTroupe({ storage: `sqlite:${join(folder, 'served.db')}`, log: 'silent' })
  const server = await serve(troupe, { port: 0 })
  fill('ballast')
  await server.close()
  await expect(fetch(`${server.url}/health`)).rejects.toThrow()
  // The closed server has removed a file.
  fill('more ballast')
  await expect(serve(troupe, { port: server.port })).rejects.toMatchObject({ code: 'storage.full' })
  await expect(fetch(`${server.url}/health`)).rejects.toThrow()
  for (const name of ['ballast', 'more ballast']) rmSync(join(folder, name))
  expect(readdirSync(folder)).not.toContainEqual(expect.stringContaining('.new'))
})

describe.each([
  { engine: 'SQLite', skip: false },
  { engine: 'PostgreSQL', skip: missing !== undefined },
])('a backup of $engine', ({ engine, skip }) => {
  test.skipIf(!mounted || skip)(
    `A backup of ${engine} to a full disk says that the disk is full, and leaves nothing there; so does a restore.`,
    async () => {
      const sourceFolder = mkdtempSync(join(tmpdir(), 'troupe-full-source-'))
      const storage = engine === 'SQLite' ? `sqlite:${join(sourceFolder, 'troupe.db')}` : { url: server, schema }
      const troupe = await createTroupe({ storage, log: 'silent' })
      for (let i = 0; i < 60; i++)
        await troupe.user('ada').context.push(`k${i}`, randomBytes(60_000).toString('base64'))
      const rejected = { code: 'backup.disk_full', status: 507, message: expect.stringContaining(folder) }
      // The disk becomes full during the copy, then it is full before.
      await expect(troupe.backup(join(folder, 'monday'))).rejects.toMatchObject(rejected)
      expect(readdirSync(folder)).not.toContainEqual(expect.stringContaining('monday'))
      const ballast = join(folder, 'ballast')
      try {
        writeFileSync(ballast, Buffer.alloc(3 * 1024 * 1024))
      } catch {
        // As much as fits.
      }
      const before = readdirSync(folder)
      await expect(troupe.backup(join(folder, 'monday'))).rejects.toMatchObject(rejected)
      expect(readdirSync(folder)).toEqual(before)
      rmSync(ballast)
      const from = join(sourceFolder, 'monday')
      await troupe.backup(from)
      await troupe.close()
      if (engine === 'SQLite') {
        const to = `sqlite:${join(folder, 'copy.db')}`
        await expect(restoreBackup({ from, to })).rejects.toMatchObject(rejected)
        expect(readdirSync(folder)).not.toContainEqual(expect.stringContaining('copy'))
      } else await dropSchema(schema)
      rmSync(sourceFolder, { recursive: true })
    },
  )
})
