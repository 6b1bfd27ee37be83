import { describe, expect, it } from 'vitest'
import { readQuestion } from './question.ts'

/** A thousand passages with the given numbers of passages by term. */
const vocabularyOf = (frequencies: Readonly<Record<string, number>>) => ({
  frequency: (term: string) => frequencies[term] ?? 0,
  passages: 1_000,
  around: () => [],
  abbreviations: new Map<string, readonly string[]>(),
})

const weightsOf = (text: string, frequencies: Readonly<Record<string, number>>) =>
  Object.fromEntries(readQuestion(text, vocabularyOf(frequencies)).concepts.map(({ word, weight }) => [word, weight]))

describe('The weight of a word of a question', () => {
  it('A question weighs a name of code by the rarity of the name, even if its parts are frequent.', () => {
    const frequencies = { mend: 40, err_pier_flooded: 2, err: 300, pier: 300, flood: 90 }
    const { mend = 0, ERR_PIER_FLOODED = 0 } = weightsOf('How do I mend ERR_PIER_FLOODED?', frequencies)
    expect(ERR_PIER_FLOODED).toBeGreaterThan(mend)
  })

  it('A question weighs a name of code that no document contains by its most frequent part.', () => {
    const frequencies = { mend: 40, err: 300, pier: 300, flood: 90 }
    const { mend = 0, ERR_PIER_FLOODED = 0 } = weightsOf('How do I mend ERR_PIER_FLOODED?', frequencies)
    expect(ERR_PIER_FLOODED).toBeLessThan(mend)
  })
})
