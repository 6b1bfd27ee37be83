/** What happened: the newest episodes, found again by their likeness, in the memory of this process. */
import { checkFunction, checkOptions, checkPredicate, checkSignal } from '../../core/index.ts'
import { checkInteger } from '../../resilience/index.ts'
import { checkQuery, type Embed, rank, type Similarity } from './similarity.ts'

export interface RetrievedEpisode<T> {
  readonly content: T
  /** Larger is more alike: of vectors -1 to 1, of words comparable within one answer only. */
  readonly score: number
  readonly similarity: Similarity
  /** `provider/model` that made the vectors. */
  readonly model?: string
}

export interface EpisodicIndexOptions {
  /** Kept at most, 100 by default; the oldest goes first. */
  readonly maxEpisodes?: number
  /** Makes vectors of texts; without it the likeness is lexical. */
  readonly embed?: Embed
}

/**
 * @example
 * const memory = new EpisodicIndex()
 * memory.add('repaired a bicycle chain')
 * await memory.retrieveSimilar('how do I repair a chain?', { limit: 3 })
 */
export class EpisodicIndex<T = unknown> {
  readonly maxEpisodes: number
  readonly #embed: Embed | undefined
  #episodes: T[] = []

  /** @throws ValidationError naming the option that is wrong */
  constructor(options: EpisodicIndexOptions = {}) {
    checkOptions('EpisodicIndex', options, ['maxEpisodes', 'embed'])
    this.maxEpisodes = checkInteger('EpisodicIndex', 'maxEpisodes', options.maxEpisodes ?? 100)
    this.#embed = options.embed
  }

  /** `lexical` without an embedding model. */
  get similarity(): Similarity {
    return this.#embed ? 'embedding' : 'lexical'
  }

  /** @param episode a text, or a value whose JSON is searched */
  add(episode: T): void {
    this.#episodes.push(episode)
    if (this.#episodes.length > this.maxEpisodes) this.#episodes.shift()
  }

  /**
   * The most alike first; of equals the newest.
   * @param options.limit at most, 3 by default
   * @throws ExternalServiceError `embedding.wrong`; a model that fails for the moment leaves it to the words
   */
  async retrieveSimilar(
    text: string,
    options: { readonly limit?: number; readonly signal?: AbortSignal } = {},
  ): Promise<readonly RetrievedEpisode<T>[]> {
    checkOptions('retrieveSimilar', options, ['limit', 'signal'])
    checkSignal('retrieveSimilar', options.signal)
    checkQuery(text)
    const limit = checkInteger('retrieveSimilar', 'limit', options.limit ?? 3)
    const episodes = [...this.#episodes]
    const { found, ...how } = await rank(text, episodes.map(textOfEpisode), this.#embed)
    return found.slice(0, limit).map(({ index, score }) => ({ content: episodes[index] as T, score, ...how }))
  }

  /** @returns how many were forgotten */
  forget(matches: (episode: T) => boolean): number {
    checkFunction('What forget was given', matches)
    const before = this.#episodes.length
    this.#episodes = this.#episodes.filter((episode) => !checkPredicate('What forget was given', matches(episode)))
    return before - this.#episodes.length
  }

  get size(): number {
    return this.#episodes.length
  }
}

export const textOfEpisode = (episode: unknown): string =>
  typeof episode === 'string' ? episode : (JSON.stringify(episode) ?? '')
