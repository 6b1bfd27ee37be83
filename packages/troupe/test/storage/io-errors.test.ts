/** Errors of the disk, given by strace to the real calls of a real process: never acknowledged what is not there. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { numbersIn, problemIn } from './numbered-load.ts'
import { canRecord } from './power-loss/record-file-events.ts'
import { startChild } from './start-child.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-io-'))
afterAll(() => rmSync(folder, { recursive: true }))
if (!canRecord) console.log('skipped: strace may not trace here')

/** Each from the n-th such call on the log, for once or for good. */
const faults = [
  ['fsync', 'EIO', '9'],
  ['fsync', 'EIO', '9+'],
  ['fsync', 'EIO', '9+4'],
  ['pwrite64', 'EIO', '80'],
  ['pwrite64', 'EIO', '80+37'],
  ['pwrite64', 'ENOSPC', '80'],
  ['pwrite64', 'ENOSPC', '80..81'],
  ['pwrite64', 'ENOSPC', '80+'],
] as const

/** Several batches of 64 writers are on their way at once; four writers wait for each other. */
const loads = faults.flatMap((fault) => [[...fault, 4] as const, [...fault, 64] as const])

test.skipIf(!canRecord).each(loads)(
  'The call %s that fails with %s at call %s loses no acknowledged change of %i writers.',
  async (call, error, when, writers) => {
    const database = join(folder, `${call}-${error}-${when}-${writers}.db`)
    const changes = 30 * writers
    const calls = call === 'fsync' ? 'fsync,fdatasync' : call
    const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}:when=${when}`]
    const under = ['strace', '-f', '-qq', '-o', '/dev/null', '-P', `${database}-wal`, ...inject]
    const child = startChild({ database, writers, changes, under })
    await child.ended
    const acknowledged = child.acknowledged()
    const failed = child.lines.filter((line) => line.startsWith('failed'))
    expect(child.lines.at(-1)).toBe('closed')
    expect(failed.length).toBeGreaterThan(0)
    expect(new Set(failed.map((line) => line.split(' ')[2]))).toEqual(
      new Set([error === 'EIO' ? 'storage.io' : 'storage.full']),
    )
    // What came after the errors went through, unless they last for good.
    if (!when.endsWith('+')) {
      expect(acknowledged.length).toBeGreaterThan(20)
      expect(numbersIn(database)).toEqual(acknowledged.toSorted((a, b) => a - b))
    }
    expect(acknowledged.length + failed.length).toBe(changes)
    expect(problemIn(database, acknowledged)).toBeUndefined()
  },
)
