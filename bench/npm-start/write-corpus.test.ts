import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeCorpus } from './write-corpus.ts'

it('writeCorpus writes as many files and bytes as requested, the same for the same seed.', () => {
  const folder = mkdtempSync(join(tmpdir(), 'corpus-'))
  try {
    const options = { files: 250, bytes: 500_000 }
    const written = ['a', 'b', 'c'].map((name, i) =>
      writeCorpus(join(folder, name), { ...options, seed: i === 2 ? 2 : 1 }),
    )
    expect(written).toEqual([options, options, options])
    const [first, repeated, other] = ['a', 'b', 'c'].map((name) =>
      readFileSync(join(folder, name, 'part-002', 'page-249.md'), 'utf8'),
    )
    expect(repeated).toBe(first)
    expect(other).not.toBe(first)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
