/**
 * Searches stored episodes. Vectors are stored with their items and the name of their model; those of another model are
 * computed again.
 */
import { type Json, TroupeError, type UserId } from '../../core/index.ts'
import { type RetrievedEpisode, textOfEpisode } from './episodic-index.ts'
import type { Memories, MemoryItem } from './memories-port.ts'
import { byVectors, byWords, embedOf, passing, type Ranking, type RankingSource, reranked } from './similarity.ts'

export interface EpisodeSource extends RankingSource {
  readonly memories: Memories
  readonly user: UserId
  readonly memory: string
}

export type RetrievedItem = RetrievedEpisode<Json> & Pick<MemoryItem, 'id' | 'version' | 'provenance' | 'taint' | 'at'>

export async function retrieveEpisodes(
  episodeSource: EpisodeSource,
  text: string,
  limit: number,
): Promise<readonly RetrievedItem[]> {
  // Rankings prefer the later one of equals, and `read` returns the newest first, so the order is reversed.
  const items = [...(await episodeSource.memories.read(episodeSource.user, episodeSource.memory))].reverse()
  if (items.length === 0) return []
  const texts = items.map(({ content }) => textOfEpisode(content))
  const ranking = await rankItems(episodeSource, text, { items, texts })
  const { found, ...how } = await reranked(episodeSource, text, texts, ranking)
  return found.slice(0, limit).map(({ index, score }) => {
    const { content, id, version, provenance, taint, at } = items[index] as MemoryItem
    return { content, score, ...how, id, version, provenance, taint, at }
  })
}

async function rankItems(
  episodeSource: EpisodeSource,
  text: string,
  { items, texts }: { readonly items: readonly MemoryItem[]; readonly texts: readonly string[] },
): Promise<Ranking> {
  const { models, user } = episodeSource
  const embed = embedOf(episodeSource)
  if (!embed || models.embedding === undefined) return byWords(text, texts)
  try {
    const { model, vectors } = await embed([text])
    const question = vectors[0] as Float32Array
    const known = items.map(({ vector }) =>
      vector?.model === model && vector.numbers.length === question.length ? vector.numbers : undefined,
    )
    const missing = known.flatMap((vector, i) => (vector ? [] : [i]))
    if (missing.length > 0) {
      const made = await embed(missing.map((i) => texts[i] as string))
      for (const [n, i] of missing.entries()) known[i] = made.vectors[n] as Float32Array
      const withVectors = missing.map((i) => {
        const { id, version } = items[i] as MemoryItem
        return { id, version, vector: { model, numbers: known[i] as Float32Array } }
      })
      await episodeSource.memories.storeVectors(user, episodeSource.memory, withVectors)
    }
    return byVectors(model, question, known as readonly Float32Array[])
  } catch (error) {
    if (error instanceof TroupeError && passing.has(error.code)) return byWords(text, texts)
    throw error
  }
}
