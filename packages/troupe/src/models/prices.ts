/** The prices of models. The table of list prices has a date, users can override it, and an unknown price is reported as such. */
import { checkOptionNames, invalidInput } from '../core/index.ts'
import type { ModelUsage, Price } from './models-port.ts'

/**
 * The date on which the vendors' pages were read last: platform.claude.com/docs/en/about-claude/pricing,
 * developers.openai.com/api/docs/pricing, ai.google.dev/gemini-api/docs/pricing. Temporary offers are left out.
 */
export const pricesAsOf = '2026-11'

/** Calls with more than 272,000 input tokens cost twice the price of input and 1.5 times the price of output. */
const twiceOver272k = (input: number, output: number, cacheRead: number): Price => ({
  input,
  output,
  cacheRead,
  long: { over: 272_000, input: input * 2, output: output * 1.5, cacheRead: cacheRead * 2 },
})

/** Prices in US dollars per million tokens, by `provider/model`. */
const table: Readonly<Record<string, Price>> = {
  'offline/extractive': { input: 0, output: 0 },
  'anthropic/claude-fable-5-1': { input: 10, output: 50, cacheRead: 0.25 },
  'anthropic/claude-fable-5': { input: 10, output: 50, cacheRead: 1 },
  'anthropic/claude-opus-5-5': { input: 4, output: 20, cacheRead: 0.2 },
  'anthropic/claude-opus-5': { input: 5, output: 25, cacheRead: 0.5 },
  'anthropic/claude-opus-4-8': { input: 5, output: 25, cacheRead: 0.5 },
  'anthropic/claude-opus-4-7': { input: 5, output: 25, cacheRead: 0.5 },
  'anthropic/claude-opus-4-6': { input: 5, output: 25, cacheRead: 0.5 },
  'anthropic/claude-opus-4-5': { input: 5, output: 25, cacheRead: 0.5 },
  'anthropic/claude-opus-4-1': { input: 15, output: 75, cacheRead: 1.5 },
  'anthropic/claude-sonnet-5-5': { input: 2, output: 10, cacheRead: 0.1 },
  'anthropic/claude-sonnet-5': { input: 2, output: 10, cacheRead: 0.2 },
  'anthropic/claude-sonnet-4-6': { input: 3, output: 15, cacheRead: 0.3 },
  'anthropic/claude-sonnet-4-5': { input: 3, output: 15, cacheRead: 0.3 },
  'anthropic/claude-sonnet-4': { input: 3, output: 15, cacheRead: 0.3 },
  'anthropic/claude-haiku-5-5': {
    input: 0.1,
    output: 0.5,
    cacheRead: 0.01,
    long: { over: 100_000, input: 0.5, output: 2.5, cacheRead: 0.05 },
  },
  'anthropic/claude-haiku-4-5': { input: 1, output: 5, cacheRead: 0.1 },
  'openai/gpt-6-astra': twiceOver272k(10, 50, 1),
  'openai/gpt-6.1-sol': twiceOver272k(2, 10, 0.1),
  'openai/gpt-6-sol': twiceOver272k(2, 10, 0.2),
  'openai/gpt-6-luna': twiceOver272k(0.1, 0.5, 0.01),
  'openai/gpt-5.5': twiceOver272k(5, 30, 0.5),
  'openai/gpt-5.4': twiceOver272k(2.5, 15, 0.25),
  'openai/gpt-5.4-mini': { input: 0.75, output: 4.5, cacheRead: 0.075 },
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
  'google/gemini-3.5-flash': { input: 1.5, output: 9 },
  'google/gemini-3.5-flash-lite': { input: 0.3, output: 2.5 },
  'google/gemini-3.1-pro-preview': { input: 2, output: 12, long: { over: 200_000, input: 4, output: 18 } },
  'google/gemini-2.5-pro': { input: 1.25, output: 10, long: { over: 200_000, input: 2.5, output: 15 } },
  'google/gemini-2.5-flash': { input: 0.3, output: 2.5 },
}

/** platform.claude.com/docs/en/build-with-claude/prompt-caching: a write for five minutes costs 1.25 times the price of input. */
const anthropicWrite = 1.25

/** @throws ValidationError that names the model and the field */
export function checkPrices(prices: Readonly<Record<string, Price>>): Readonly<Record<string, Price>> {
  for (const [model, price] of Object.entries(prices)) {
    checkPrice(model, price, [...tokenPrices, 'search', 'long'], ['input', 'output'])
    if (price.long !== undefined)
      checkPrice(`${model}, long`, price.long, ['over', ...tokenPrices], ['over', 'input', 'output'])
  }
  return prices
}

const units: Readonly<Record<string, string>> = {
  over: 'a number of tokens',
  search: 'US dollars per thousand searches',
}
const tokenPrices = ['input', 'output', 'cacheRead', 'cacheWrite']

function checkPrice(model: string, price: object, known: readonly string[], needed: readonly string[]): void {
  const what = `The price of ${model}`
  checkOptionNames(what, price, known)
  for (const field of known) {
    const value = (price as Readonly<Record<string, unknown>>)[field]
    if (field === 'long' || (value === undefined && !needed.includes(field))) continue
    if (!(Number.isFinite(value) && Number(value) >= 0)) {
      const unit = units[field] ?? 'US dollars per million tokens'
      throw invalidInput(what, `${field} must be ${unit}, from 0`)
    }
  }
}

/** Dated names (`claude-sonnet-4-5-20250929`, `gpt-4o-2024-08-06`) have the price of the name without the date. */
const undated = (model: string) => model.replace(/-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$/, '')

export function createPrices(overrides: Readonly<Record<string, Price>>) {
  const prices = new Map(Object.entries({ ...table, ...overrides }))
  const priceOf = (model: string) => prices.get(model) ?? prices.get(undated(model))
  return {
    priceOf,
    /**
     * Returns the cost of a call of a reranking model; undefined if the price is unknown, or if it is a price of tokens and
     * the provider did not count them.
     */
    costOfSearches(model: string, searches: number, tokens: number | undefined): number | undefined {
      const price = priceOf(model)
      if (!price || (tokens === undefined && price.input > 0)) return undefined
      return (searches * (price.search ?? 0)) / 1e3 + ((tokens ?? 0) * price.input) / 1e6
    },
    costOf(model: string, usage: ModelUsage): number | undefined {
      const price = priceOf(model)
      if (!price) return undefined
      const {
        input,
        output,
        cacheRead = input,
        cacheWrite = model.startsWith('anthropic/') ? input * anthropicWrite : input,
      } = price.long && usage.inputTokens > price.long.over ? price.long : price
      const { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0 } = usage
      const read = Math.min(cacheReadTokens, inputTokens)
      const written = Math.min(cacheWriteTokens, inputTokens - read)
      const paidInFull = inputTokens - read - written
      return (paidInFull * input + read * cacheRead + written * cacheWrite + outputTokens * output) / 1e6
    },
  }
}
