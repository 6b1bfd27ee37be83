/** What models cost. List prices change: the table is dated, users override it, an unknown price is said, never guessed. */
import type { ModelUsage, Price } from './models-port.ts'

/** When the vendors' pages were read last (anthropic.com/pricing, openai.com/api/pricing, ai.google.dev/pricing). */
export const pricesAsOf = '2025-12'

/** US dollars per million tokens, by `provider/model`. */
const table: Readonly<Record<string, Price>> = {
  'offline/extractive': { input: 0, output: 0 },
  'anthropic/claude-opus-4-5': { input: 5, output: 25, cacheRead: 0.5 },
  'anthropic/claude-opus-4-1': { input: 15, output: 75, cacheRead: 1.5 },
  'anthropic/claude-sonnet-4-5': { input: 3, output: 15, cacheRead: 0.3 },
  'anthropic/claude-sonnet-4': { input: 3, output: 15, cacheRead: 0.3 },
  'anthropic/claude-haiku-4-5': { input: 1, output: 5, cacheRead: 0.1 },
  'openai/gpt-5': { input: 1.25, output: 10, cacheRead: 0.125 },
  'openai/gpt-5-mini': { input: 0.25, output: 2, cacheRead: 0.025 },
  'openai/gpt-5-nano': { input: 0.05, output: 0.4, cacheRead: 0.005 },
  'openai/gpt-4.1': { input: 2, output: 8, cacheRead: 0.5 },
  'openai/gpt-4.1-mini': { input: 0.4, output: 1.6, cacheRead: 0.1 },
  'openai/gpt-4.1-nano': { input: 0.1, output: 0.4, cacheRead: 0.025 },
  'openai/gpt-4o': { input: 2.5, output: 10, cacheRead: 1.25 },
  'openai/gpt-4o-mini': { input: 0.15, output: 0.6, cacheRead: 0.075 },
  'openai/o3': { input: 2, output: 8, cacheRead: 0.5 },
  'openai/o4-mini': { input: 1.1, output: 4.4, cacheRead: 0.275 },
  'google/gemini-2.5-pro': { input: 1.25, output: 10 },
  'google/gemini-2.5-flash': { input: 0.3, output: 2.5 },
}

/** `claude-sonnet-4-5-20250929` and `gpt-4o-2024-08-06` cost what the undated name costs. */
const undated = (model: string) => model.replace(/-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$/, '')

export function createPrices(overrides: Readonly<Record<string, Price>>) {
  const prices = new Map(Object.entries({ ...table, ...overrides }))
  const priceOf = (model: string) => prices.get(model) ?? prices.get(undated(model))
  return {
    priceOf,
    costOf(model: string, usage: ModelUsage & { readonly cachedTokens?: number }): number | undefined {
      const price = priceOf(model)
      if (!price) return undefined
      const cached = Math.min(usage.cachedTokens ?? 0, usage.inputTokens)
      const input = (usage.inputTokens - cached) * price.input + cached * (price.cacheRead ?? price.input)
      return (input + usage.outputTokens * price.output) / 1e6
    },
  }
}
