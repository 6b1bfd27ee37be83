import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { checkIds, entryOf } from '../packages/troupe/src/configuration/index.ts'
import { guideChecklists } from '../packages/troupe/src/operations/index.ts'
import { doctorDoc, renderDoctor } from './doctor-doc.ts'

it('the page has every check and every line of the guides, as the code has them', () => {
  expect(readFileSync(doctorDoc, 'utf8')).toBe(renderDoctor())
})

it('every line of the checklists stands in it once, each with what it asks', () => {
  const lines = guideChecklists.flatMap((list) => list.lines)
  expect(lines.length).toBe(107)
  expect(new Set(lines.map(({ line, asks }) => `${line} ${asks}`)).size).toBe(lines.length)
  for (const { line, asks } of lines) expect(`${line} ${asks}`).toMatch(/^S[1-5]:\d+ \S.{8,}/)
})

it('what only a person can say is asked for by a guide', () => {
  const asked = new Set<string>(guideChecklists.flatMap(({ lines }) => lines.map(({ check }) => check)))
  expect(checkIds.filter((id) => entryOf(id).about === 'word' && !asked.has(id))).toEqual([])
})
