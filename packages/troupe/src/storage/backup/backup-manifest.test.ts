import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { failure } from '../../core/index.ts'
import { writeBackup } from './backup-manifest.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-backup-manifest-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('A backup onto a full disk names the folder of the caller, and leaves no file.', async () => {
  const path = join(folder, 'monday')
  const of = { engine: 'sqlite', at: '2026-01-01T00:00:00.000Z', file: 'troupe.db' } as const
  const write = async (working: string) => {
    throw failure('backup.disk_full', { path: working })
  }
  await expect(writeBackup(path, of, write)).rejects.toMatchObject({
    code: 'backup.disk_full',
    message: expect.stringContaining(`${path} `),
  })
  expect(readdirSync(folder)).toEqual([])
})

test('A backup whose folder is removed while it is written names the folder of the caller.', async () => {
  const path = join(folder, 'removed', 'monday')
  const of = { engine: 'sqlite', at: '2026-01-01T00:00:00.000Z', file: 'troupe.db' } as const
  const write = async (working: string) => {
    rmSync(join(folder, 'removed'), { recursive: true })
    // The error of SQLite names the database.
    throw failure('storage.io', { path: 'shop.db', problem: `disk I/O error of ${working}` })
  }
  await expect(writeBackup(path, of, write)).rejects.toMatchObject({
    code: 'backup.unwritable',
    message: expect.stringContaining(`${path} `),
  })
})
