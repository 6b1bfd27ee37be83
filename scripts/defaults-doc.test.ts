import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { defaultsDoc, renderDefaults } from './defaults-doc.ts'

it('The page of defaults is what its script renders.', () => {
  expect(readFileSync(defaultsDoc, 'utf8')).toBe(renderDefaults())
})
