import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { defaultsDoc, renderDefaults } from './defaults-doc.ts'

it('the page of defaults has what the code has', () => {
  expect(readFileSync(defaultsDoc, 'utf8')).toBe(renderDefaults())
})
