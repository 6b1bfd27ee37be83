import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { version } from './version.ts'

test('The version of the library is that of its package.', () => {
  const file = new URL('../../package.json', import.meta.url)
  expect(version).toBe(JSON.parse(readFileSync(file, 'utf8')).version)
})
