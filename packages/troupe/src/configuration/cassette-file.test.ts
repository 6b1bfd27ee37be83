import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openCassetteFile } from './cassette-file.ts'

it('A cassette that is recorded creates the folders of its file.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-cassette-'))
  try {
    const path = join(folder, 'a', 'b.jsonl')
    await openCassetteFile({ path, mode: 'record' }, [])
    expect(readFileSync(path, 'utf8')).not.toBe('')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it.runIf(process.platform === 'linux')('A cassette is not recorded below /proc, and says so.', async () => {
  await expect(openCassetteFile({ path: '/proc/x/y.jsonl', mode: 'record' }, [])).rejects.toThrow(/proc/)
})
