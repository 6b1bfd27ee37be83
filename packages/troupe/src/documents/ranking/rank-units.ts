/**
 * Ranks units by how well each answers a question: the share of the question's words in the unit, in its headings and around
 * it, and whether it has the form that is asked for. The weights were fitted to questions with known answers.
 */
import type { CandidatePassage } from './block.ts'
import type { ParsedQuestion } from './question.ts'
import type { Sliceable } from './terms/text-pieces.ts'
import { bagOf, type Features, featuresOf, mergedBags, type SectionTerms } from './unit-features.ts'
import { type Unit, unitsOf } from './units.ts'
import { weights } from './weights.ts'

export interface RankedUnit {
  readonly document: string
  readonly text: Sliceable
  readonly unit: Unit
  readonly score: number
  /**
   * The share of the question's words in the unit and the text around it, from 0 to 1. A word counts by the square root of
   * its weight.
   */
  readonly coverage: number
  readonly features: Features
  /** Cosine of question and unit; absent where the unit is not among the most similar, or no model was asked. */
  readonly similarity?: number
}

/** The number before a title, such as `4.2`. */
const sectionNumber = /^[\s*§]*\d+(?:\.\d+)*[.)*]*\s+(?=\S)/

/** A unit that starts within this number of characters is at the beginning of its document. */
const openingLength = 400

export function rankUnits(question: ParsedQuestion, passages: readonly CandidatePassage[]): RankedUnit[] {
  const ranked: RankedUnit[] = []
  const sections = new Map<string, SectionTerms>()
  const blocks = passages
    .flatMap((passage) => passage.blocks.map((block) => ({ passage, block })))
    .sort((a, b) => bySourceOrder(a.passage, b.passage) || a.block.start - b.block.start)
  const units = blocks.flatMap(({ passage, block }) => {
    const blockBag = bagOf(passage.text.slice(block.start, block.end))
    const leadBag = bagOf(block.lead)
    const cut = unitsOf(block, passage.text)
    return cut.map((unit, i) => {
      const own = cut.length === 1 ? blockBag : bagOf(unit.text)
      // A row is understandable only with the header of its table.
      const bag = unit.kind === 'row' ? mergedBags(own, leadBag) : own
      const section = sectionFor(sections, passage, unit)
      for (const [term, count] of bag) section.all.set(term, (section.all.get(term) ?? 0) + count)
      section.size += 1
      const order = Math.max(section.units++, block.order + i)
      const near = bagOf(`${cut[i - 1]?.text ?? ''} ${cut[i + 1]?.text ?? ''}`)
      return { passage, unit, bag, blockBag, leadBag, near, section, order }
    })
  })
  for (const one of units) {
    const features = featuresOf(question, one)
    ranked.push({
      document: one.passage.document,
      text: one.passage.text,
      unit: one.unit,
      features,
      score: unitScore(features),
      coverage: (features.coverage ?? 0) * question.known,
    })
  }
  return withAgreement(ranked).sort((a, b) => b.score - a.score || bySourceOrder(a, b) || a.unit.start - b.unit.start)
}

const bySourceOrder = (a: { readonly document: string }, b: { readonly document: string }): number =>
  a.document < b.document ? -1 : a.document > b.document ? 1 : 0

export const unitScore = (features: Features): number => {
  let score = 0
  for (const [name, value] of Object.entries(features)) score += (weights[name] ?? 0) * value
  return score
}

/** Raises the scores in a section with several good units, which is more likely to answer. */
export function withAgreement(ranked: readonly RankedUnit[]): RankedUnit[] {
  const best = new Map<string, number[]>()
  const keyOf = ({ document, unit }: RankedUnit) => `${document}#${unit.block.section.start}`
  for (const one of ranked) {
    const key = keyOf(one)
    best.set(key, [...(best.get(key) ?? []), one.score].sort((a, b) => b - a).slice(0, 3))
  }
  return ranked.map((one) => {
    const [first = 0, second = 0, third = 0] = best.get(keyOf(one)) ?? []
    const agreement = (first + second * 0.5 + third * 0.25) / 1.75
    return { ...one, score: one.score + (weights.agreement ?? 0) * agreement }
  })
}

function sectionFor(sections: Map<string, SectionTerms>, passage: CandidatePassage, { block }: Unit): SectionTerms {
  const key = `${passage.document}#${block.section.start}`
  let found = sections.get(key)
  if (!found) {
    const name = passage.name
      .split('/')
      .slice(-2)
      .join(' ')
      .replace(/\.\w+$/, '')
      .replace(/[\da-f]{10,}/g, ' ')
    const page = name.split(' ').at(-1) ?? ''
    found = {
      heading: bagOf(block.section.heading.replace(sectionNumber, '')),
      above: bagOf(block.section.above.join(' ')),
      name: bagOf(name),
      page: bagOf(page),
      top: block.section.opens || block.section.start < openingLength,
      all: new Map(),
      size: 0,
      units: 0,
    }
    sections.set(key, found)
  }
  return found
}
