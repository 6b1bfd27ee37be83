import type { EmbeddingModelV4 } from '@ai-sdk/provider'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Json } from '../../../core/index.ts'
import { citesSources } from './cites-sources.ts'
import { exactMatch } from './exact-match.ts'
import { matchesSchema } from './matches-schema.ts'
import { scoreContext, scoredRun } from './scored-run.test.fixture.ts'
import { similarity } from './similarity.ts'

const context = scoreContext()

describe('scorers', () => {
  it('exactMatch compares the answer with the expected one as JSON.', async () => {
    const score = (response: Json | undefined, expected: Json) => exactMatch(scoredRun(response, { expected }), context)
    expect(await score({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(1)
    expect(await score('Paris', 'Paris')).toBe(1)
    expect(await score('paris', 'Paris')).toBe(0)
    expect(await score(undefined, null)).toBe(0)
    await expect(async () => exactMatch(scoredRun('Paris'), context)).rejects.toThrow(/no answer that another could/)
    const odd = { ...scoredRun('Paris'), id: [Symbol('x')] as never }
    expect(() => exactMatch(odd, context)).toThrow(expect.objectContaining({ code: 'validation.failed' }))
  })

  it('matchesSchema gives 1 for an answer that fits, and passes on what the schema throws.', async () => {
    const fits = matchesSchema(z.object({ total: z.number() }))
    expect(await fits(scoredRun({ total: 1 }), context)).toBe(1)
    expect(await fits(scoredRun({ total: 'one' }), context)).toBe(0)
    expect(await fits(scoredRun(undefined), context)).toBe(0)
    const broken = matchesSchema(
      z.unknown().refine(() => {
        throw new Error('The check is broken.')
      }),
    )
    await expect(async () => broken(scoredRun(1), context)).rejects.toThrow('The check is broken.')
    expect(() => matchesSchema({} as never)).toThrow(/must be a Standard Schema/)
  })

  it('citesSources gives the share of citations that the run was given.', async () => {
    const score = (response: Json) =>
      citesSources(scoredRun(response, { sources: [{ file: 'tea.md', text: 'Tea is best served hot.' }] }), context)
    expect(await score('Hot [tea.md], as "tea is best served hot" says.')).toBe(1)
    expect(await score('Hot [tea.md], as "tea is best served cold" says.')).toBe(0.5)
    expect(await score({ quote: 'served hot' })).toBe(1)
    expect(await score('It is hot.')).toBe(0)
  })

  it('`similarity` without a model is the token F1 of both texts.', async () => {
    const score = (response: Json | undefined, expected: Json) =>
      similarity()(scoredRun(response, { expected }), context)
    expect(await score('The cat sat.', 'the CAT, sat')).toBe(1)
    // Two of three words found, two of four wanted: precision 2/3, recall 1/2.
    expect(await score('a black cat', 'one black cat sleeps')).toBeCloseTo(4 / 7)
    // A word counts as often as both texts have it.
    expect(await score('cat cat cat', 'cat')).toBeCloseTo(0.5)
    expect(await score('dog', 'cat')).toBe(0)
    expect(await score(undefined, '')).toBe(1)
    expect(await score('', 'cat')).toBe(0)
    expect(await score('…', '!')).toBe(1)
    expect(await score('東京は日本の首都です', '日本の首都は東京です')).toBeGreaterThan(0.9)
    expect(await score({ city: 'Paris' }, { city: 'Paris' })).toBe(1)
  })

  it('`similarity` with a model is the cosine of the vectors, and never below 0.', async () => {
    const asked: string[][] = []
    const model: EmbeddingModelV4 = {
      specificationVersion: 'v4',
      provider: 'mock',
      modelId: 'vectors',
      maxEmbeddingsPerCall: 10,
      supportsParallelCalls: true,
      async doEmbed({ values }) {
        asked.push([...values])
        const vectors: Readonly<Record<string, number[]>> = { hot: [1, 0], warm: [3, 4], cold: [-1, 0] }
        return { embeddings: values.map((text) => vectors[text] ?? [0, 1]), usage: { tokens: 1 }, warnings: [] }
      },
    }
    const score = (response: string) => similarity({ model })(scoredRun(response, { expected: 'hot' }), context)
    expect(await score('warm')).toBeCloseTo(0.6)
    expect(await score('hot')).toBe(1)
    expect(await score('cold')).toBe(0)
    // The vectors of 'hot' come from the cache.
    expect(context.spent.tokens).toBe(2)
    const calls = asked.length
    expect(await score(' ')).toBe(0)
    expect(asked).toHaveLength(calls)
    expect(() => similarity({ modle: 1 } as never)).toThrow(/modle/)
    expect(() => similarity({ model: 1 as never })).toThrow(/not an embedding model/)
  })
})
