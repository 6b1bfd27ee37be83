import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { renderSettings, settingsDoc } from './settings-doc.ts'

it('the page of settings is what the tables say', () => {
  expect(readFileSync(settingsDoc, 'utf8')).toBe(renderSettings())
})
