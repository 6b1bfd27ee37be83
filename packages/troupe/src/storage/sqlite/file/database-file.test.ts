/** A file that is read without its owner lock. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { seededRandom, systemClock } from '../../../core/index.ts'
import { openStorage, pendingMigrations } from '../../index.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-pending-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const open = (url: string) => openStorage({ url, migrations: [], clock: systemClock, random: seededRandom(1) })

test('The pending migrations of a damaged file cannot be read: the error names the file and its damage.', async () => {
  const path = join(folder, 'damaged.db')
  await (await open(`sqlite:${path}`)).close()
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(7, 100))
  for (const lock of [true, false]) {
    if (!lock) rmSync(`${path}.lock`)
    await expect(pendingMigrations(`sqlite:${path}`, [])).rejects.toMatchObject({
      code: 'storage.corrupt',
      message: expect.stringContaining(path),
    })
  }
})

test('A new database is rejected beside the log of one that was moved away, and the log stays.', async () => {
  const path = join(folder, 'moved.db')
  const storage = await open(`sqlite:${path}`)
  for (const suffix of ['', '-wal', '-shm']) copyFileSync(`${path}${suffix}`, `${path}.copy${suffix}`)
  await storage.close()
  const log = readFileSync(`${path}.copy-wal`)
  expect(log.length).toBeGreaterThan(0)
  renameSync(`${path}.copy`, `${path}.away`)
  const problem = expect.stringContaining('moved.db.copy-wal')
  await expect(open(`sqlite:${path}.copy`)).rejects.toMatchObject({ code: 'storage.not_empty', message: problem })
  expect(readFileSync(`${path}.copy-wal`)).toEqual(log)
  expect(existsSync(`${path}.copy`)).toBe(false)
})

test.skipIf(!existsSync('/proc/locks'))(
  'The pending migrations of a file are read without the loss of the locks of a storage that is open in this process.',
  async () => {
    const path = join(folder, 'open.db')
    const storage = await open(`sqlite:${path}`)
    const locks = () => readFileSync('/proc/locks', 'utf8').match(new RegExp(`:${statSync(path).ino} `, 'g'))?.length
    const before = locks()
    expect(await pendingMigrations(`sqlite:${path}`, [])).toEqual([])
    expect(locks()).toBe(before)
    await storage.close()
  },
)
