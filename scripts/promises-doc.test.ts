import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const rows = [...readFileSync(join(root, 'docs/promises.md'), 'utf8').matchAll(/\| `([^`]+\.test\.ts)` › (.+) \|$/gm)]

it('every promise names a test that exists under that title', () => {
  expect(rows.length).toBeGreaterThan(30)
  for (const [, file = '', title = ''] of rows) {
    const path = join(root, 'packages/troupe', file.startsWith('test/') ? '' : 'src', file)
    expect(readFileSync(path, 'utf8'), `${file} › ${title}`).toContain(title)
  }
})
