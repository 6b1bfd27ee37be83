/** A process that is killed while its model summarises a conversation ends the run as if it had not been. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const program = join(import.meta.dirname, 'compaction-child.ts')
const folder = mkdtempSync(join(tmpdir(), 'troupe-compaction-crash-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function start(name: string, kills: boolean) {
  const args = ['--no-warnings', program, join(folder, `${name}.db`), join(folder, name)]
  const env = { ...process.env, TROUPE_KILLS: kills ? 'yes' : '' }
  const { signal, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  return { signal, output: stdout, stderr }
}
const calls = (name: string) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean)

test('A run that is killed in the middle of a compaction ends with the same result, and only the lost call is made again.', {
  timeout: 120_000,
}, () => {
  const calm = start('calm', false)
  expect([calm.signal, calm.stderr]).toEqual([null, ''])
  expect(start('killed', true)).toMatchObject({ signal: 'SIGKILL', output: '' })
  const lost = calls('killed').at(-1) ?? ''
  expect(lost).toMatch(/^summary/)
  const recovered = start('killed', false)
  expect([recovered.signal, recovered.stderr]).toEqual([null, ''])
  expect(JSON.parse(recovered.output)).toEqual(JSON.parse(calm.output))
  expect(JSON.parse(calm.output)).toMatchObject({ status: 'completed', response: 'All are blue.', identical: true })
  const once = calls('calm')
  expect(once.filter((call) => call.startsWith('summary')).length).toBeGreaterThan(2)
  const at = once.indexOf(lost)
  expect(calls('killed')).toEqual([...once.slice(0, at + 1), ...once.slice(at)])
})
