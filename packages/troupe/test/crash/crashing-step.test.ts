/** A step that kills its process is started five times, then fails, and its run goes on as `onError` says. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const program = join(import.meta.dirname, 'crashing-step-child.ts')
const folder = mkdtempSync(join(tmpdir(), 'troupe-crashing-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function start(name: string, onError: string, kills: boolean) {
  const args = ['--no-warnings', program, join(folder, `${name}.db`), join(folder, name), onError]
  const env = { ...process.env, TROUPE_KILLS: kills ? 'yes' : '' }
  const { signal, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  return { signal, output: stdout, stderr }
}
const starts = (name: string) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean).length

describe('a run whose step kills its process at each start', () => {
  test.for([
    ['fail', { status: 'failed', code: 'step.crashed' }],
    ['fallback', { status: 'completed', response: 'substituted', code: null }],
  ] as const)(
    'A run whose step kills its process at each start is not started forever, with onError %s.',
    { timeout: 120_000 },
    ([onError, expected]) => {
      for (let n = 1; n <= 5; n++)
        expect(start(onError, onError, true)).toMatchObject({ signal: 'SIGKILL', output: '' })
      expect(starts(onError)).toBe(5)
      const last = start(onError, onError, true)
      expect([last.signal, last.stderr]).toEqual([null, ''])
      expect(JSON.parse(last.output)).toMatchObject(expected)
      expect(starts(onError)).toBe(5)
    },
  )

  test('A run whose step stops killing its process completes.', { timeout: 120_000 }, () => {
    for (let n = 1; n <= 3; n++) expect(start('mended', 'fail', true).signal).toBe('SIGKILL')
    expect(JSON.parse(start('mended', 'fail', false).output)).toEqual({
      status: 'completed',
      response: 'worked',
      code: null,
    })
  })
})
