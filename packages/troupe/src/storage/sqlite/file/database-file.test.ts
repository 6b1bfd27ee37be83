/** A file that is read without its owner lock. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
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
