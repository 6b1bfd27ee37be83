/** A disk that fills up: on a small file system of its own, where one can be mounted. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock, systemRandom, type UserId } from '../../src/core/index.ts'
import { backupTo } from '../../src/operations/index.ts'
import { openStorage } from '../../src/storage/index.ts'
import { migrations, problemIn } from './numbered-load.ts'

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

test.skipIf(!mounted)('A backup to a full disk is rejected, and leaves nothing there.', async () => {
  const sourceFolder = mkdtempSync(join(tmpdir(), 'troupe-full-source-'))
  const from = `sqlite:${join(sourceFolder, 'troupe.db')}`
  await (await openStorage({ url: from, migrations, clock: systemClock, random: systemRandom })).close()
  const ballast = join(folder, 'ballast')
  try {
    writeFileSync(ballast, Buffer.alloc(3 * 1024 * 1024))
  } catch {
    // As much as fits.
  }
  const before = readdirSync(folder)
  await expect(backupTo(from, join(folder, 'monday'))).rejects.toMatchObject({
    code: 'storage.io',
    message: expect.stringContaining('ENOSPC'),
  })
  expect(readdirSync(folder)).toEqual(before)
  rmSync(ballast)
  rmSync(sourceFolder, { recursive: true })
})
