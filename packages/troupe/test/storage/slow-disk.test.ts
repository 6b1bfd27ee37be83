/** A disk on which every fsync takes a second: changes share it, and the event loop does not wait for it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { canRecord } from './power-loss/record-file-events.ts'
import { startChild } from './start-child.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-slow-'))
afterAll(() => rmSync(folder, { recursive: true }))
if (!canRecord) console.log('skipped: strace may not trace here')

const delayMs = 1_000

test.skipIf(!canRecord)(
  '384 changes of 64 writers share few fsyncs, and the event loop does not wait for one.',
  async () => {
    const database = join(folder, 'troupe.db')
    const log = join(folder, 'strace.log')
    const calls = 'fsync,fdatasync'
    const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:delay_enter=${delayMs * 1_000}`]
    const under = ['strace', '-f', '-qq', '-o', log, '-P', `${database}-wal`, ...inject]
    const child = startChild({ database, writers: 64, changes: 384, under })
    await child.ended
    expect(child.acknowledged()).toHaveLength(384)
    const fsyncs = readFileSync(log, 'latin1')
      .split('\n')
      .filter((line) => /fsync|fdatasync/.test(line)).length
    // At best 6 for the commits; the schema, the first groups and the closing take a few of their own.
    expect(fsyncs).toBeLessThan(20)
    const loop = Number(child.lines.find((line) => line.startsWith('loop'))?.slice(5))
    expect(loop).toBeGreaterThan(0)
    // An event loop that waited for one fsync would have waited for all of its delay.
    expect(loop).toBeLessThan(delayMs)
  },
)
