/**
 * Ranks the sentences of texts by how well they fit a question (BM25), and picks some that differ from each other
 * (maximal marginal relevance). The order depends on the texts alone.
 */
import MiniSearch from 'minisearch'
import { termsOf } from '../../../documents/index.ts'
import { sentencesOf } from './sentences.ts'
import type { Facts, TextSource } from './sources.ts'

export interface Quote {
  /** The sentence, verbatim except for runs of white space. */
  readonly text: string
  /** The record of its text, and the line if it is known. */
  readonly facts: Facts
  /** The share of the question's terms that it holds, from 0 to 1. */
  readonly coverage: number
  /** Its position among all sentences. */
  readonly order: number
}

interface Candidate extends Quote {
  readonly terms: ReadonlySet<string>
  readonly score: number
}

/** The maximal number of compared sentences, of terms of a question, and of candidates for diversity. */
const limits = { sentences: 20_000, terms: 48, candidates: 200 }
/** The weight of relevance; the rest is the weight of differing from the sentences that are chosen already. */
const relevance = 0.7

/**
 * Returns the sentences that answer a question, best first; none if no sentence holds enough of its terms.
 * @param limit the maximal number of sentences
 */
export function rankSentences(question: string, sources: readonly TextSource[], limit: number): Quote[] {
  const wanted = [...new Set(termsOf(question))].slice(0, limits.terms)
  if (wanted.length === 0) return []
  const all = candidates(sources).filter((one) => one.text !== question)
  const index = new MiniSearch<{ id: number; text: string; heading: string }>({
    fields: ['text', 'heading'],
    tokenize: termsOf,
    processTerm: (term) => term,
  })
  index.addAll(all.map(({ text, facts }, id) => ({ id, text, heading: String(facts.heading ?? facts.title ?? '') })))
  const found = index
    .search(wanted.join(' '), { tokenize: (joined) => joined.split(' '), boost: { heading: 0.5 } })
    .flatMap(({ id, score }) => {
      const one = all[id]
      return one
        ? [{ ...one, score: one.text.endsWith(':') ? score / 2 : score, coverage: shareOf(wanted, one.terms) }]
        : []
    })
    .filter((one) => holdsEnough(one.coverage, wanted.length))
    .sort((a, b) => b.score - a.score || a.order - b.order)
  return diverse(found.slice(0, limits.candidates), limit)
}

/** Returns the sentences that represent the texts, in the order of the texts. */
export function centralSentences(sources: readonly TextSource[], limit: number): Quote[] {
  const all = candidates(sources)
  const frequency = new Map<string, number>()
  for (const { terms } of all) for (const term of terms) frequency.set(term, (frequency.get(term) ?? 0) + 1)
  const scored = all
    .filter(({ terms }) => terms.size > 2)
    .map((one) => {
      let score = 0
      for (const term of one.terms) score += Math.log(1 + (frequency.get(term) ?? 0))
      // Longer sentences have more terms, and the first sentences of a text more often state its subject.
      return { ...one, score: (score / Math.sqrt(one.terms.size + 4)) * (1 + 1 / (1 + one.order)) }
    })
    .sort((a, b) => b.score - a.score || a.order - b.order)
  return diverse(scored.slice(0, limits.candidates), limit).sort((a, b) => a.order - b.order)
}

function candidates(sources: readonly TextSource[]): Candidate[] {
  const all: Candidate[] = []
  const seen = new Set<string>()
  for (const { text, facts } of sources) {
    let position = { offset: 0, line: firstLineOf(facts) }
    for (const sentence of sentencesOf(text)) {
      position = { offset: sentence.offset, line: position.line + breaksIn(text, position.offset, sentence.offset) }
      if (seen.has(sentence.text)) continue
      seen.add(sentence.text)
      const terms = new Set(termsOf(sentence.text))
      const located = Number.isNaN(position.line) ? facts : { ...facts, line: position.line }
      all.push({ text: sentence.text, facts: located, terms, coverage: 0, score: 0, order: all.length })
      if (all.length === limits.sentences) return all
    }
  }
  return all
}

/** Returns the number of a text's first line, from which the lines of its sentences are counted; NaN if it is unknown. */
function firstLineOf(facts: Facts): number {
  const names = ['startLine', 'start_line', 'from_line', 'line', 'from']
  const first = names.map((name) => facts[name]).find((value) => Number.isInteger(value))
  return typeof first === 'number' ? first : Number.NaN
}

function breaksIn(text: string, from: number, to: number): number {
  let count = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) count += 1
  return count
}

function shareOf(wanted: readonly string[], terms: ReadonlySet<string>): number {
  return wanted.filter((term) => terms.has(term)).length / wanted.length
}

/** Returns whether a sentence shares enough words: one shared word may be chance, unless the question has few words. */
function holdsEnough(coverage: number, wanted: number): boolean {
  const shared = Math.round(coverage * wanted)
  return wanted <= 2 ? shared >= 1 : shared >= 2 && coverage >= 0.15
}

function diverse(ranked: readonly Candidate[], limit: number): Quote[] {
  const best = ranked[0]?.score ?? 1
  const left = ranked.filter((one) => one.score >= best / 5)
  const chosen: Candidate[] = []
  while (chosen.length < limit && left.length > 0) {
    let at = 0
    let top = Number.NEGATIVE_INFINITY
    for (const [i, one] of left.entries()) {
      const similarity = Math.max(0, ...chosen.map((other) => similarityOf(one.terms, other.terms)))
      const value = relevance * (one.score / best) - (1 - relevance) * similarity
      if (value > top) {
        top = value
        at = i
      }
    }
    chosen.push(...left.splice(at, 1))
  }
  return chosen.map(({ text, facts, coverage, order }) => ({ text, facts, coverage, order }))
}

function similarityOf(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0
  for (const term of a) if (b.has(term)) shared += 1
  return shared / (a.size + b.size - shared || 1)
}
