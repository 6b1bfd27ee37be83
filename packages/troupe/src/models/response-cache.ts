/** Caches answers by user, model and request. A cached answer costs nothing and is marked as cached. */
import { hashJson, hashText, type Json, type UserId } from '../core/index.ts'
import { Cache, type CacheOptions } from '../resilience/index.ts'
import type { ModelAnswer, ModelCall } from './models-port.ts'

export interface ResponseCache {
  /**
   * A call waits for an equal one in flight no longer than one attempt of its own may take.
   * @param question all values besides the user on which the answer depends
   * @param isReusable returns false for an answer that only this call may get, neither a later one nor one that waits
   */
  answer(
    call: Pick<ModelCall, 'user' | 'signal' | 'timeoutMs'>,
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
    async answer({ user, signal, timeoutMs: waitMs }, question, ask, isReusable) {
      const key = `${hashText(user)} ${hashJson(question)}`
      let own: ModelAnswer | undefined
      try {
        const askOnce = async () => {
          own = await ask()
          // A failure is not cached, and an equal call that waits for it is made.
          if (!isReusable(own)) throw new Error('the answer is of this call alone')
          return own
        }
        const { value, cached } = await cache.lookUp(key, askOnce, { signal, waitMs })
        return cached ? { ...value, usage: { inputTokens: 0, outputTokens: 0 }, cost: 0, cached: true } : value
      } catch (error) {
        if (own) return own
        throw error
      }
    },
    forget: (user) => cache.forget((key) => key.startsWith(hashText(user))),
  }
}
