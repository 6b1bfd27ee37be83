/** Orders texts by their relevance to a question, by a reranking model. Nothing is cached. */
import { z } from 'zod'
import { failure, type Recording, truncateText } from '../../core/index.ts'
import type { Gates } from '../model-gates.ts'
import type { EmbedOptions, Reranked, RerankingSpec } from '../models-port.ts'
import type { createPrices } from '../prices.ts'
import { modelNameOf, type Resolver } from '../resolve-model.ts'
import { type AttemptParts, attemptCall } from './attempt-call.ts'

/** Near the input limit of most models. The rest of a text is ignored. */
const maxCharacters = 8_000
/** The texts of one search, by which Cohere and Bedrock charge. */
const textsOfSearch = 100

export interface RerankingParts extends AttemptParts {
  readonly prices: ReturnType<typeof createPrices>
  readonly gates: Gates
  readonly resolver: Pick<Resolver, 'resolveReranking'>
  readonly recording?: Recording
}

export function createReranking({ prices, gates, resolver, recording, ...parts }: RerankingParts) {
  return async (
    spec: RerankingSpec,
    question: string,
    texts: readonly string[],
    { user, signal, timeoutMs }: EmbedOptions,
  ): Promise<Reranked> => {
    const model = modelNameOf(spec)
    if (texts.length === 0) return { model, ranking: [], usage: { inputTokens: 0, outputTokens: 0 }, cost: 0 }
    const clean = (text: string) => truncateText(text.toWellFormed(), maxCharacters)
    const request = { query: clean(question), texts: texts.map(clean) }
    const ask = async (abortSignal: AbortSignal): Promise<Played> => {
      const { ranking, response } = await (await resolver.resolveReranking(spec)).doRerank({
        query: request.query,
        documents: { type: 'text', values: [...request.texts] },
        abortSignal,
      })
      const ranked = ranking.map(({ index, relevanceScore }) => ({ index, score: relevanceScore }))
      return { ranking: ranked, ...countsIn(response?.body) }
    }
    const traffic = { kind: 'reranking', name: model, request } as const
    const spentOf = ({ tokens, searches }: Played) => {
      const cost = prices.costOfSearches(model, searches ?? Math.ceil(texts.length / textsOfSearch), tokens)
      return { inputTokens: tokens ?? 0, ...(cost === undefined ? {} : { cost }) }
    }
    const answer = await attemptCall(
      parts,
      { event: 'model.reranked', model, gate: gates.of(spec), user, signal, timeoutMs },
      async (own) => {
        const played = recording
          ? withCounts(await recording.play({ ...traffic, signal: own }, () => ask(own)))
          : await ask(own)
        return { answer: played, fields: { texts: texts.length, ...spentOf(played) } }
      },
      ({ ranking }) => checkRanking(model, ranking, texts.length),
    )
    const { inputTokens, ...cost } = spentOf(answer)
    const ranking = answer.ranking.toSorted((a, b) => b.score - a.score || a.index - b.index)
    return { model, ranking, usage: { inputTokens, outputTokens: 0 }, ...cost }
  }
}

/** A cassette may hold a ranking alone. */
const withCounts = (played: Played | Reranked['ranking']): Played =>
  'ranking' in played ? played : { ranking: played }

/** The record of a cassette: the ranking, and the usage that the provider counted. */
type Played = {
  readonly ranking: Reranked['ranking']
  readonly tokens?: number
  readonly searches?: number
}

const counts = z.object({
  usage: z.object({ total_tokens: z.number() }).optional(),
  meta: z.object({ billed_units: z.object({ search_units: z.number() }) }).optional(),
})

/** Returns what the answer of a provider says it used: tokens as Jina, Voyage and vLLM do, or searches as Cohere does. */
function countsIn(body: unknown): Pick<Played, 'tokens' | 'searches'> {
  const { usage, meta } = counts.catch({}).parse(body ?? {})
  return {
    ...(usage ? { tokens: usage.total_tokens } : {}),
    ...(meta ? { searches: meta.billed_units.search_units } : {}),
  }
}

/** @throws ExternalServiceError `reranking.wrong` */
function checkRanking(model: string, ranking: Reranked['ranking'], texts: number): void {
  const seen = new Set<number>()
  for (const { index, score } of ranking) {
    if (!Number.isInteger(index) || index < 0 || index >= texts || seen.has(index))
      throw failure('reranking.wrong', { model, problem: `${index} is no text of the request, or is there twice` })
    if (!Number.isFinite(score)) throw failure('reranking.wrong', { model, problem: 'a score is not a number' })
    seen.add(index)
  }
}
