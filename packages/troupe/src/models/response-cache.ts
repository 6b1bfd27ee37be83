/** Equal questions of one user to one model are answered once: exact, an hour, 1,000 answers, one call in flight. */
import { LRUCache } from 'lru-cache'
import { type Clock, hashJson, type Json } from '../core/index.ts'
import type { ModelAnswer } from './models-port.ts'

export interface ResponseCache {
  /** @param question everything that the answer depends on, the user first */
  answer(question: Json, ask: () => Promise<ModelAnswer>): Promise<ModelAnswer>
}

export function createResponseCache(
  clock: Clock,
  options: { readonly max?: number; readonly ttlMs?: number } = {},
): ResponseCache {
  const answers = new LRUCache<string, ModelAnswer>({
    max: options.max ?? 1_000,
    ttl: options.ttlMs ?? 3_600_000,
    ttlResolution: 0,
    perf: { now: () => clock.monotonic() + 1 },
  })
  const inFlight = new Map<string, Promise<ModelAnswer>>()
  const again = (answer: ModelAnswer): ModelAnswer => ({
    ...answer,
    usage: { inputTokens: 0, outputTokens: 0 },
    cost: 0,
    cached: true,
  })
  return {
    async answer(question, ask) {
      const key = hashJson(question)
      const known = answers.get(key)
      if (known) return again(known)
      const running = inFlight.get(key)
      // The one who asks may be cancelled or fail for reasons of its own: then this one asks itself.
      if (running) {
        const answer = await running.catch(() => undefined)
        if (answer) return again(answer)
      }
      const asked = ask()
      inFlight.set(key, asked)
      try {
        const answer = await asked
        answers.set(key, answer)
        return answer
      } finally {
        if (inFlight.get(key) === asked) inFlight.delete(key)
      }
    },
  }
}
