/** Tokens and cost by model, and their sums. */
import { setField } from '../json/json.ts'

/** Tokens and cost by model (`provider/model`); the name is empty for calls whose model is unknown. */
export type UsageByModel = {
  readonly [model: string]: {
    /** The number of input tokens. */
    readonly inputTokens: number
    /** The number of output tokens. */
    readonly outputTokens: number
    /** The cost in US dollars; absent if the price is unknown. */
    readonly cost?: number
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Adds usage to a sum. A price that becomes known later does not make the cost of the model complete. */
export function addModels(sum: Writable<UsageByModel>, used: UsageByModel): void {
  for (const [model, { inputTokens, outputTokens, cost }] of Object.entries(used)) {
    const before = Object.hasOwn(sum, model) ? sum[model] : undefined
    const total = cost === undefined ? before?.cost : (before?.cost ?? 0) + cost
    const value = {
      inputTokens: inputTokens + (before?.inputTokens ?? 0),
      outputTokens: outputTokens + (before?.outputTokens ?? 0),
      ...(total === undefined ? {} : { cost: total }),
    }
    setField(sum, model, value)
  }
}
