import fc from 'fast-check'
import { expect, it } from 'vitest'
import { InvertedIndex } from './inverted-index.ts'

const texts = fc.array(fc.dictionary(fc.constantFrom('tea', 'milk', 'cup', 'pot'), fc.integer({ min: 1, max: 300 })), {
  maxLength: 300,
})
const add = (index: InvertedIndex, counts: Record<string, number>) =>
  index.add(
    Object.keys(counts),
    Object.values(counts).flatMap((count, i) => [i, count]),
  )
const terms = ['tea', 'milk', 'cup'].map((term) => ({ term, weight: 1 }))

it('An index counts the texts that hold a term.', () => {
  fc.assert(
    fc.property(texts, (counts) => {
      const index = new InvertedIndex()
      for (const one of counts) add(index, one)
      const holding = counts.flatMap((one, id) => (one.tea === undefined ? [] : [id]))
      expect(index.size).toBe(counts.length)
      expect(index.frequency('tea')).toBe(holding.length)
      const found = index.search([{ term: 'tea', weight: 1 }], 1_000).map(({ id }) => id)
      expect(found.sort((a, b) => a - b)).toEqual(holding)
    }),
  )
})

it('An index finds the texts that hold a term, rare terms and short texts first.', () => {
  const index = new InvertedIndex()
  for (const text of [{ tea: 1 }, { tea: 1, milk: 1 }, { tea: 1, cup: 9, pot: 9 }, { cup: 1 }]) add(index, text)
  expect(index.search([{ term: 'tea', weight: 1 }], 9).map(({ id }) => id)).toEqual([0, 1, 2])
  expect(index.search(terms.slice(0, 2), 1).map(({ id }) => id)).toEqual([1])
  expect(index.search([{ term: 'zeppelin', weight: 1 }], 9)).toEqual([])
})
