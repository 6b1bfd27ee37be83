/** Decorators through a compiler, as users have them. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const home = resolve(import.meta.dirname, '../..')
const folder = join(home, 'node_modules/.cache/decorated')

test('A worker with decorators, compiled by tsc, handles messages, batches and presence, and can be overridden.', {
  timeout: 120_000,
}, () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const compiler = resolve(home, '../../node_modules/typescript/bin/tsc')
  const settings = ['--ignoreConfig', '--target', 'es2024', '--module', 'nodenext', '--skipLibCheck', '--types', 'node']
  const source = join(import.meta.dirname, 'decorated-worker.ts')
  const compiled = spawnSync(
    process.execPath,
    [compiler, source, '--rootDir', import.meta.dirname, '--outDir', folder, ...settings],
    {
      encoding: 'utf8',
    },
  )
  expect(compiled.stdout + compiled.stderr).toBe('')
  const run = spawnSync(process.execPath, [join(folder, 'decorated-worker.js')], { encoding: 'utf8' })
  expect(run.stderr).toBe('')
  expect(JSON.parse(run.stdout)).toEqual({
    replies: [{ left: 4 }, { left: -1 }],
    seen: ['a+b', 'came Bob', 'went Bob'],
  })
})
