/**
 * Which texts are most like a question: by the vectors of an embedding model where there is one, else by their words; the
 * answer says which. The one place where likeness is decided, for memories, conversations and the choice of tools.
 */
import MiniSearch from 'minisearch'
import { checkText, failure, TroupeError } from '../../core/index.ts'
import { type DocumentEmbeddings, termsOf } from '../../documents/index.ts'
import { cosineSimilarity, type Embedded, type Models } from '../../models/index.ts'

/** Vectors of texts, all by one model. */
export type Embed = (texts: readonly string[]) => Promise<Embedded>

/** Ranking by words takes more memory than a process has for a text of some megabytes. */
const maxQueryLength = 1_000_000

/** @throws ValidationError for what is no text, or longer than 1,000,000 characters */
export function checkQuery(text: unknown): void {
  if (checkText('retrieveSimilar', text).length > maxQueryLength)
    throw failure('validation.failed', {
      what: 'The text of retrieveSimilar',
      problem: `it is longer than ${maxQueryLength} characters`,
    })
}

export type Similarity = 'embedding' | 'lexical'

export interface Ranking {
  /** `lexical` compares words and knows nothing of their meaning. */
  readonly similarity: Similarity
  /** `provider/model` of the vectors. */
  readonly model?: string
  /** The most alike first, of equals the later one; by words only those that have any in common. */
  readonly found: readonly { readonly index: number; readonly score: number }[]
}

/** While the embedding model can't be asked, words have to do. */
export const passing: ReadonlySet<string> = new Set([
  'model.failed',
  'model.limited',
  'model.busy',
  'model.circuit_open',
])

/** @throws ExternalServiceError `embedding.wrong`, ValidationError for a model that can't be had */
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
    // Without the words that every question has, or each text would be like each other.
    tokenize: termsOf,
    searchOptions: { fuzzy: (term) => (term.length > 4 ? 0.2 : false), prefix: (term) => term.length > 3 },
  })
  index.addAll(texts.map((text, id) => ({ id, text })))
  const found = index.search(question).map(({ id, score }) => ({ index: id as number, score }))
  return { similarity: 'lexical', found: found.sort((a, b) => b.score - a.score || b.index - a.index) }
}

/** The same model for the search in documents; undefined where the troupe has none. */
export function documentEmbeddings(models: Models, user: string): DocumentEmbeddings | undefined {
  const { embedding } = models
  if (embedding === undefined) return undefined
  return {
    model: models.nameOf(embedding),
    embed: async (texts, { signal }) =>
      (await models.embed(embedding, texts, { user, ...(signal ? { signal } : {}) })).vectors,
  }
}

/** Asks the embedding model of the troupe, on behalf of one user; undefined where it has none. */
export function embedOf(models: Models, user: string, signal?: AbortSignal): Embed | undefined {
  const { embedding } = models
  if (embedding === undefined) return undefined
  return (texts) => models.embed(embedding, texts, { user, ...(signal ? { signal } : {}) })
}
