import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { checkIds, entryOf } from '../packages/troupe/src/configuration/index.ts'
import { guideChecklists } from '../packages/troupe/test/guides/guide-lines.ts'
import { checklistsDoc, doctorDoc, renderChecklists, renderDoctor } from './doctor-doc.ts'

it('The page about the doctor has every check of the catalogue.', () => {
  expect(readFileSync(doctorDoc, 'utf8')).toBe(renderDoctor())
})

it('The page of the checklists has every line of the guides with its check.', () => {
  expect(readFileSync(checklistsDoc, 'utf8')).toBe(renderChecklists())
})

it('Every line of the checklists of the guides has one row, with the text of the guide.', () => {
  const lines = guideChecklists.flatMap((list) => list.lines)
  expect(lines.length).toBe(107)
  expect(new Set(lines.map(({ line, asks }) => `${line} ${asks}`)).size).toBe(lines.length)
  for (const { line, asks } of lines) expect(`${line} ${asks}`).toMatch(/^S[1-5]:\d+ \S.{8,}/)
})

it('A check that only an attestation can pass is asked for by a guide.', () => {
  const asked = new Set<string>(guideChecklists.flatMap(({ lines }) => lines.map(({ check }) => check)))
  expect(checkIds.filter((id) => entryOf(id).about === 'word' && !asked.has(id))).toEqual([])
})
