import fc from 'fast-check'
import { expect, it } from 'vitest'
import { InvertedIndex } from './inverted-index.ts'

const texts = fc.array(fc.dictionary(fc.constantFrom('tea', 'milk', 'cup', 'pot'), fc.integer({ min: 1, max: 300 })), {
  maxLength: 300,
})
const add = (index: InvertedIndex, counts: Record<string, number>) =>
  index.add(Object.keys(counts), [Object.values(counts).flatMap((count, i) => [i, count])])
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

it('An index lists its terms, of any script and in any number, with the texts that hold each.', () => {
  const index = new InvertedIndex()
  const words = Array.from({ length: 20_000 }, (_, i) => `${i % 3 === 0 ? 'größe' : 'term'}${i}`)
  for (let from = 0; from < words.length; from += 100) {
    const some = words.slice(from, from + 100)
    index.add(['common', ...some], [[0, 1, ...some.flatMap((_, i) => [i + 1, 2])]])
  }
  expect(index.frequency('common')).toBe(200)
  for (const word of words) expect(index.frequency(word)).toBe(1)
  expect(index.search([{ term: 'größe9999', weight: 1 }], 9)).toMatchObject([{ id: 99 }])
})

it('An index takes new terms up to its limit, and still counts the terms that it knows.', () => {
  const index = new InvertedIndex({ maxTerms: 2 })
  add(index, { tea: 1, milk: 1 })
  add(index, { tea: 1, cup: 1 })
  expect(['tea', 'milk', 'cup'].map((term) => index.frequency(term))).toEqual([2, 1, 0])
  expect(index.search([{ term: 'cup', weight: 1 }], 9)).toEqual([])
})

it('An index of a million different terms takes less than 100 bytes for each.', () => {
  const index = new InvertedIndex()
  const before = process.memoryUsage()
  for (let text = 0; text < 1_000; text++) {
    const terms = Array.from({ length: 1_000 }, (_, i) => `id${text * 1_000 + i}`)
    index.add(terms, [terms.flatMap((_, i) => [i, 1])])
  }
  const after = process.memoryUsage()
  expect(index.frequency('id999999')).toBe(1)
  expect((after.arrayBuffers - before.arrayBuffers) / 1_000_000).toBeLessThan(100)
})
