/**
 * Ranks texts by their similarity to a question, for memories, threads and the selection of tools: by the vectors of an
 * embedding model if the troupe has one, else by their words. The result says which of them it used.
 */
import MiniSearch from 'minisearch'
import { checkText, invalidInput, TroupeError } from '../../core/index.ts'
import { type DocumentEmbeddings, type DocumentReranking, termsOf } from '../../documents/index.ts'
import { cosineSimilarity, type Embedded, type EmbedOptions, type ModelSpent, type Models } from '../../models/index.ts'
import type { DocumentModels } from '../../tools/index.ts'
import type { StepEntry } from '../agent-port.ts'

/** Makes the vectors of texts, all by one model. */
export type Embed = (texts: readonly string[]) => Promise<Embedded>

/** The memory that a ranking by words needs for a text of some megabytes exceeds that of a process. */
const maxQueryLength = 1_000_000

/**
 * Checks the text of a search.
 * @throws ValidationError for a value that is not a text, or has more than 1,000,000 characters
 */
export function checkQuery(text: unknown): void {
  if (checkText('retrieveSimilar', text).length > maxQueryLength)
    throw invalidInput('The text of retrieveSimilar', `it is longer than ${maxQueryLength} characters`)
}

/** The way in which texts are compared: by the vectors of an embedding model, or by their words. */
export type Similarity = 'embedding' | 'lexical'

/** Texts ranked by their similarity to a question. */
export interface Ranking {
  /** `embedding` for vectors. `lexical` compares words and ignores their meaning. */
  readonly similarity: Similarity
  /** `provider/model` that made the vectors; absent for `lexical`. */
  readonly model?: string
  /** `provider/model` that ordered the texts, whose scores these are; absent without one. */
  readonly reranking?: string
  /**
   * The indexes of the texts with their scores, the most similar first and the later one first among equals. A
   * comparison of words lists only texts that have a word in common with the question.
   */
  readonly found: readonly { readonly index: number; readonly score: number }[]
}

/** The codes of temporary errors of a model. While they occur, words are compared. */
export const passing: ReadonlySet<string> = new Set([
  'model.failed',
  'model.limited',
  'model.busy',
  'model.circuit_open',
  'timeout',
])

/**
 * Ranks texts by their similarity to a question. If the embedding model fails for the moment, words are compared.
 * @throws ExternalServiceError `embedding.wrong`, ValidationError for a model that does not exist
 */
export async function rank(question: string, texts: readonly string[], embed: Embed | undefined): Promise<Ranking> {
  if (!embed || texts.length === 0) return byWords(question, texts)
  try {
    const { model, vectors } = await embed([question, ...texts])
    const [asked, ...others] = vectors as readonly [Float32Array, ...Float32Array[]]
    return byVectors(model, asked, others)
  } catch (error) {
    if (error instanceof TroupeError && passing.has(error.code)) return byWords(question, texts)
    throw error
  }
}

export function byVectors(model: string, question: Float32Array, vectors: readonly Float32Array[]): Ranking {
  const found = vectors.map((vector, index) => ({ index, score: cosineSimilarity(question, vector) }))
  return { similarity: 'embedding', model, found: found.sort((a, b) => b.score - a.score || b.index - a.index) }
}

export function byWords(question: string, texts: readonly string[]): Ranking {
  const index = new MiniSearch<{ id: number; text: string }>({
    fields: ['text'],
    // Without the words that every question has; they would make all texts similar.
    tokenize: termsOf,
    searchOptions: { fuzzy: (term) => (term.length > 4 ? 0.2 : false), prefix: (term) => term.length > 3 },
  })
  index.addAll(texts.map((text, id) => ({ id, text })))
  const found = index.search(question).map(({ id, score }) => ({ index: id as number, score }))
  return { similarity: 'lexical', found: found.sort((a, b) => b.score - a.score || b.index - a.index) }
}

/** The models that rank texts for one user. */
export interface RankingSource {
  readonly models: Models
  readonly user: string
  readonly signal?: AbortSignal | undefined
  /** The timeout of one attempt of a model, in ms; 10 minutes by default. */
  readonly timeoutMs?: number | undefined
  /** Called with what the calls of each model have used; absent if no step pays for them. */
  readonly charge?: ((spent: ModelSpent) => void) | undefined
}

/** Returns the models with which a step ranks texts, under the timeout of the run for models. */
export const rankingOfStep = (
  { services, recorder }: Pick<StepEntry, 'services' | 'recorder'>,
  charge: RankingSource['charge'],
): RankingSource => ({
  models: services.external.models,
  user: recorder.principal.userId,
  signal: recorder.signal,
  timeoutMs: services.limits.timeouts.model,
  charge,
})

const callOptions = ({ user, signal, timeoutMs }: RankingSource): EmbedOptions => ({
  user,
  ...(signal ? { signal } : {}),
  ...(timeoutMs === undefined ? {} : { timeoutMs }),
})

/** Returns a function that asks the embedding model of the troupe; undefined if the troupe has none. */
export function embedOf(source: RankingSource): Embed | undefined {
  const { models, charge } = source
  const { embedding } = models
  if (embedding === undefined) return undefined
  return async (texts) => {
    const made = await models.embed(embedding, texts, callOptions(source))
    if (made.spent) charge?.(made.spent)
    return made
  }
}

/** Returns the models of the troupe that rank documents. Each call brings its own signal. */
export const documentModels = (source: RankingSource): DocumentModels => {
  const embeddings = documentEmbeddings(source)
  const reranking = documentReranking(source)
  return { ...(embeddings ? { embeddings } : {}), ...(reranking ? { reranking } : {}) }
}

function documentEmbeddings(source: RankingSource): DocumentEmbeddings | undefined {
  const { embedding } = source.models
  if (embedding === undefined) return undefined
  return {
    model: source.models.nameOf(embedding),
    embed: async (texts, { signal }) => (await (embedOf({ ...source, signal }) as Embed)(texts)).vectors,
  }
}

function documentReranking(source: RankingSource): DocumentReranking | undefined {
  const { models, charge } = source
  const { reranking, rerank } = models
  if (reranking === undefined || !rerank) return undefined
  return {
    model: models.nameOf(reranking),
    rerank: async (question, texts, { signal }) => {
      const { ranking, ...spent } = await rerank(reranking, question, texts, callOptions({ ...source, signal }))
      charge?.(spent)
      return ranking.map(({ index }) => index)
    },
  }
}

/** The number of texts that the reranking model reads. */
const maxReranked = 50

/**
 * Orders the best texts of a ranking by the reranking model of the troupe, if it has one. If that model fails for the
 * moment, the ranking stays.
 * @param texts all texts of the ranking
 * @throws ExternalServiceError `reranking.wrong`, ValidationError for a model that does not exist
 */
export async function reranked(
  source: RankingSource,
  question: string,
  texts: readonly string[],
  ranking: Ranking,
): Promise<Ranking> {
  const { models, charge } = source
  const { reranking, rerank } = models
  if (reranking === undefined || !rerank || ranking.found.length === 0) return ranking
  const read = ranking.found.slice(0, maxReranked).map(({ index }) => index)
  const asked = read.map((index) => texts[index] as string)
  try {
    const { ranking: order, ...spent } = await rerank(reranking, question, asked, callOptions(source))
    charge?.(spent)
    const found = order.map(({ index, score }) => ({ index: read[index] as number, score }))
    return { ...ranking, reranking: spent.model, found }
  } catch (error) {
    if (error instanceof TroupeError && passing.has(error.code)) return ranking
    throw error
  }
}
