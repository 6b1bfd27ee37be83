import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createFolder } from './rename-durably.ts'

it('createFolder creates the missing folders above a folder, accepts an existing one, and rejects a file.', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-folder-'))
  try {
    createFolder(join(folder, 'a', 'b'))
    createFolder(join(folder, 'a', 'b'))
    expect(statSync(join(folder, 'a', 'b')).isDirectory()).toBe(true)
    writeFileSync(join(folder, 'file'), '')
    expect(() => createFolder(join(folder, 'file'))).toThrow(/EEXIST/)
    expect(() => createFolder(join(folder, 'file', 'a'))).toThrow()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it.runIf(process.platform === 'linux')('createFolder throws on a file system without folders.', () => {
  expect(() => createFolder('/proc/x/y')).toThrow(/ENOENT/)
})
