/** Parses a question into its concepts, with the forms in which they occur in texts, and the kind of answer. */
import { truncateText } from '../../core/index.ts'
import { type Form, relatedForms, type Vocabulary } from './terms/related-forms.ts'
import { partsOfName, termOf, termsOf } from './terms/terms.ts'

/** A word of a question. Any of its forms matches it, with a weight that is 1 for the word itself. */
export interface Concept {
  readonly word: string
  readonly term: string
  readonly forms: readonly Form[]
  /** The importance of the word, which is high for a rare one. */
  readonly weight: number
}

export interface ParsedQuestion {
  readonly text: string
  /** The words of which the documents contain a form: the others rank nothing. */
  readonly concepts: readonly Concept[]
  /** The share of these words in all words, from 0 to 1, by the square roots of their weights. */
  readonly known: number
  readonly asksFor: Asked
  /** Names in code, unchanged. */
  readonly names: readonly string[]
  /** Whether the question contains a proper name that no document contains. */
  readonly lacksName: boolean
}

export interface Asked {
  readonly number: boolean
  readonly time: boolean
  readonly code: boolean
  readonly definition: boolean
  readonly reason: boolean
  readonly person: boolean
  readonly list: boolean
  readonly preset: boolean
}

const maxConcepts = 48
/** The characters of a question in which names of code are looked for: the time grows with the square of a word. */
const longestQuestion = 2_000
/** The highest total weight of the words of the whole question, relative to those of the part that is asked. */
const contextWeight = 0.4
/** Words that refer to something named elsewhere. */
const leaning = /\b(?:it|its|they|them|their|this|that|these|those|there|he|she|him|her|his)\b/i

/** Words that ask for a number after `what` or `which`. */
const quantity =
  /\b(?:maximum|minimum|limits?|size|timeout|rate|price|cost|rent|fee|version|port|age|percentage|status code|largest|smallest|longest|amount|number of|fine|budget)\b/

/** Words that say little about the subject of a question, even if they are rare in the documents. */
const light = new Set(
  termsOf(`add allow apply become begin belong besides bring call case cause change come contain depend differ difference
  different dismiss do done example exist find follow full give go good have help hold include instead keep kind know
  leave let like line long look lot make matter mean move need new number occur old one open order part place possible
  prevent problem provide put reach real really run same say see set show simply start stop support take tell thing time try turn
  type understand use user usual value view want way whole without word work write wrong year
  something anything everything nothing someone anyone everyone`),
)
const lightWeight = 0.5

/** Words that with `how` ask for a degree, and are seldom in the answer. */
const degree = new Set('big deep far fast frequently high large long many much often old quickly small soon'.split(' '))

/**
 * @param context the question that contains this one; its words have a small weight if this one does not name its
 * subject
 */
export function readQuestion(text: string, vocabulary: Vocabulary, context = ''): ParsedQuestion {
  const concepts = conceptsOf(text, vocabulary)
  // A part that names its subject needs no context.
  const leans = concepts.size < 2 || leaning.test(text)
  const others = [...conceptsOf(leans ? context : '', vocabulary)].filter(([term]) => !concepts.has(term))
  const share = Math.min(1, weightOf(concepts.values()) / (weightOf(others.map(([, concept]) => concept)) || 1))
  for (const [term, concept] of others)
    concepts.set(term, { ...concept, weight: concept.weight * share * contextWeight })
  const known = [...concepts.values()].filter(({ forms }) =>
    forms.some(({ terms }) => terms.some((term) => vocabulary.frequency(term) > 0)),
  )
  return {
    text,
    concepts: known,
    known: rootWeightOf(known) / (rootWeightOf(concepts.values()) || 1),
    asksFor: askedIn(text),
    lacksName: [...concepts.values()].some((concept) => !known.includes(concept) && isProperName(concept.word, text)),
    names: namesIn(truncateText(leans ? `${text} ${context}` : text, longestQuestion)),
  }
}

/** Shows that a question is in English, where a capital distinguishes a name from other nouns. */
const englishWord = /\b(?:the|what|which|how|who|when|where|why|is|are|do|does|did|can|there)\b/i

/** Whether a word has a capital after its first letter or, in an English question, begins with one within a sentence. */
function isProperName(word: string, text: string): boolean {
  if (/\p{L}\p{Lu}/u.test(word)) return true
  if (!/^\p{Lu}/u.test(word) || !englishWord.test(text)) return false
  const before = text.slice(0, text.indexOf(word)).trimEnd()
  return before !== '' && !/[.?!:]$/.test(before)
}

const rootWeightOf = (concepts: Iterable<Concept>): number =>
  [...concepts].reduce((sum, { weight }) => sum + Math.sqrt(weight), 0)
const weightOf = (concepts: Iterable<Concept>): number => [...concepts].reduce((sum, { weight }) => sum + weight, 0)

function conceptsOf(text: string, vocabulary: Vocabulary): Map<string, Concept> {
  const tokens = [...text.replace(/\bhttps?:\/\/\S+/g, ' ').matchAll(/[\p{L}\p{N}_$]+/gu)].map(([token]) => token)
  const concepts = new Map<string, Concept>()
  for (const [i, token] of tokens.entries()) {
    if (/^how$/i.test(tokens[i - 1] ?? '') && degree.has(token.toLowerCase())) continue
    const term = termOf(token)
    if (term === undefined || concepts.has(term)) {
      if (term === undefined)
        for (const one of termsOf(token)) addConcept(concepts, token, one, { forms: [], related: [] }, vocabulary)
      continue
    }
    const parts = partsOfName(token).flatMap((part) => termOf(part) ?? [])
    const forms: Form[] = parts.length > 1 ? [{ terms: parts, weight: 0.8 }] : []
    for (const neighbour of [tokens[i + 1], tokens[i - 1]]) {
      if (neighbour === undefined) continue
      const joined = termOf(neighbour === tokens[i + 1] ? token + neighbour : neighbour + token)
      if (joined !== undefined && vocabulary.frequency(joined) > 0) forms.push({ terms: [joined], weight: 0.9 })
    }
    for (const split of splitsOf(token.toLowerCase(), vocabulary)) forms.push({ terms: split, weight: 0.7 })
    const related = relatedForms(term, vocabulary)
    addConcept(concepts, token, term, { forms, related }, vocabulary)
    if (concepts.size === maxConcepts) break
  }
  return concepts
}

function addConcept(
  concepts: Map<string, Concept>,
  word: string,
  term: string,
  { forms, related }: { readonly forms: readonly Form[]; readonly related: readonly Form[] },
  vocabulary: Vocabulary,
): void {
  if (concepts.has(term)) return
  // A name is as rare as itself, not as its parts, if the documents contain it.
  const parts = forms.flatMap(({ terms }) => terms.map((one) => vocabulary.frequency(one)))
  const frequency = vocabulary.frequency(term) || Math.max(0, ...parts)
  const rarity = Math.log(1 + (vocabulary.passages - frequency + 0.5) / (frequency + 0.5))
  const weight = rarity * (light.has(term) ? lightWeight : 1)
  concepts.set(term, {
    word,
    term,
    forms: [{ terms: [term], weight: 1 }, ...forms, ...related],
    weight: Math.max(weight, 0.1),
  })
}

/**
 * Splits a word, such as `timeout` into `time out`, if both parts occur in the documents and the word is rare or
 * absent.
 */
function splitsOf(token: string, vocabulary: Vocabulary): string[][] {
  if (token.length < 7 || !/^[a-z]+$/.test(token)) return []
  const own = termOf(token)
  if (own !== undefined && vocabulary.frequency(own) > 2) return []
  for (let at = 3; at <= token.length - 3; at++) {
    const parts = [token.slice(0, at), token.slice(at)].map((part) => termOf(part))
    if (parts.every((part) => part !== undefined && vocabulary.frequency(part) > 1)) return [parts as string[]]
  }
  return []
}

export function askedIn(text: string): Asked {
  const asked = text.toLowerCase()
  const preset = /\bdefault\b/.test(asked)
  return {
    number:
      (/\b(?:what|which)\b/.test(asked) && quantity.test(asked)) ||
      /\bhow (?:many|much|long|large|big|often|high|old|far|fast|small)\b|\bwhat (?:does|do) .*\bpay(?:\?|$| (?:per|for|each|a|every)\b)/.test(
        asked,
      ) ||
      (preset && /\bwhat\b/.test(asked)),
    time:
      /(?:^|[,.?;] |\band )when\b|\b(?:since|by|until) when\b|\bhow (?:long|often|soon)\b|\buntil\b|\bdates?\b|\bdeadline\b|\bwhat (?:time|day|year)\b/.test(
        asked,
      ) && !/^when (?:should|do|would|must)\b/.test(asked),
    code: /\bhow (?:do|can|should|would|could|to|must)\b|\bcommands?\b|\bcode\b|\bwrite\b|\bexample\b|\bsyntax\b|\bsnippet\b/.test(
      asked,
    ),
    definition:
      /^(?:what (?:is|are|does)\b.*|define\b.*|.*\bmeans?\b.*)\??$/.test(asked.trim()) &&
      !/\bdefault\b|\bmaximum\b|\bminimum\b|\bdifference\b|\bhow\b/.test(asked),
    reason: /\bwhy\b|\bwhat (?:should|do|can) i do\b|\bwrong\b|\bfail|\berror\b|\breason\b|\bcause/.test(asked),
    person: /\bwho(?:m|se)?\b/.test(asked),
    list: /\bwhich\b|\bwhat (?:are|were|was)\b|\border\b|\bchecklist\b|\bsteps\b|\blist\b/.test(asked),
    preset,
  }
}

function namesIn(text: string): string[] {
  const found = text.matchAll(
    /`([^`]+)`|[A-Za-z_$][\w$]*(?:[.:/-][\w$]+)+(?:\(\))?|[A-Za-z_$][\w$]*[A-Z_][\w$]*(?:\(\))?|--?[a-z][\w-]+|\.\w+rc\b/g,
  )
  const names = [...found].map(([name, quoted]) => (quoted ?? name).replace(/\(\)$/, ''))
  return [...new Set(names.filter((name) => /[a-z][A-Z]|[_.:/-]|^[A-Z\d_]{4,}$/.test(name)))]
}
