/**
 * A BM25 index over numbered texts that takes little memory, all of it outside the heap of JavaScript. Texts are added in
 * the order of their numbers and never removed.
 */
import { Postings } from './postings.ts'
import { TermDictionary } from './terms/term-dictionary.ts'

/** The parameters k1 and b of BM25: how fast a repeated term saturates, and the weight of the length of a text. */
const saturation = 1.2
const lengthWeight = 0.6
const maxFrequency = 255
/** The highest number of different terms, each of 60 bytes. Further terms are not indexed. */
const maxTerms = 2_000_000

export interface WeightedTerm {
  readonly term: string
  readonly weight: number
}

export class InvertedIndex {
  readonly #dictionary = new TermDictionary()
  readonly #postings = new Postings()
  readonly #lengths: number[] = []
  readonly #maxTerms: number
  #totalLength = 0

  constructor(options: { readonly maxTerms?: number } = {}) {
    this.#maxTerms = options.maxTerms ?? maxTerms
  }

  /** The number of texts. */
  get size(): number {
    return this.#lengths.length
  }

  /** The number of texts that hold a term. */
  frequency(term: string): number {
    const id = this.#dictionary.find(term)
    return id === undefined ? 0 : this.#postings.count(id)
  }

  /** Returns the terms that begin or end with a term, without the term itself. */
  around(term: string): string[] {
    return this.#dictionary.around(term)
  }

  /**
   * Adds the texts of a document.
   * @param terms the terms that `texts` name by their index
   * @param texts for each text pairs: a term, and how much it counts, fields and repetitions added up
   */
  add(terms: readonly string[], texts: readonly (readonly number[])[]): void {
    const ids = terms.map((term) => this.#idOf(term))
    for (const counts of texts) {
      const text = this.#lengths.length
      let length = 0
      for (let i = 0; i < counts.length; i += 2) {
        const term = ids[counts[i] ?? 0]
        const count = counts[i + 1] ?? 0
        length += count
        if (term !== undefined) this.#postings.add(term, text, Math.min(Math.round(count), maxFrequency))
      }
      this.#lengths.push(length)
      this.#totalLength += length
    }
  }

  #idOf(term: string): number | undefined {
    return this.#dictionary.size < this.#maxTerms ? this.#dictionary.add(term) : this.#dictionary.find(term)
  }

  /** Returns the texts that fit some terms best, the best first; equal ones by their number. */
  search(terms: readonly WeightedTerm[], limit: number): { readonly id: number; readonly score: number }[] {
    const average = this.#totalLength / (this.size || 1) || 1
    const scores = new Float64Array(this.size)
    for (const { term, weight } of terms) {
      const known = this.#dictionary.find(term)
      if (known === undefined) continue
      const count = this.#postings.count(known)
      const rarity = Math.log(1 + (this.size - count + 0.5) / (count + 0.5))
      this.#postings.forEach(known, (id, frequency) => {
        const length = 1 - lengthWeight + (lengthWeight * (this.#lengths[id] ?? 0)) / average
        scores[id] =
          (scores[id] ?? 0) + (weight * rarity * frequency * (saturation + 1)) / (frequency + saturation * length)
      })
    }
    return bestOf(scores, limit)
  }
}

/** Returns the best texts without sorting all, because most texts of a large folder hold one of the words. */
function bestOf(scores: Float64Array, limit: number): { readonly id: number; readonly score: number }[] {
  const positive = scores.filter((score) => score > 0).sort()
  const least = positive[Math.max(0, positive.length - limit)] ?? Number.POSITIVE_INFINITY
  const best: { id: number; score: number }[] = []
  for (let id = 0; id < scores.length; id++) {
    const score = scores[id] ?? 0
    if (score > 0 && score >= least) best.push({ id, score })
  }
  return best.sort((a, b) => b.score - a.score || a.id - b.id).slice(0, limit)
}
