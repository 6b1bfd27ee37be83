/**
 * Words of the documents that are related to a word of a question: other endings, compounds, abbreviations that the
 * documents explain, and synonyms of general English.
 */
import { lazy } from '../../../core/index.ts'
import { synonyms } from './synonyms.ts'
import { termOf, termsOf } from './terms.ts'

/** Returns the forms of a term in the documents: `tarif` for `tarife`, `frist` for `kündigungsfrist`; then synonyms. */
export function relatedForms(term: string, vocabulary: Vocabulary): Form[] {
  const alike = [...(synonymsByTerm().get(term) ?? [])].filter((one) => vocabulary.frequency(one) > 0)
  return [...formsInDocuments(term, vocabulary), ...alike.map((one) => ({ terms: [one], weight: formWeights.synonym }))]
}

/** The words of the documents. */
export interface Vocabulary {
  /** The number of passages that contain a term. */
  frequency(term: string): number
  readonly passages: number
  /** The terms that begin or end with a term, without the term itself. */
  around(term: string): readonly string[]
  /** The terms of the full form of each abbreviation. */
  readonly abbreviations: ReadonlyMap<string, readonly string[]>
}

export interface Form {
  /** The terms that match together; a text with some of them matches partially. */
  readonly terms: readonly string[]
  /** How well the form matches the word; 1 for the word itself. */
  readonly weight: number
}

const formWeights = { ending: 0.8, compound: 0.5, synonym: 0.5, head: 0.4, abbreviation: 0.9 } as const
/** The shortest lengths in letters; `known` is the highest frequency of a rare word. */
const shortest = { stem: 4, part: 5, rest: 3, known: 2 } as const
/** German endings; English endings are removed before. */
const endings = new Set(['e', 'en', 'er', 'em', 'es', 'n', 's'])
const maxForms = 12

/**
 * Returns forms of a term, best first. Compounds are used only if the word is rare in the documents, else they
 * distract.
 */
function formsInDocuments(term: string, vocabulary: Vocabulary): Form[] {
  const long = vocabulary.abbreviations.get(term)
  const forms: Form[] = long ? [{ terms: long, weight: formWeights.abbreviation }] : []
  if (term.length < shortest.stem || !/^\p{L}+$/u.test(term)) return forms
  const isRare = vocabulary.frequency(term) <= shortest.known
  const words = vocabulary.around(term).filter((word) => /^\p{L}+$/u.test(word))
  for (const word of words) {
    const rest = word.length - term.length
    if (word.startsWith(term) && endings.has(word.slice(term.length)))
      forms.push({ terms: [word], weight: formWeights.ending })
    else if (isRare && rest >= shortest.rest && term.length >= shortest.part)
      forms.push({ terms: [word], weight: word.endsWith(term) ? formWeights.compound : formWeights.head })
  }
  for (let at = 1; at < term.length; at++) {
    const [first, last] = [term.slice(0, at), term.slice(at)]
    const isKnown = (part: string) => isRare && part.length >= shortest.part && vocabulary.frequency(part) > 0
    if (endings.has(last) && at >= shortest.stem && vocabulary.frequency(first) > 0)
      forms.push({ terms: [first], weight: formWeights.ending })
    else if (last.length >= shortest.rest && isKnown(first)) forms.push({ terms: [first], weight: formWeights.head })
    if (at >= shortest.rest && isKnown(last)) forms.push({ terms: [last], weight: formWeights.compound })
  }
  return forms.sort((a, b) => b.weight - a.weight).slice(0, maxForms)
}

const synonymsByTerm = lazy(readSynonyms)

function readSynonyms(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  for (const group of synonyms.trim().split(/,\s|\n/)) {
    const terms = group.split(' ').flatMap((one) => termOf(one) ?? [])
    for (const term of terms)
      found.set(term, new Set([...(found.get(term) ?? []), ...terms.filter((other) => other !== term)]))
  }
  return found
}

const inBrackets = /\(\*{0,2}(\p{Lu}[\p{Lu}\d]{1,7})s?\*{0,2}\)/gu
/** An expression that began with the words would try them at each letter of a text. */
const wordsBefore = /(?:\p{L}[\p{L}'-]*[ \t]+){2,7}$/u
/** The characters before brackets among which seven words are looked for. */
const reachBefore = 200
const explaining =
  /(?<![\p{L}\d])(\p{Lu}[\p{Lu}\d]{1,7})\*{0,2}(?:[ \t]*[:=–—][ \t]+|[ \t]+\(|[ \t]+-[ \t]+)((?:\p{L}[\p{L}'-]*[ \t]*){2,7})/gu

/** The abbreviations that a text explains: `automated external defibrillator (AED)`, `ETA: estimated time of arrival`. */
export function abbreviationsIn(text: string): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  const add = (short: string, words: readonly string[]) => {
    const [term] = termsOf(short.toLowerCase())
    const long = words.flatMap((word) => termsOf(word))
    if (term !== undefined && long.length > 1) found.set(term, long)
  }
  for (const { 1: short = '', index } of text.matchAll(inBrackets)) {
    const [before] = wordsBefore.exec(text.slice(Math.max(0, index - reachBefore), index)) ?? []
    if (before === undefined) continue
    const words = before.trim().split(/[\s-]+/)
    for (let from = words.length - short.length; from >= 0 && from >= words.length - short.length - 2; from--)
      if (isSpelledBy(short, words.slice(from))) {
        add(short, words.slice(from))
        break
      }
  }
  for (const [, short = '', after = ''] of text.matchAll(explaining)) {
    const words = after.trim().split(/[\s-]+/)
    for (let to = short.length; to <= Math.min(words.length, short.length + 2); to++)
      if (isSpelledBy(short, words.slice(0, to))) {
        add(short, words.slice(0, to))
        break
      }
  }
  return found
}

/** Whether the first letters of the words spell an abbreviation; small words such as `of` may be left out. */
function isSpelledBy(short: string, words: readonly string[]): boolean {
  const initials = words.filter((word) => word.length > 3 || /^\p{Lu}/u.test(word) || words.length === short.length)
  return initials.map((word) => word[0]?.toLowerCase()).join('') === short.toLowerCase()
}
