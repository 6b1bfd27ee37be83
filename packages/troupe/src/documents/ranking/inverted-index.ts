/**
 * A BM25 index over numbered texts that takes little memory: for each term the numbers of its texts and its frequency
 * there, as bytes. Texts are added in the order of their numbers and never removed.
 */

/** How often a term has to occur before more of it counts little, and how much the length of a text counts. */
const saturation = 1.2
const lengthWeight = 0.6
const maxFrequency = 255

export interface WeightedTerm {
  readonly term: string
  readonly weight: number
}

class Postings {
  bytes: Uint8Array = new Uint8Array(8)
  length = 0
  last = -1
  count = 0

  add(id: number, frequency: number): void {
    if (this.length + 6 > this.bytes.length) {
      const larger = new Uint8Array(Math.ceil(this.bytes.length * 1.5) + 6)
      larger.set(this.bytes)
      this.bytes = larger
    }
    let gap = id - this.last
    while (gap > 127) {
      this.bytes[this.length++] = (gap & 127) | 128
      gap >>>= 7
    }
    this.bytes[this.length++] = gap
    this.bytes[this.length++] = Math.min(frequency, maxFrequency)
    this.last = id
    this.count += 1
  }

  forEach(visit: (id: number, frequency: number) => void): void {
    const { bytes, length } = this
    let id = -1
    for (let at = 0; at < length; ) {
      let gap = 0
      let shift = 0
      let byte = bytes[at++] ?? 0
      while (byte > 127) {
        gap |= (byte & 127) << shift
        shift += 7
        byte = bytes[at++] ?? 0
      }
      id += gap | (byte << shift)
      visit(id, bytes[at++] ?? 0)
    }
  }
}

export class InvertedIndex {
  readonly #postings = new Map<string, Postings>()
  readonly #lengths: number[] = []
  #totalLength = 0

  /** The number of texts. */
  get size(): number {
    return this.#lengths.length
  }

  /** The number of texts that hold a term. */
  frequency(term: string): number {
    return this.#postings.get(term)?.count ?? 0
  }

  /**
   * Adds a text.
   * @param terms the terms that `counts` names by their index
   * @param counts pairs: a term of the text, and how much it counts, fields and repetitions added up
   */
  add(terms: readonly string[], counts: readonly number[]): void {
    const id = this.#lengths.length
    let length = 0
    for (let i = 0; i < counts.length; i += 2) {
      const term = terms[counts[i] ?? 0] ?? ''
      const count = counts[i + 1] ?? 0
      length += count
      let postings = this.#postings.get(term)
      if (!postings) {
        postings = new Postings()
        this.#postings.set(term, postings)
      }
      postings.add(id, Math.round(count))
    }
    this.#lengths.push(length)
    this.#totalLength += length
  }

  /** The texts that fit some terms best, best first; equal ones by their number. */
  search(terms: readonly WeightedTerm[], limit: number): { readonly id: number; readonly score: number }[] {
    const average = this.#totalLength / (this.size || 1) || 1
    const scores = new Map<number, number>()
    for (const { term, weight } of terms) {
      const postings = this.#postings.get(term)
      if (!postings) continue
      const rarity = Math.log(1 + (this.size - postings.count + 0.5) / (postings.count + 0.5))
      postings.forEach((id, frequency) => {
        const length = 1 - lengthWeight + (lengthWeight * (this.#lengths[id] ?? 0)) / average
        const score = (weight * rarity * frequency * (saturation + 1)) / (frequency + saturation * length)
        scores.set(id, (scores.get(id) ?? 0) + score)
      })
    }
    return [...scores]
      .map(([id, score]) => ({ id, score }))
      .sort((a, b) => b.score - a.score || a.id - b.id)
      .slice(0, limit)
  }
}
