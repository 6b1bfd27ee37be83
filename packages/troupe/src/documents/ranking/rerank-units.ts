/** Orders the best units by a reranking model, which reads question and unit together. */
import { checkOptions, failure, fieldOf, invalidInput, isList, show } from '../../core/index.ts'
import type { RankedUnit } from './rank-units.ts'

/** The reranking model of a search in documents. */
export interface DocumentReranking {
  /** The name of the model, such as `cohere/rerank-v3.5`. */
  readonly model: string
  /**
   * Returns the indexes of the texts, the most relevant first. It may omit texts.
   * @param texts at most 40
   * @param options.signal aborts when the caller of the index cancels; absent if the caller passed none
   */
  rerank(
    question: string,
    texts: readonly string[],
    options: { readonly signal?: AbortSignal },
  ): Promise<readonly number[]>
}

/** The number of units that the model reads. */
const considered = 40

/** @throws ValidationError for a value of another form */
export function checkReranking(reranking: DocumentReranking | undefined): DocumentReranking | undefined {
  if (reranking === undefined) return undefined
  checkOptions('reranking', reranking, ['model', 'rerank'])
  const model = fieldOf(reranking, 'model')
  if (typeof model === 'string' && model !== '' && typeof fieldOf(reranking, 'rerank') === 'function') return reranking
  const problem = 'it is not a { model, rerank } with a name and a function'
  throw invalidInput('reranking', problem)
}

/**
 * @param units best first
 * @returns the units in the order of the model, then those that it did not read or did not return. Their scores show only
 * their order.
 */
export async function rerankUnits(
  question: string,
  units: readonly RankedUnit[],
  reranking: DocumentReranking,
  signal: AbortSignal | undefined,
): Promise<readonly RankedUnit[]> {
  const read = units.slice(0, considered)
  const texts = read.map(({ unit }) => unit.text)
  const order = checkOrder(reranking.model, await reranking.rerank(question, texts, signal ? { signal } : {}), texts)
  const reordered = [...new Set([...order, ...units.keys()])].flatMap((index) => units[index] ?? [])
  return reordered.map((unit, rank) => ({ ...unit, score: 1 / (rank + 1) }))
}

/** @throws ExternalServiceError `reranking.wrong` */
function checkOrder(model: string, order: unknown, texts: readonly string[]): readonly number[] {
  const wrong = (problem: string) => failure('reranking.wrong', { model, problem })
  if (!isList(order)) throw wrong('it returned no list of indexes')
  if (new Set(order).size !== order.length) throw wrong('an index is there twice')
  const strange = order.find((index) => !texts.some((_, known) => known === index))
  if (strange !== undefined) throw wrong(`${show(strange)} is no index of a text`)
  return order as readonly number[]
}
