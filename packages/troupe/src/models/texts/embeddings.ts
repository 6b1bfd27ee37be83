/** Embeds texts in bounded batches. Vectors are validated, normalised to length 1, and cached by user, model and text. */
import type { EmbeddingModelV4 } from '@ai-sdk/provider'
import { failure, hashText, lruCache, type Recording, truncateText, type UserId } from '../../core/index.ts'
import type { Gates } from '../model-gates.ts'
import type { Embedded, EmbeddingSpec, EmbedOptions, ModelSpent } from '../models-port.ts'
import type { createPrices } from '../prices.ts'
import { modelNameOf, type Resolver } from '../resolve-model.ts'
import { type AttemptParts, attemptCall } from './attempt-call.ts'

/** The maximal number of cached vectors: about 60 MB for vectors of 1,536 numbers. */
const maxCached = 10_000
/** Near the input limit of most models. The rest of a text is ignored. */
const maxCharacters = 8_000
const defaultBatch = 100
const maxDimensions = 16_384

export interface EmbeddingsParts extends AttemptParts {
  readonly prices: ReturnType<typeof createPrices>
  readonly gates: Gates
  readonly resolver: Pick<Resolver, 'resolveEmbedding'>
  readonly recording?: Recording
}

export function createEmbeddings(parts: EmbeddingsParts) {
  const cache = lruCache<Float32Array>(maxCached)
  const dimensions = lruCache<number>(100)
  const embed = async (spec: EmbeddingSpec, texts: readonly string[], options: EmbedOptions): Promise<Embedded> => {
    const model = modelNameOf(spec)
    const asked = texts.map((text) => truncateText(text.toWellFormed(), maxCharacters))
    const keyOf = (text: string) => `${hashText(options.user)} ${hashText(JSON.stringify([model, text]))}`
    const found = new Map(asked.map((text) => [text, cache.get(keyOf(text))]))
    const missing = [...found].flatMap(([text, vector]) => (vector ? [] : [text]))
    const made = missing.length === 0 ? undefined : await ask(parts, spec, missing, options)
    for (const [i, numbers] of made?.vectors.entries() ?? []) {
      const text = missing[i] as string
      const vector = unit(model, numbers, dimensions.get(model))
      dimensions.set(model, vector.length)
      cache.set(keyOf(text), vector)
      found.set(text, vector)
    }
    const vectors = asked.map((text) => found.get(text) as Float32Array)
    return { model, vectors, ...(made ? { spent: made.spent } : {}) }
  }
  const forget = (user: UserId) => {
    const prefix = `${hashText(user)} `
    for (const key of [...cache.keys()]) if (key.startsWith(prefix)) cache.delete(key)
  }
  return { embed, forget }
}

async function ask(
  parts: EmbeddingsParts,
  spec: EmbeddingSpec,
  texts: readonly string[],
  options: EmbedOptions,
): Promise<{ readonly vectors: readonly (readonly number[])[]; readonly spent: ModelSpent }> {
  const { recording, resolver, gates, prices } = parts
  const name = modelNameOf(spec)
  // A recorded answer needs neither a package nor a key.
  const model = recording ? undefined : await resolver.resolveEmbedding(spec)
  const gate = gates.of(spec)
  const batchSize = Math.min(defaultBatch, (await model?.maxEmbeddingsPerCall) ?? defaultBatch)
  const vectors: (readonly number[])[] = []
  const spent = { inputTokens: 0, cost: 0 }
  for (let from = 0; from < texts.length; from += batchSize) {
    const values = texts.slice(from, from + batchSize)
    const embed = async (abortSignal: AbortSignal) =>
      await (model ?? (await resolver.resolveEmbedding(spec))).doEmbed({ values: [...values], abortSignal })
    const call = { event: 'model.embedded', model: name, gate, ...options } as const
    const askOnce = async (signal: AbortSignal) => {
      const traffic = { kind: 'embedding', name, request: { values }, signal } as const
      const answer = recording
        ? await recording.play(traffic, async () => withoutResponse(await embed(signal)))
        : withoutResponse(await embed(signal))
      const inputTokens = answer.tokens ?? estimatedTokens(values)
      const cost = prices.costOf(name, { inputTokens, outputTokens: 0 })
      const fields = { texts: values.length, inputTokens, ...(cost === undefined ? {} : { cost }) }
      return { answer: { embeddings: answer.embeddings, inputTokens, cost }, fields }
    }
    const made = await attemptCall(parts, call, askOnce, ({ embeddings }) => {
      if (!Array.isArray(embeddings) || embeddings.length !== values.length)
        throw failure('embedding.wrong', { model: name, problem: `it must return ${values.length} vectors` })
    })
    vectors.push(...made.embeddings)
    spent.inputTokens += made.inputTokens
    spent.cost += made.cost ?? Number.NaN
  }
  const usage = { inputTokens: spent.inputTokens, outputTokens: 0 }
  return { vectors, spent: { model: name, usage, ...(Number.isNaN(spent.cost) ? {} : { cost: spent.cost }) } }
}

/** For a provider that counts no tokens: four characters each, as for the calls of language models. */
const estimatedTokens = (texts: readonly string[]): number =>
  Math.ceil(texts.reduce((sum, { length }) => sum + length, 0) / 4)

type Played = { readonly embeddings: number[][]; readonly tokens?: number }
const withoutResponse = ({ embeddings, usage }: Awaited<ReturnType<EmbeddingModelV4['doEmbed']>>): Played => ({
  embeddings,
  ...(usage ? { tokens: usage.tokens } : {}),
})

/** @throws ExternalServiceError `embedding.wrong` for a changed dimension, or an invalid vector */
function unit(model: string, numbers: readonly number[], dimension: number | undefined): Float32Array {
  const wrong = (problem: string) => failure('embedding.wrong', { model, problem })
  if (!Array.isArray(numbers) || numbers.length === 0 || numbers.length > maxDimensions)
    throw wrong('a vector is not a list of 1 to 16,384 numbers')
  if (dimension !== undefined && numbers.length !== dimension)
    throw wrong(`a vector has ${numbers.length} dimensions, earlier ones had ${dimension}`)
  let square = 0
  for (const number of numbers) {
    if (!Number.isFinite(number)) throw wrong('a vector has a value that is not a finite number')
    square += number * number
  }
  const length = Math.sqrt(square) || 1
  return Float32Array.from(numbers, (number) => number / length)
}

/** Returns the cosine similarity of two vectors of length 1, from -1 to 1. */
export function cosineSimilarity(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}
