/** Equal questions of one user to one model are answered once; a repeated answer costs nothing and says so. */
import { hashJson, hashText, type Json, type UserId } from '../core/index.ts'
import { Cache, type CacheOptions } from '../resilience/index.ts'
import type { ModelAnswer } from './models-port.ts'

export interface ResponseCache {
  /**
   * @param question everything else that the answer depends on
   * @param isReusable false of an answer that the next who asks the same is not to have
   */
  answer(
    user: UserId,
    question: Json,
    ask: () => Promise<ModelAnswer>,
    isReusable: (answer: ModelAnswer) => boolean,
  ): Promise<ModelAnswer>
  forget(user: UserId): void
}

/** Of an hour and 1,000 answers by default. */
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
