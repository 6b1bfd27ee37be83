import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { filesWith, isFound, isUnique, questions } from './find-words.ts'

it('The words of the field have the place among the three files with the most matches for 36 of 40 questions.', () => {
  expect(questions).toHaveLength(40)
  expect(new Set(questions.map(({ word }) => word)).size).toBe(40)
  const missed = questions.filter((question) => !isFound(question))
  const shown = missed.map(({ word }) => `${word}: ${filesWith(word).slice(0, 3).join(', ')}`)
  expect(missed.length, shown.join('\n')).toBeLessThanOrEqual(4)
  const unique = questions.filter(isUnique)
  process.stdout.write(`${40 - missed.length} of 40 words find their place, ${unique.length} in at most three files\n`)
  expect(unique.length).toBeGreaterThanOrEqual(8)
})

it('Each answer to a question exists.', () => {
  const folder = new URL('../packages/troupe/src/', import.meta.url)
  expect(questions.filter(({ answer }) => !existsSync(new URL(answer, folder)))).toEqual([])
})

it('The search for words of the field misses a question whose word is used in other modules.', () => {
  expect(isFound({ question: 'Where is BM25 computed?', word: 'bm25', answer: 'messaging/' })).toBe(false)
  expect(filesWith('no such word in any source')).toEqual([])
})
