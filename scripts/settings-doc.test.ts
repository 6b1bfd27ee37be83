import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { renderSettings, settingsDoc } from './settings-doc.ts'

it('The page of settings is what its script renders from the tables.', () => {
  expect(readFileSync(settingsDoc, 'utf8')).toBe(renderSettings())
})
