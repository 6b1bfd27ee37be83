/** Backups, restored files and exports are there after a power failure: their names are written to the disk, not only their data. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { canRecord } from './power-loss/record-file-events.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-backup-sync-'))
afterAll(() => rmSync(folder, { recursive: true }))
if (!canRecord) console.log('skipped: strace may not trace here')

const troupe = new URL('../../dist/index.js', import.meta.url).href

/** Returns the renames and syncs of a program, in order. */
function recorded(name: string, program: string): readonly string[] {
  const log = join(folder, `${name}.log`)
  const traced = ['-f', '-y', '-qq', '-o', log, '-e', 'trace=fsync,fdatasync,rename,renameat,renameat2']
  execFileSync('strace', [...traced, process.execPath, '--no-warnings', '--input-type=module', '--eval', program], {
    stdio: 'inherit',
  })
  return readFileSync(log, 'latin1').split('\n')
}

const synced = (lines: readonly string[], path: string) =>
  lines.findLastIndex((line) => /\b(?:fsync|fdatasync)\(/.test(line) && line.includes(`<${path}>`))
const renamed = (lines: readonly string[], path: string) =>
  lines.findLastIndex((line) => /\brename/.test(line) && line.includes(`, "${path}"`))

test.skipIf(!canRecord)('A backup and its restore write the names of their files to the disk.', () => {
  const [database, target, restored] = ['troupe.db', 'backups/first', 'restored/troupe.db'].map((path) =>
    join(folder, path),
  )
  mkdirSync(join(folder, 'restored'))
  const copying = recorded(
    'backup',
    `import { createTroupe } from '${troupe}'
    const troupe = await createTroupe({ storage: 'sqlite:${database}', log: 'silent' })
    await troupe.backup('${target}')
    await troupe.close()`,
  )
  const restoring = recorded(
    'restore',
    `import { restoreBackup } from '${new URL('../../dist/operations.js', import.meta.url).href}'
    await restoreBackup({ from: '${target}', to: 'sqlite:${restored}' })`,
  )
  expect(renamed(copying, target ?? '')).toBeGreaterThan(0)
  expect(synced(copying, join(folder, 'backups'))).toBeGreaterThan(renamed(copying, target ?? ''))
  expect(synced(copying, folder)).toBeGreaterThan(0)
  const files = copying.filter((line) => /fsync|fdatasync/.test(line) && line.includes(`<${target}.partial-`))
  expect(files.filter((line) => /troupe\.db>/.test(line))).not.toEqual([])
  expect(files.filter((line) => /manifest\.json>/.test(line))).not.toEqual([])
  expect(files.filter((line) => /\.partial-[^/>]*>/.test(line))).not.toEqual([])
  expect(renamed(restoring, restored ?? '')).toBeGreaterThan(0)
  expect(synced(restoring, join(folder, 'restored'))).toBeGreaterThan(renamed(restoring, restored ?? ''))
})

test.skipIf(!canRecord)('A file that a command writes has its name on the disk.', () => {
  const exported = join(folder, 'exported', 'audit.jsonl')
  mkdirSync(join(folder, 'exported'))
  const writing = recorded(
    'export',
    `import { writeNewFile } from '${new URL('../../dist/cli/write-new-file.js', import.meta.url).href}'
    await writeNewFile('${exported}', (async function* () { yield 'one' })())`,
  )
  expect(renamed(writing, exported)).toBeGreaterThan(0)
  expect(synced(writing, join(folder, 'exported'))).toBeGreaterThan(renamed(writing, exported))
})
