/** Equal questions of one user to one model are answered once; a repeated answer costs nothing and says so. */
import { hashJson, hashText, type Json, type UserId } from '../core/index.ts'
import { Cache, type CacheOptions } from '../resilience/index.ts'
import type { ModelAnswer } from './models-port.ts'

export interface ResponseCache {
  /** @param question everything else that the answer depends on */
  answer(user: UserId, question: Json, ask: () => Promise<ModelAnswer>): Promise<ModelAnswer>
  forget(user: UserId): void
}

/** Of an hour and 1,000 answers by default. */
export function createResponseCache(options: CacheOptions): ResponseCache {
  const cache = new Cache(options)
  return {
    async answer(user, question, ask) {
      const { value, cached } = await cache.lookUp(`${hashText(user)} ${hashJson(question)}`, ask)
      return cached ? { ...value, usage: { inputTokens: 0, outputTokens: 0 }, cost: 0, cached: true } : value
    },
    forget: (user) => cache.forget((key) => key.startsWith(hashText(user))),
  }
}
