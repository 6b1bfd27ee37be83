/** The conformance suite on both adapters of SQLite. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { seededRandom } from '../core/index.ts'
import { storageConformance } from '../testing/index.ts'
import { openStorage } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-storage-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the storage in memory', () => {
  for (const { name, run } of storageConformance((options) =>
    openStorage({ ...options, url: 'memory:', random: seededRandom(1) }),
  ))
    test(name, run)
})

describe('the storage in a file', () => {
  let files = 0
  for (const { name, run } of storageConformance((options) =>
    openStorage({ ...options, url: `sqlite:${join(folder, `${files++}.db`)}`, random: seededRandom(1) }),
  ))
    test(name, run)
})
