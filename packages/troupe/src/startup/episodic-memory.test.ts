import { expect, it } from 'vitest'
import { EpisodicMemory } from './episodic-memory.ts'

it.each([0, 1.5, '5', Number.POSITIVE_INFINITY])(
  'An episodic memory rejects %s as its maxEpisodes, and names the class that the caller used.',
  (maxEpisodes) => {
    expect(() => new EpisodicMemory({ maxEpisodes: maxEpisodes as number })).toThrow(
      'The option maxEpisodes of EpisodicMemory is not valid',
    )
  },
)
