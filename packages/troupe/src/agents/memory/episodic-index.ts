/** An index of the newest episodes, in the memory of this process. */
import { checkFunction, checkOptions, checkPredicate, checkSignal, failure } from '../../core/index.ts'
import { checkInteger } from '../../resilience/index.ts'
import { checkQuery, type Embed, rank, type Similarity } from './similarity.ts'

/** An episode that a search has found. */
export interface RetrievedEpisode<T> {
  /** The episode as it was added. */
  readonly content: T
  /**
   * The similarity; a larger number is more similar. Between -1 and 1 for vectors. Scores of words can be compared only
   * within one answer.
   */
  readonly score: number
  /** `embedding` if vectors were compared, `lexical` if words were. */
  readonly similarity: Similarity
  /** `provider/model` of the model that made the vectors; absent for `lexical`. */
  readonly model?: string
  /** `provider/model` of the reranking model, whose scores these are; absent if none ordered the episodes. */
  readonly reranking?: string
}

/** The options of an `EpisodicIndex`. */
export interface EpisodicIndexOptions {
  /** The highest number of episodes; 100 by default. The oldest is removed first. */
  readonly maxEpisodes?: number
  /** Makes vectors of texts. Absent, episodes are compared by their words. */
  readonly embed?: Embed
}

/** An episode, and the text by which it is searched. */
interface IndexedEpisode<T> {
  readonly content: T
  readonly text: string
}

/**
 * An index of the newest episodes in the memory of this process, searched by similarity.
 * @example
 * const memory = new EpisodicIndex()
 * memory.add('repaired a bicycle chain')
 * await memory.retrieveSimilar('how do I repair a chain?', { limit: 3 })
 */
export class EpisodicIndex<T = unknown> {
  /** The highest number of episodes. */
  readonly maxEpisodes: number
  readonly #embed: Embed | undefined
  #episodes: IndexedEpisode<T>[] = []

  /** @throws ValidationError naming the option that is wrong */
  constructor(options: EpisodicIndexOptions = {}) {
    checkOptions('EpisodicIndex', options, ['maxEpisodes', 'embed'])
    this.maxEpisodes = checkInteger('EpisodicIndex', 'maxEpisodes', options.maxEpisodes ?? 100)
    if (options.embed !== undefined) checkFunction('The embed of EpisodicIndex', options.embed)
    this.#embed = options.embed
  }

  /** The way in which episodes are compared: `lexical` without an embedding model. */
  get similarity(): Similarity {
    return this.#embed ? 'embedding' : 'lexical'
  }

  /**
   * Adds an episode, and removes the oldest one above `maxEpisodes`.
   * @param episode a text, or a value whose JSON at this moment is searched
   * @throws ValidationError for a value that has no JSON, such as one with a cycle
   */
  add(episode: T): void {
    this.#episodes.push({ content: episode, text: checkedText(episode) })
    if (this.#episodes.length > this.maxEpisodes) this.#episodes.shift()
  }

  /**
   * Returns the episodes that are most similar to the text, the most similar first and the newest first among equals.
   * If the embedding model fails for the moment, words are compared.
   * @param options.limit the highest number of episodes; 3 by default
   * @param options.signal ends the search
   * @throws ExternalServiceError `embedding.wrong`, ValidationError for a text of more than 1,000,000 characters
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
    const { found, ...how } = await rank(
      text,
      episodes.map((episode) => episode.text),
      this.#embed,
    )
    return found.slice(0, limit).map(({ index, score }) => {
      const { content } = episodes[index] as IndexedEpisode<T>
      return { content, score, ...how }
    })
  }

  /**
   * Removes the episodes for which the function returns true, and returns their number.
   * @throws ValidationError if the function returns anything but a boolean
   */
  forget(matches: (episode: T) => boolean): number {
    checkFunction('The argument of forget', matches)
    const before = this.#episodes.length
    this.#episodes = this.#episodes.filter(({ content }) => !checkPredicate('The argument of forget', matches(content)))
    return before - this.#episodes.length
  }

  /** The number of episodes. */
  get size(): number {
    return this.#episodes.length
  }
}

/** Returns the text by which an episode is searched: the text itself, or the JSON of another value. */
export const textOfEpisode = (episode: unknown): string =>
  typeof episode === 'string' ? episode : (JSON.stringify(episode) ?? '')

function checkedText(episode: unknown): string {
  try {
    return textOfEpisode(episode)
  } catch (cause) {
    throw failure(
      'validation.failed',
      { what: 'An episode', problem: 'it has no JSON, by which it is searched' },
      { cause },
    )
  }
}
