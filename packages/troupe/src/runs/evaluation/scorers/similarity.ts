/** Scores how similar an answer is to the expected one. */
import { canonicalJson, checkOptions, invalidInput, type Json } from '../../../core/index.ts'
import { cosineSimilarity, type EmbeddingSpec, modelNameOf } from '../../../models/index.ts'
import { expectedOf } from './expected-of.ts'
import type { ScoreContext, ScoredRun, ScoreFunction } from './score-function.ts'

/** The options of `similarity`. */
export interface SimilarityOptions {
  /** The embedding model whose vectors are compared, which represent meaning; absent, words are compared. */
  readonly model?: EmbeddingSpec
}

/**
 * Returns a scorer that gives 0 to 1: how similar the answer is to the expected one. An answer that is not a text is
 * compared as JSON.
 *
 * With `model` the score is the cosine of the two vectors, and 0 where that is negative. Without it the score is token
 * F1: the harmonic mean of precision and recall over the words that both texts have, each as often as both have it.
 * Source: Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text", EMNLP 2016, section 6.1.
 * Other than there, articles count as words, for texts may be in any language. Case, punctuation and the order of words
 * do not count.
 * @throws ValidationError for unknown options
 * @example const scorers = { words: similarity(), meaning: similarity({ model: 'openai/text-embedding-3-small' }) }
 */
export function similarity(options: SimilarityOptions = {}): ScoreFunction {
  checkOptions('similarity', options, ['model'])
  const { model } = options
  if (model !== undefined && typeof model !== 'string' && (typeof model !== 'object' || model === null))
    throw invalidInput('similarity.model', 'it is not an embedding model')
  const score = async (run: ScoredRun, context: ScoreContext): Promise<number> => {
    const [expected, answer] = [textOf(expectedOf(run)), textOf(run.response ?? '')]
    // Models reject an empty text, or give any vector for it.
    if (expected.trim() === '' || answer.trim() === '') return expected.trim() === answer.trim() ? 1 : 0
    return model === undefined ? tokenF1(answer, expected) : cosineOf(model, [answer, expected], context)
  }
  const fingerprint = `similarity ${model === undefined ? 'words' : modelNameOf(model)}`
  return Object.assign(score, { needs: ['expected'] as const, fingerprint })
}

async function cosineOf(model: EmbeddingSpec, texts: readonly string[], context: ScoreContext): Promise<number> {
  const [answer, expected] = (await context.embed(model, texts)) as readonly [Float32Array, Float32Array]
  return Math.min(1, Math.max(0, cosineSimilarity(answer, expected)))
}

function tokenF1(answer: string, expected: string): number {
  const found = wordsOf(answer)
  const wanted = wordsOf(expected)
  const unmatched = new Map<string, number>()
  for (const word of wanted) unmatched.set(word, (unmatched.get(word) ?? 0) + 1)
  let common = 0
  for (const word of found) {
    const left = unmatched.get(word) ?? 0
    if (left === 0) continue
    unmatched.set(word, left - 1)
    common++
  }
  return found.length + wanted.length === 0 ? 1 : (2 * common) / (found.length + wanted.length)
}

/** Returns the words of a text, also for languages without spaces between words. */
function wordsOf(text: string): readonly string[] {
  const segments = new Intl.Segmenter('en', { granularity: 'word' }).segment(text.normalize('NFKC').toLowerCase())
  return [...segments].flatMap(({ segment, isWordLike }) => (isWordLike ? [segment] : []))
}

const textOf = (value: Json): string => (typeof value === 'string' ? value : canonicalJson(value))
