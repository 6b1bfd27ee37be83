/** The stored facts that a step reads, and with which an extraction compares new ones. */
import { type Provenance, type TaintLabel, textOfValue } from '../../core/index.ts'
import type { StepEntry } from '../agent-port.ts'
import type { LlmDefinition } from '../definitions/llm-definition.ts'
import { textOfEpisode } from './episodic-index.ts'
import { retrieveEpisodes } from './retrieve-episodes.ts'
import { type RankingSource, rankingOfStep } from './similarity.ts'
import { factsName } from './stored-memory.ts'

const defaultShown = 10

export interface KnownFact {
  readonly id: string
  readonly text: string
  readonly taint: readonly TaintLabel[]
  readonly provenance: Provenance
}

/** Returns the facts that are most similar to the input, and the newest ones up to the limit. */
export async function knownFacts(
  definition: LlmDefinition,
  entry: StepEntry,
  limit: number,
  charge: RankingSource['charge'],
): Promise<KnownFact[]> {
  const { memories } = entry.services.records
  const memory = factsName(definition.name)
  const newest = await memories.read(entry.recorder.principal.userId, memory)
  const source = { ...rankingOfStep(entry, charge), memories, memory }
  const alike = newest.length <= limit ? [] : await retrieveEpisodes(source, textOfValue(entry.input), limit)
  const shown = new Map([...alike, ...newest].map((item) => [item.id, item]))
  return [...shown.values()]
    .slice(0, limit)
    .map(({ id, content, taint, provenance }) => ({ id, text: textOfEpisode(content), taint, provenance }))
}

export const shownFacts = (option: NonNullable<LlmDefinition['memory']['consolidate']>): number =>
  (typeof option === 'object' ? option.limit : undefined) ?? defaultShown
