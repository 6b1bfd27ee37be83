/** Wraps language models so that they are asked for no more tokens than a budget leaves. */
import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { lruCache } from '../core/index.ts'

/** Models in use can answer more than this, so no service rejects a bound up to it. */
const acceptedBound = 16_384
const maxModels = 1_000
const namesBound = /max[\s_]?(?:output|completion|new)?[\s_]?tokens/i

export class BoundedModels {
  /**
   * The highest bound that is sent, by the name of a model whose service has rejected a higher one as more than the model
   * can answer. Not by the object: a model behind a URL gets another one for each call.
   */
  readonly #highestBounds = lruCache<number>(maxModels)

  bounded(model: LanguageModelV4, tokensLeft: number | undefined): LanguageModelV4 {
    if (tokensLeft === undefined) return model
    const bound = Math.max(1, tokensLeft)
    return {
      specificationVersion: model.specificationVersion,
      provider: model.provider,
      modelId: model.modelId,
      supportedUrls: model.supportedUrls,
      doGenerate: (options) => this.#ask(model, bound, options, (bounded) => model.doGenerate(bounded)),
      doStream: (options) => this.#ask(model, bound, options, (bounded) => model.doStream(bounded)),
    }
  }

  async #ask<Out>(
    model: LanguageModelV4,
    bound: number,
    options: LanguageModelV4CallOptions,
    call: (options: LanguageModelV4CallOptions) => PromiseLike<Out>,
  ): Promise<Out> {
    const { maxOutputTokens: own } = options
    const name = `${model.provider}/${model.modelId}`
    const isTooHigh = bound > (this.#highestBounds.get(name) ?? bound)
    if ((own !== undefined && own <= bound) || isTooHigh) return call(options)
    try {
      return await call({ ...options, maxOutputTokens: bound })
    } catch (error) {
      if (bound <= acceptedBound || own !== undefined || !isRejectedBound(error)) throw error
      // Half of it, so that a budget that shrinks causes few rejections.
      this.#highestBounds.set(name, Math.max(acceptedBound, bound / 2))
      return call(options)
    }
  }
}

function isRejectedBound(error: unknown): boolean {
  const { statusCode, message, responseBody } = (error ?? {}) as Readonly<Record<string, unknown>>
  return (statusCode === 400 || statusCode === 422) && namesBound.test(`${String(message)} ${String(responseBody)}`)
}
