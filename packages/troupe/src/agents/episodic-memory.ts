/** What happened: the newest episodes, found again by their words. The likeness is lexical, not semantic. */
import MiniSearch from 'minisearch'
import { checkOptions, failure } from '../core/index.ts'

export interface Recalled<T> {
  readonly content: T
  /** Of words; larger is more alike. Comparable within one answer only. */
  readonly score: number
  readonly similarity: 'lexical'
}

/**
 * @example
 * const memory = new EpisodicMemory()
 * memory.add('repaired a bicycle chain')
 * memory.retrieveSimilar('how do I repair a chain?', { limit: 3 })
 */
export class EpisodicMemory<T = unknown> {
  readonly maxEpisodes: number
  readonly #episodes = new Map<number, T>()
  readonly #index = new MiniSearch<{ id: number; text: string }>({
    fields: ['text'],
    searchOptions: { fuzzy: (term) => (term.length > 4 ? 0.2 : false), prefix: (term) => term.length > 3 },
    autoVacuum: false,
  })
  #next = 0

  /** @param options.maxEpisodes kept at most, 100 by default; the oldest goes first */
  constructor(options: { readonly maxEpisodes?: number } = {}) {
    checkOptions('EpisodicMemory', options, ['maxEpisodes'])
    this.maxEpisodes = options.maxEpisodes ?? 100
    if (!Number.isInteger(this.maxEpisodes) || this.maxEpisodes < 1)
      throw failure('validation.failed', {
        what: 'The maxEpisodes of an EpisodicMemory',
        problem: 'it is not a whole number from 1',
      })
  }

  /** @param episode a text, or a value whose JSON is searched */
  add(episode: T): void {
    const id = this.#next++
    this.#episodes.set(id, episode)
    this.#index.add({ id, text: textOf(episode) })
    const oldest = this.#episodes.keys().next().value
    if (this.#episodes.size > this.maxEpisodes && oldest !== undefined) this.#remove(oldest)
  }

  /** The most alike first; of equals the newest. @param options.limit at most, 3 by default */
  retrieveSimilar(text: string, options: { readonly limit?: number } = {}): readonly Recalled<T>[] {
    return this.#index
      .search(text)
      .sort((a, b) => b.score - a.score || b.id - a.id)
      .slice(0, options.limit ?? 3)
      .map(({ id, score }) => ({ content: this.#episodes.get(id) as T, score, similarity: 'lexical' }))
  }

  /** @returns how many were forgotten */
  forget(matches: (episode: T) => boolean): number {
    const found = [...this.#episodes].filter(([, episode]) => matches(episode))
    for (const [id] of found) this.#remove(id)
    return found.length
  }

  get size(): number {
    return this.#episodes.size
  }

  #remove(id: number): void {
    this.#index.remove({ id, text: textOf(this.#episodes.get(id)) })
    this.#episodes.delete(id)
  }
}

const textOf = (episode: unknown): string => (typeof episode === 'string' ? episode : (JSON.stringify(episode) ?? ''))
