import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { filesWith, isFound, questions } from './find-words.ts'

it('The words of the field find the code in three files for 36 of 40 questions.', () => {
  expect(questions).toHaveLength(40)
  expect(new Set(questions.map(({ word }) => word)).size).toBe(40)
  const missed = questions.filter((question) => !isFound(question))
  expect(
    missed.length,
    missed.map(({ word }) => `${word}: ${filesWith(word).join(', ')}`).join('\n'),
  ).toBeLessThanOrEqual(4)
})

it('Each answer to a question exists.', () => {
  const folder = new URL('../packages/troupe/src/', import.meta.url)
  expect(questions.filter(({ answer }) => !existsSync(new URL(answer, folder)))).toEqual([])
})

it('A question whose word is used in other modules is missed.', () => {
  expect(isFound({ question: 'Where is BM25 computed?', word: 'bm25', answer: 'messaging/' })).toBe(false)
  expect(filesWith('no such word in any source')).toEqual([])
})
