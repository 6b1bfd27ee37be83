/** A secret that is planted everywhere comes out nowhere. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('A planted secret is in no log, event, error, export or screen.', () => {
  const planted = 'pl4nted/S3cret+17'
  const child = spawnSync(process.execPath, ['--no-warnings', join(import.meta.dirname, 'planted-child.ts'), planted], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, SOME_TOKEN: planted },
  })
  const out = `${child.stdout}\n${child.stderr}`
  expect(out).toContain('over')
  expect(child.status).toBe(0)
  const forms = [planted, 'pl4nted', encodeURIComponent(planted), Buffer.from(planted).toString('base64').slice(0, 20)]
  for (const form of forms) {
    const line = out.split('\n').find((one) => one.includes(form))
    expect(line, line).toBeUndefined()
  }
  expect(out).toContain('[redacted]')
})
