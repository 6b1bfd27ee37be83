/** Caches answers by user, model and request. A cached answer costs nothing and is marked as cached. */
import { hashJson, hashText, type Json, type UserId } from '../core/index.ts'
import { Cache, type CacheOptions } from '../resilience/index.ts'
import type { ModelAnswer } from './models-port.ts'

export interface ResponseCache {
  /**
   * @param question all other values on which the answer depends
   * @param isReusable returns false for an answer that must not be cached
   */
  answer(
    user: UserId,
    question: Json,
    ask: () => Promise<ModelAnswer>,
    isReusable: (answer: ModelAnswer) => boolean,
  ): Promise<ModelAnswer>
  forget(user: UserId): void
}

/** Holds 1,000 answers for an hour by default. */
export function createResponseCache(options: CacheOptions): ResponseCache {
  const cache = new Cache(options)
  return {
    async answer(user, question, ask, isReusable) {
      const key = `${hashText(user)} ${hashJson(question)}`
      const { value, cached } = await cache.lookUp(key, ask)
      if (!isReusable(value)) cache.forget((one) => one === key)
      return cached ? { ...value, usage: { inputTokens: 0, outputTokens: 0 }, cost: 0, cached: true } : value
    },
    forget: (user) => cache.forget((key) => key.startsWith(hashText(user))),
  }
}
