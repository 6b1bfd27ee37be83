/** The public EpisodicMemory: an episodic index whose embedding model is named in the configuration. */
import { EpisodicIndex, embedOf } from '../agents/index.ts'
import { readEnvironment } from '../configuration/index.ts'
import { checkOptions, createEvents, systemClock, systemRandom } from '../core/index.ts'
import { createModels, type EmbeddingSpec } from '../models/index.ts'
import { checkInteger } from '../resilience/index.ts'

/** The options of `new EpisodicMemory`. */
export interface EpisodicMemoryConfig {
  /** The maximal number of episodes, 100 by default. The oldest is removed first. */
  readonly maxEpisodes?: number
  /** `'provider/model'`, an AI SDK embedding model, or a URL. Without one, similarity is lexical. */
  readonly embedding?: EmbeddingSpec
}

/**
 * The episodes of one process, retrieved by similarity.
 * @example const memory = new EpisodicMemory({ embedding: 'openai/text-embedding-3-small' })
 */
export class EpisodicMemory<T = unknown> extends EpisodicIndex<T> {
  constructor(options: EpisodicMemoryConfig = {}) {
    checkOptions('EpisodicMemory', options, ['maxEpisodes', 'embedding'])
    const { embedding, ...rest } = options
    if (rest.maxEpisodes !== undefined) checkInteger('EpisodicMemory', 'maxEpisodes', rest.maxEpisodes)
    const { env } = readEnvironment(process.env)
    const parts = { clock: systemClock, random: systemRandom, events: createEvents(() => {}), env }
    const embed =
      embedding === undefined ? undefined : embedOf({ models: createModels({ ...parts, embedding }), user: 'memory' })
    super(embed ? { ...rest, embed } : rest)
  }
}
