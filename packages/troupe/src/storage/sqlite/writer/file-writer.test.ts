/** The writer of a file that another program moves. */
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { storageMigrations } from '../../migrations/storage-migrations.ts'
import type { Cell } from '../../writer-port.ts'
import { openForWriting } from '../file/open-for-writing.ts'
import { migrate } from '../migrate.ts'
import { Encoder } from './encoder.ts'
import { createFileWriter } from './file-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-file-writer-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function start(name: string) {
  const path = join(folder, name)
  const db = openForWriting(path)
  migrate(db, storageMigrations, path, 0)
  db.exec('create table notes (text text)')
  db.close()
  const writer = createFileWriter({ path, checkpointPages: 1_000 })
  const encoder = new Encoder()
  const probe = () => writer.handle({ kind: 'probe' })
  const batch = () => {
    const cells: Cell[] = []
    encoder.encode(
      { id: null, scope: { user: 'ada' }, statements: [{ sql: 'insert into notes values (?)', binds: ['a'] }] },
      cells,
    )
    return writer.handle({ kind: 'batch', at: 1, changes: 1, cells })
  }
  return { path, writer, probe, batch }
}

/** Counts the rows that the database has without its log. */
function notesIn(path: string): unknown {
  copyFileSync(path, `${path}.copy`)
  const db = openForWriting(`${path}.copy`)
  const found = db.prepare('select count(*) as found from notes').get()?.found
  db.close()
  return found
}

test('A writer accepts no changes if another file replaces its file in one step, until the file is moved back.', () => {
  const { path, writer, probe, batch } = start('troupe.db')
  const replaced = [{ ok: false, message: 'another file was put in its place' }]
  expect(batch()).toMatchObject([{ ok: true }])
  renameSync(path, `${path}.away`)
  writeFileSync(`${path}.other`, 'another')
  renameSync(`${path}.other`, path)
  expect(batch()).toMatchObject(replaced)
  expect(probe()).toMatchObject(replaced)
  expect(readFileSync(path, 'utf8')).toBe('another')
  renameSync(`${path}.away`, path)
  expect(probe()).toMatchObject([{ ok: true }])
  expect(batch()).toMatchObject([{ ok: true }])
  writer.close()
})

test.each(['wal', 'shm'])(
  'A writer accepts no changes if its -%s file is removed, and what it accepted is in the database.',
  (suffix) => {
    const { path, writer, probe, batch } = start(`${suffix}.db`)
    expect(batch()).toMatchObject([{ ok: true }])
    expect(probe()).toMatchObject([{ ok: true }])
    renameSync(`${path}-${suffix}`, `${path}.away`)
    const removed = [{ ok: false, message: expect.stringContaining(`its log ${path}-${suffix} was removed`) }]
    expect(batch()).toMatchObject(removed)
    expect(probe()).toMatchObject(removed)
    expect(notesIn(path)).toBe(1)
    renameSync(`${path}.away`, `${path}-${suffix}`)
    expect(probe()).toMatchObject([{ ok: true }])
    expect(batch()).toMatchObject([{ ok: true }])
    writer.close()
  },
)
