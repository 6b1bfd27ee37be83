import { describe, expect, it } from 'vitest'
import type { Price } from './models-port.ts'
import { checkPrices, createPrices } from './prices.ts'

const { costOf, priceOf } = createPrices({ 'house/model': { input: 1, output: 2 } })
const used = (inputTokens: number, outputTokens = 0, cacheReadTokens = 0) => ({
  inputTokens,
  outputTokens,
  cacheReadTokens,
})

describe('prices', () => {
  it('The prices are per million tokens, and lower for cached tokens.', () => {
    expect(costOf('anthropic/claude-sonnet-4-5', used(1e6, 1e6))).toBe(18)
    expect(costOf('anthropic/claude-sonnet-4-5', used(1e6, 0, 4e5))).toBeCloseTo(0.6 * 3 + 0.4 * 0.3)
    expect(costOf('house/model', used(1e6, 0, 1e6))).toBe(1)
  })

  it('The prices of a long call apply from its first token.', () => {
    expect(costOf('anthropic/claude-haiku-5-5', used(100_000, 1_000))).toBeCloseTo(0.0105)
    expect(costOf('anthropic/claude-haiku-5-5', used(100_001, 1_000))).toBeCloseTo(0.0525, 4)
    expect(costOf('openai/gpt-6-sol', used(1e6, 1e6, 1e6))).toBeCloseTo(0.4 + 15)
  })

  it('The prices of a dated model are those of its undated name, and unknown without one.', () => {
    expect(priceOf('anthropic/claude-sonnet-4-5-20250929')).toBe(priceOf('anthropic/claude-sonnet-4-5'))
    expect(costOf('house/other', used(1))).toBeUndefined()
  })

  it.each([
    [{ input: -1, output: 1 }, /input must be US dollars per million tokens/],
    [{ input: 1 }, /output must be/],
    [{ input: 1, output: 1, cacheRead: Number.NaN }, /cacheRead must be/],
    [{ input: 1, output: 1, cachRead: 1 }, /no option cachRead/],
    [{ input: 1, output: 1, long: { input: 2, output: 2 } }, /over must be a number of tokens/],
    [{ input: 1, output: 1, long: { over: 1, input: 2, outptu: 2 } }, /no option outptu/],
    [7, /price of a\/b/],
    [null, /price of a\/b/],
  ])('The price %j is rejected by name.', (price, message) => {
    expect(() => checkPrices({ 'a/b': price as unknown as Price })).toThrow(message)
  })
})
