/** Databases whose tables do not match their migrations. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createVirtualClock, seededRandom } from '../../core/index.ts'
import { openStorage } from '../index.ts'
import type { Migration } from '../migrations/migration.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-tables-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const migration = (version: number): Migration => ({
  module: 'notes',
  version,
  name: `step ${version}`,
  lowestReader: 1,
  up: { sqlite: [`create table notes${version} (text text)`], postgres: [] },
})

test.each(['storage_blobs', 'storage_settings', 'storage_schema', 'notes1'])(
  'A database file without the table %s is rejected with storage.corrupt, and no table is created.',
  async (table) => {
    const path = join(folder, 'troupe.db')
    const open = (migrations: readonly Migration[]) =>
      openStorage({ url: `sqlite:${path}`, migrations, clock: createVirtualClock(), random: seededRandom(1) })
    await (await open([migration(1)])).close()
    const db = new DatabaseSync(path)
    db.exec(`drop table ${table}`)
    for (const migrations of [[migration(1)], [migration(1), migration(2)]])
      await expect(open(migrations)).rejects.toMatchObject({
        code: 'storage.corrupt',
        message: expect.stringContaining(`the table ${table} is missing`),
      })
    expect(db.prepare("select name from sqlite_master where name in ('notes2', ?)").all(table)).toEqual([])
    db.close()
  },
)

test('A database file from which a newer release removed a table opens in a release that it still allows.', async () => {
  const url = `sqlite:${join(folder, 'troupe.db')}` as const
  const open = (migrations: readonly Migration[]) =>
    openStorage({ url, migrations, clock: createVirtualClock(), random: seededRandom(1) })
  const newer = { ...migration(2), up: { sqlite: ['drop table notes1'], postgres: [] } }
  await (await open([migration(1), newer])).close()
  await (await open([migration(1)])).close()
  await (await open([migration(1), newer])).close()
})
