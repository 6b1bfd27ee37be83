import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { errorsDoc, renderErrors } from './errors-doc.ts'

it('the page of errors is what the catalogue says', () => {
  expect(readFileSync(errorsDoc, 'utf8')).toBe(renderErrors())
})
