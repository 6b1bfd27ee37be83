import { afterEach, expect, it } from 'vitest'
import { createVirtualClock, type Json, seededRandom } from '../../core/index.ts'
import type { Recorder, StagedWrite } from '../../journal/index.ts'
import { createBlobs, openStorage, type Storage } from '../../storage/index.ts'
import { sandboxMigrations } from '../sandbox-tables.ts'
import { StagedFiles } from './staged-files.ts'
import { createStoredFiles } from './stored-files.ts'

const user = 'ada'
const workspace = 'run:1'
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A workspace with files in storage, which counts the rows that the storage returns. */
async function openWorkspace(paths: readonly string[]) {
  const clock = createVirtualClock()
  const random = seededRandom('files')
  const storage = await openStorage({ url: 'memory:', migrations: sandboxMigrations, clock, random })
  closing.push(() => storage.close())
  const counts = { rows: 0 }
  const read: Storage['read'] = async (scope, statements) => {
    const found = await storage.read(scope, statements)
    counts.rows += found.reduce((sum, rows) => sum + rows.length, 0)
    return found
  }
  const limits = { fileBytes: 1_000, userBytes: 1_000_000, userVersions: 10_000 }
  const stored = createStoredFiles(
    { storage: { dialect: storage.dialect, read }, blobs: await createBlobs(storage) },
    limits,
  )
  for (const path of paths) {
    const version = { workspace, path, version: 1, content: `text of ${path}`, bytes: 1, step: 's', taint: [] }
    await storage.commit({ id: null, scope: { user }, statements: stored.add(user, version) })
  }
  const recorder = {
    principal: { userId: user, kind: 'agent', name: 'Tester' },
    step: 'step:1',
    taint: [],
    answer: async (_: unknown, ask: () => Json | Promise<Json>) => ask(),
    clientCall: (run: () => unknown) => run(),
    addTaint: () => {},
    onCommitted: () => {},
    stage: (_: StagedWrite) => true,
  } as unknown as Recorder
  return { files: new StagedFiles(stored, recorder, workspace), counts }
}

it('The files of a workspace are read, written and removed without a read of other files.', async () => {
  const paths = Array.from({ length: 200 }, (_, i) => `src/${i}.txt`)
  const { files, counts } = await openWorkspace(paths)
  counts.rows = 0
  for (const path of paths) expect(await files.read(path)).toBe(`text of ${path}`)
  expect(counts.rows).toBeLessThanOrEqual(2 * paths.length)
  counts.rows = 0
  expect(await files.earlier('src/7.txt', 1)).toBe('text of src/7.txt')
  expect(await files.write('src/7.txt', 'new')).toMatchObject({ version: 2 })
  expect([await files.remove('src/7.txt'), await files.remove('src/7.txt')]).toEqual([true, false])
  expect([await files.remove('src/8.txt'), await files.remove('none.txt')]).toEqual([true, false])
  await expect(files.read('src/8.txt')).rejects.toMatchObject({ code: 'sandbox.missing' })
  await expect(files.earlier('src/9.txt', 2)).rejects.toMatchObject({ code: 'sandbox.missing' })
  expect(counts.rows).toBeLessThan(10)
})
