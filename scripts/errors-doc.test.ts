import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { errorsDoc, renderErrors } from './errors-doc.ts'

it('The page of errors is what its script renders from the catalogue.', () => {
  expect(readFileSync(errorsDoc, 'utf8')).toBe(renderErrors())
})
