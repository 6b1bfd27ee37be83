/** Embeds texts in bounded batches. Vectors are validated, normalised to length 1, and cached by user, model and text. */
import type { EmbeddingModelV4 } from '@ai-sdk/provider'
import { LRUCache } from 'lru-cache'
import { type Clock, type Events, failure, hashText, type Random, type Recording, truncateText } from '../core/index.ts'
import { retry } from '../resilience/index.ts'
import { verdictOf } from './model-failure.ts'
import type { Gates, ModelGate } from './model-gates.ts'
import type { Embedded, EmbeddingSpec, EmbedOptions } from './models-port.ts'
import type { createPrices } from './prices.ts'
import { modelNameOf, type Resolver } from './resolve-model.ts'

/** The maximal number of cached vectors: about 60 MB for vectors of 1,536 numbers. */
const maxCached = 10_000
/** Near the input limit of most models. The rest of a text is ignored. */
const maxCharacters = 8_000
const defaultBatch = 100
const maxDimensions = 16_384

export interface EmbeddingsParts {
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly prices: ReturnType<typeof createPrices>
  /** The number of attempts may change while the troupe runs. */
  readonly caller: { readonly attempts: number }
  readonly gates: Gates
  readonly resolver: Pick<Resolver, 'resolveEmbedding'>
  readonly recording?: Recording
}

export function createEmbeddings(parts: EmbeddingsParts) {
  const cache = new LRUCache<string, Float32Array>({ max: maxCached })
  const dimensions = new LRUCache<string, number>({ max: 100 })
  return async (spec: EmbeddingSpec, texts: readonly string[], options: EmbedOptions): Promise<Embedded> => {
    const model = modelNameOf(spec)
    const asked = texts.map((text) => truncateText(text.toWellFormed(), maxCharacters))
    const keyOf = (text: string) => hashText(JSON.stringify([options.user, model, text]))
    const found = new Map(asked.map((text) => [text, cache.get(keyOf(text))]))
    const missing = [...found].flatMap(([text, vector]) => (vector ? [] : [text]))
    if (missing.length > 0) {
      const made = await ask(parts, spec, missing, options)
      for (const [i, numbers] of made.entries()) {
        const text = missing[i] as string
        const vector = unit(model, numbers, dimensions.get(model))
        dimensions.set(model, vector.length)
        cache.set(keyOf(text), vector)
        found.set(text, vector)
      }
    }
    return { model, vectors: asked.map((text) => found.get(text) as Float32Array) }
  }
}

async function ask(
  parts: EmbeddingsParts,
  spec: EmbeddingSpec,
  texts: readonly string[],
  options: EmbedOptions,
): Promise<readonly (readonly number[])[]> {
  const { recording, resolver, gates } = parts
  // A recorded answer needs neither a package nor a key.
  const model = recording ? undefined : await resolver.resolveEmbedding(spec)
  const gate = gates.of(spec)
  const batchSize = Math.min(defaultBatch, (await model?.maxEmbeddingsPerCall) ?? defaultBatch)
  const vectors: (readonly number[])[] = []
  for (let from = 0; from < texts.length; from += batchSize) {
    const values = texts.slice(from, from + batchSize)
    const embed = async () => await (model ?? (await resolver.resolveEmbedding(spec))).doEmbed(bodyOf(values, options))
    const made = await attempts(parts, modelNameOf(spec), gate, options, async () => {
      const traffic = {
        kind: 'embedding',
        name: modelNameOf(spec),
        request: { values },
        signal: options.signal,
      } as const
      const answer = recording
        ? await recording.play(traffic, async () => withoutResponse(await embed()))
        : withoutResponse(await embed())
      return { ...answer, texts: values.length }
    })
    vectors.push(...made)
  }
  return vectors
}

const bodyOf = (values: readonly string[], { signal }: EmbedOptions) => ({
  values: [...values],
  ...(signal ? { abortSignal: signal } : {}),
})
const withoutResponse = ({ embeddings, usage }: Awaited<ReturnType<EmbeddingModelV4['doEmbed']>>) => ({
  embeddings,
  tokens: usage?.tokens ?? 0,
})

async function attempts(
  { clock, random, events, prices, caller: { attempts } }: EmbeddingsParts,
  name: string,
  gate: ModelGate,
  { user, signal }: EmbedOptions,
  embed: () => Promise<{ embeddings: readonly (readonly number[])[]; tokens: number; texts: number }>,
): Promise<readonly (readonly number[])[]> {
  const once = async () => {
    const began = clock.monotonic()
    const eventFields = { type: 'model.embedded', userId: user, model: name } as const
    try {
      const { embeddings, tokens, texts } = await embed()
      const usd = prices.costOf(name, { inputTokens: tokens, outputTokens: 0 })
      const durationMs = clock.monotonic() - began
      const cost = usd === undefined ? {} : { cost: usd }
      events.emit({ ...eventFields, at: clock.now(), success: true, durationMs, texts, inputTokens: tokens, ...cost })
      if (!Array.isArray(embeddings) || embeddings.length !== texts)
        throw failure('embedding.wrong', { model: name, problem: `there are not ${texts} of them` })
      return embeddings
    } catch (error) {
      events.emit({ ...eventFields, at: clock.now(), success: false, durationMs: clock.monotonic() - began })
      const verdict = verdictOf(error, clock.now())
      if (verdict.kind === 'limited') gate.coolDown(verdict.afterMs ?? 1_000)
      throw error
    }
  }
  const shouldRetry = (error: unknown) => {
    const verdict = verdictOf(error, clock.now())
    return verdict.kind === 'limited' || (verdict.kind === 'failed' && verdict.canRetry)
  }
  try {
    return await retry({ attempts, when: shouldRetry, clock, random }).execute(() => gate.pass(once, signal), {
      signal,
    })
  } catch (error) {
    const { code, cause } = error as { readonly code?: string; readonly cause?: unknown }
    if (typeof code === 'string' && code !== 'retries.exhausted' && !/^E[A-Z]+$/.test(code)) throw error
    const verdict = verdictOf(cause ?? error, clock.now())
    if (verdict.kind === 'stop') throw error
    const problem = 'problem' in verdict ? verdict.problem : 'it limits calls'
    throw failure(
      'model.failed',
      { model: name, attempts: code === undefined ? 1 : attempts, problem },
      { cause: error },
    )
  }
}

/** @throws ExternalServiceError `embedding.wrong` for a changed dimension, or an invalid vector */
function unit(model: string, numbers: readonly number[], dimension: number | undefined): Float32Array {
  const wrong = (problem: string) => failure('embedding.wrong', { model, problem })
  if (!Array.isArray(numbers) || numbers.length === 0 || numbers.length > maxDimensions)
    throw wrong('one is not a list of numbers, or longer than 16,384')
  if (dimension !== undefined && numbers.length !== dimension)
    throw wrong(`one has ${numbers.length} dimensions, those before had ${dimension}`)
  let square = 0
  for (const number of numbers) {
    if (!Number.isFinite(number)) throw wrong('one holds what is not a number')
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
