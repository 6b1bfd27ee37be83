/** One step that kills its process beside nine that do not: the nine complete, and the one fails. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const program = join(import.meta.dirname, 'poisonous-step-child.ts')
const folder = mkdtempSync(join(tmpdir(), 'troupe-poisonous-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.for(['one-run', 'ten-runs'])(
  'A step that kills its process is found among ten that execute at once, in %s, and the nine others complete.',
  { timeout: 240_000 },
  (runs) => {
    const args = ['--no-warnings', program, join(folder, `${runs}.db`), join(folder, runs), runs]
    const live = () => spawnSync(process.execPath, args, { encoding: 'utf8' })
    let last = live()
    for (let restarts = 1; restarts <= 5; restarts++) {
      expect(last).toMatchObject({ signal: 'SIGKILL', stdout: '', stderr: '' })
      last = live()
    }
    expect([last.signal, last.stderr]).toEqual([null, ''])
    const { Poison: poison, ...others } = JSON.parse(last.stdout) as Record<string, string>
    expect(poison).toBe('step.crashed')
    for (let worker = 1; worker <= 9; worker++) expect(others[`Worker${worker}`]).toBe('completed')
    expect(readFileSync(join(folder, runs), 'utf8').split('\n').filter(Boolean)).toHaveLength(5)
  },
)
