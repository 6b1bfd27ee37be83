/** What the models of a run do, for people: each call with what it took, each pause with its reason, and the sum. */

import { offlineModel } from '../team/model-of.ts'
import type { ModelEvent } from '../watcher.ts'

export class ModelAccount {
  #tokens = 0
  #cost = 0
  #isPriced = true

  /** Returns a line for an event and adds its tokens and cost; undefined for the offline model, which costs nothing. */
  describe(event: ModelEvent): string | undefined {
    if (event.model === offlineModel) return undefined
    if (event.type === 'model.retried') {
      const pause = seconds(event.pauseMs)
      return event.reason === 'limited'
        ? `${event.model} limits calls: attempt ${event.attempt} in ${pause}`
        : `${event.model}: attempt ${event.attempt} in ${pause}`
    }
    const { inputTokens = 0, outputTokens = 0, cost } = event
    if (!event.success) return `${event.model} failed after ${seconds(event.durationMs)}: ${event.code ?? 'no reason'}`
    this.#tokens += inputTokens + outputTokens
    this.#cost += cost ?? 0
    this.#isPriced &&= cost !== undefined
    return `${event.model} answered in ${seconds(event.durationMs)}: ${inputTokens} + ${outputTokens} tokens (${this.sum})`
  }

  /** Tokens and cost of all calls so far. */
  get sum(): string {
    const cost = this.#isPriced ? `, $${this.#cost.toFixed(4)}` : ', price not known'
    return `${this.#tokens.toLocaleString('en')} tokens in all${cost}`
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
