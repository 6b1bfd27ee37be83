/** Orders texts by their relevance to a question, by a reranking model. Nothing is cached. */
import { failure, type Recording, truncateText } from '../../core/index.ts'
import type { Gates } from '../model-gates.ts'
import type { EmbedOptions, Reranked, RerankingSpec } from '../models-port.ts'
import { modelNameOf, type Resolver } from '../resolve-model.ts'
import { type AttemptParts, attemptCall } from './attempt-call.ts'

/** Near the input limit of most models. The rest of a text is ignored. */
const maxCharacters = 8_000

export interface RerankingParts extends AttemptParts {
  readonly gates: Gates
  readonly resolver: Pick<Resolver, 'resolveReranking'>
  readonly recording?: Recording
}

export function createReranking({ gates, resolver, recording, ...parts }: RerankingParts) {
  return async (
    spec: RerankingSpec,
    question: string,
    texts: readonly string[],
    { user, signal }: EmbedOptions,
  ): Promise<Reranked> => {
    const model = modelNameOf(spec)
    if (texts.length === 0) return { model, ranking: [] }
    const clean = (text: string) => truncateText(text.toWellFormed(), maxCharacters)
    const request = { query: clean(question), texts: texts.map(clean) }
    const ask = async () => {
      const { ranking } = await (await resolver.resolveReranking(spec)).doRerank({
        query: request.query,
        documents: { type: 'text', values: [...request.texts] },
        ...(signal ? { abortSignal: signal } : {}),
      })
      return ranking.map(({ index, relevanceScore }) => ({ index, score: relevanceScore }))
    }
    const traffic = { kind: 'reranking', name: model, request, signal } as const
    const ranking = await attemptCall(
      parts,
      { event: 'model.reranked', model, gate: gates.of(spec), user, signal },
      async () => ({
        answer: recording ? await recording.play(traffic, ask) : await ask(),
        fields: { texts: texts.length },
      }),
      (answer) => checkRanking(model, answer, texts.length),
    )
    return { model, ranking: ranking.toSorted((a, b) => b.score - a.score || a.index - b.index) }
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
