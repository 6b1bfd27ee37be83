/** Describes how a unit answers a question, as numbers: each has its weight in `weights.ts`. */

import type { CandidatePassage } from './block.ts'
import type { Asked, Concept, ParsedQuestion } from './question.ts'
import { termsOf } from './terms/terms.ts'
import type { Unit } from './units.ts'

export type Features = Readonly<Record<string, number>>

export type Bag = ReadonlyMap<string, number>

export function bagOf(text: string): Bag {
  const bag = new Map<string, number>()
  for (const term of termsOf(text)) bag.set(term, (bag.get(term) ?? 0) + 1)
  return bag
}

const sizeOf = (bag: Bag): number => [...bag.values()].reduce((sum, count) => sum + count, 0)

export const mergedBags = (first: Bag, second: Bag): Bag => new Map([...second, ...first])

/** The sections that hold the candidates, each read once. */
export interface SectionTerms {
  readonly heading: Bag
  readonly above: Bag
  readonly name: Bag
  /** The name of the file alone. */
  readonly page: Bag
  /** Whether it opens its document. */
  readonly top: boolean
  readonly all: Map<string, number>
  size: number
  units: number
}

/** A unit with the terms in it and around it. */
export interface DescribedUnit {
  readonly passage: CandidatePassage
  readonly unit: Unit
  readonly bag: Bag
  readonly blockBag: Bag
  readonly leadBag: Bag
  readonly near: Bag
  readonly section: SectionTerms
  readonly order: number
}

/** Returns how well a text matches a concept, from 0 to 1. */
function presence({ forms }: Concept, bag: Bag): number {
  let best = 0
  for (const { terms, weight } of forms) {
    if (weight <= best) continue
    const held =
      terms.length === 1
        ? bag.has(terms[0] ?? '')
          ? 1
          : 0
        : terms.filter((term) => bag.has(term)).length / terms.length
    best = Math.max(best, weight * (terms.length > 1 && held < 1 ? held * 0.5 : held))
  }
  return best
}

/** The average length of a unit in terms. A longer unit is more likely to contain a word. */
const averageUnit = 18
/** The length in terms from which a unit is long. */
const longUnit = 60

export function featuresOf(question: ParsedQuestion, unit: DescribedUnit): Features {
  const words = wordFeatures(question, unit)
  const titles = titleFeatures(question, unit)
  return {
    ...words,
    headingFit: titles.headingFit,
    pageFit: titles.pageFit,
    titleOpening:
      question.asksFor.definition && unit.order < 4
        ? Math.max(unit.order === 0 ? titles.sectionFit : 0, unit.section.top ? titles.pageFit : 0)
        : 0,
    defines: question.asksFor.definition ? defines(question, unit.unit.text) : 0,
    pairs: pairsIn(question, unit.unit.text),
    passage: unit.passage.score,
    ...formOf(question, unit, words.own ?? 0, titles.titleFit),
  }
}

/** The shares of the question's words that occur in the unit and in each place around it. */
function wordFeatures(
  { concepts }: ParsedQuestion,
  { bag, blockBag, leadBag, near, section }: DescribedUnit,
): Features {
  const total = concepts.reduce((sum, { weight }) => sum + weight, 0) || 1
  const totalRoot = concepts.reduce((sum, { weight }) => sum + Math.sqrt(weight), 0) || 1
  const length = 0.6 + (0.4 * sizeOf(bag)) / averageUnit
  const sums: Record<string, number> = {}
  for (const concept of concepts) {
    const own = presence(concept, bag)
    const count = own > 0 ? Math.max(1, bag.get(concept.term) ?? 0) / length : 0
    const held = {
      own,
      block: presence(concept, blockBag),
      lead: presence(concept, leadBag),
      near: presence(concept, near),
      head: presence(concept, section.heading),
      above: presence(concept, section.above),
      name: presence(concept, section.name),
    }
    const { block, lead, near: beside, head, above, name } = held
    const all = presence(concept, section.all)
    const cover = Math.max(own, block, head, lead * 0.8, beside * 0.7, above * 0.8, name * 0.8, all * 0.5)
    const frequency = (own * count * 2.2) / (count + 1.2)
    for (const [feature, value] of Object.entries({ ...held, cover, ownFrequency: frequency }))
      sums[feature] = (sums[feature] ?? 0) + (concept.weight * value) / total
    sums.coverage = (sums.coverage ?? 0) + (Math.sqrt(concept.weight) * cover) / totalRoot
  }
  return sums
}

/** How well the titles above the unit and the question agree: 1 where both name the same. */
function titleFeatures({ concepts }: ParsedQuestion, { section }: DescribedUnit) {
  const total = concepts.reduce((sum, { weight }) => sum + weight, 0) || 1
  const heldBy = (...bags: readonly Bag[]) =>
    concepts.reduce(
      (sum, concept) => sum + concept.weight * Math.max(...bags.map((bag) => presence(concept, bag))),
      0,
    ) / total
  const asked = new Set(
    concepts.flatMap(({ forms }) => forms.filter(({ weight }) => weight > 0.5).flatMap(({ terms }) => terms)),
  )
  const namedIn = (terms: readonly string[]) => terms.filter((term) => asked.has(term)).length
  const heading = [...section.heading.keys()]
  const page = [...section.page.keys()]
  const titles = [...new Set([...heading, ...section.above.keys(), ...section.name.keys()])]
  const named = heldBy(section.heading, section.above, section.name)
  return {
    headingFit: heading.length === 0 ? 0 : (namedIn(heading) / heading.length) * Math.min(1, heading.length / 2),
    sectionFit: heading.length === 0 ? 0 : (heldBy(section.heading) * namedIn(heading)) / heading.length,
    pageFit: page.length === 0 ? 0 : (heldBy(section.page) * namedIn(page)) / page.length,
    titleFit: named > 0.7 ? (named * namedIn(titles)) / Math.sqrt(titles.length || 1) : 0,
  }
}

/** Counts pairs of successive words of the question that are at most three terms apart in the unit; at most 2. */
function pairsIn({ concepts }: ParsedQuestion, text: string): number {
  const terms = termsOf(text)
  let pairs = 0
  for (let i = 0; i + 1 < concepts.length; i++) {
    const at = terms.indexOf(concepts[i]?.term ?? '')
    if (at >= 0 && terms.slice(at + 1, at + 4).includes(concepts[i + 1]?.term ?? '')) pairs += 1
  }
  return Math.min(2, pairs)
}

const copula = /^(?:is|are|means?|refers?|describes?|defines?|represents?|allows?|lets?|provides?|contains?|holds?)$/i

/** Detects a definition, such as `A scope is …`, by the words of the question before the verb. */
function defines({ concepts }: ParsedQuestion, text: string): number {
  const words = text
    .split(/[^\p{L}\p{N}_$]+/u)
    .filter((word) => word !== '')
    .slice(0, 14)
  const at = words.findIndex((word) => copula.test(word))
  if (at < 1) return 0
  const before = new Set(words.slice(0, at).flatMap((word) => termsOf(word)))
  const held = concepts.filter(({ forms }) =>
    forms.some(({ terms, weight }) => weight > 0.5 && terms.every((term) => before.has(term))),
  )
  return concepts.length > 0 && held.length === concepts.length
    ? 1 / Math.max(1, before.size - concepts.length) ** 0.5
    : 0
}

const numberWord =
  /\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|hundred|thousand|million|unlimited|infinit[ey]|half|quarter|twice|once|free|none)\b/i
const timeWord =
  /\b\d{1,2}:\d\d\b|\b\d{1,2}(?:st|nd|rd|th)\b|\b(?:19|20)\d\d\b|\b(?:January|February|March|April|May|June|July|August|September|October|November|December|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b|\b(?:day|week|month|year|hour|minute|second|night|morning|noon|evening|ms|millisecond)s?\b/
const reasonWord =
  /\b(?:because|since|due to|therefore|otherwise|so that|in order to|cannot|can't|will not|won't|must|reason|causes?|make sure|should|unless|instead)\b/i
const definingWord = /\b(?:is|are|means?|refers?|contains|holds|represents|describes|defines?)\b/

const duration =
  /\d[.,]*\s*(?:ms|[smhd]|sec|min|(?:milli)?seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|fifteen|twenty|thirty|forty|fifty|sixty|ninety|hundred|half an?|an?)[- ](?:second|minute|hour|day|week|month|year)s?\b/i

/** The most words between a number and the word of the question that it belongs to. */
const nearestNumber = 5

/** Whether a number that the question does not contain is near one of its words. */
function numberIsNear(concepts: readonly Concept[], text: string): boolean {
  const asked = new Set(
    concepts.flatMap(({ forms }) => forms.filter(({ weight }) => weight >= 0.5).flatMap(({ terms }) => terms)),
  )
  let [lastAsked, lastNumber] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const [i, word] of text.split(' ').entries()) {
    if (termsOf(word).some((term) => asked.has(term))) lastAsked = i
    else if (numberWord.test(word)) lastNumber = i
    if (Math.abs(lastAsked - lastNumber) <= nearestNumber) return true
  }
  return false
}

/** Whether a question asks for a number, a time or a person that a text does not hold. */
export function lacksForm({ asksFor }: ParsedQuestion, text: string): boolean {
  if (asksFor.number && !asksFor.time && !numberWord.test(text)) return true
  if (asksFor.time && !timeWord.test(text) && !/\d/.test(text)) return true
  return asksFor.person && !/\b[A-Z][a-z]+\b.*\b[A-Z][a-z]+\b|[a-z,;:] [A-Z][a-z]+/s.test(text)
}

function formOf(
  { asksFor, names, concepts }: ParsedQuestion,
  { unit, bag, order, passage }: DescribedUnit,
  own: number,
  titleFit: number,
): Features {
  const { text, kind } = unit
  const code = kind === 'code'
  const is = (condition: boolean) => (condition ? 1 : 0)
  const asks = (what: keyof Asked, condition: boolean) => is(asksFor[what] && condition)
  const opening = order === 0 ? 1 : order < 3 ? 0.7 : 0
  const words = text.split(' ').length
  const size = sizeOf(bag)
  return {
    number: asks('number', numberWord.test(text)),
    numberNear: is(asksFor.number && !asksFor.time && numberIsNear(concepts, text)),
    duration: is(asksFor.number && asksFor.time && duration.test(text)),
    preset: asks('preset', /\bdefaults?\b/i.test(text)),
    time: asks('time', timeWord.test(text)),
    codeAsked: asks('code', code),
    codeInline: asks('code', !code && /`[^`]+`/.test(text)),
    codeUnasked: is(code && !asksFor.code),
    reason: asks('reason', reasonWord.test(text)),
    defining: asks('definition', own > 0 && definingWord.test(text.slice(0, 160))) * (order < 3 ? 1 : 0.4),
    opening: asks('definition', true) * titleFit * opening * (unit.block.section.opens ? 2 : 1),
    row: is(kind === 'row'),
    // A short unit with most words of the question is no fragment.
    short: is(!code && kind !== 'row' && words < 5) * (1 - own),
    length: Math.min(1, size / longUnit),
    link: is(/^(?:[-*+]\s*)?\[[^\]]+\]\([^)]*\)\s*(?:[-–—:]\s*)?$/.test(text)),
    question: is(/\?$/.test(text)),
    colon: is(/:$/.test(text)),
    first: 1 / (1 + order),
    nameInHeading: is(names.some((name) => unit.block.section.heading.includes(name))),
    nameInText: is(names.some((name) => text.includes(name))),
    nameAround: is(names.some((name) => passage.text.slice(unit.block.start, unit.block.end).includes(name))),
  }
}
