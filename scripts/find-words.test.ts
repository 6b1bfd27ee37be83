import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { filesWith, isFound, questions } from './find-words.ts'

it('At most three files contain the word of a question, and its place is among them, for 36 of 40 questions.', () => {
  expect(questions).toHaveLength(40)
  expect(new Set(questions.map(({ word }) => word)).size).toBe(40)
  const missed = questions.filter((question) => !isFound(question))
  const shown = missed.map(({ word }) => `${word}: ${filesWith(word).join(', ')}`)
  expect(missed.length, shown.join('\n')).toBeLessThanOrEqual(4)
  process.stdout.write(`${40 - missed.length} of 40 words find their place\n`)
})

it('Each answer to a question exists.', () => {
  const folder = new URL('../packages/troupe/src/', import.meta.url)
  expect(questions.filter(({ answer }) => !existsSync(new URL(answer, folder)))).toEqual([])
})

it('The search for words of the field misses a question whose word is in another module.', () => {
  expect(isFound({ question: 'Where is BM25 computed?', word: 'bm25', answer: 'messaging/' })).toBe(false)
  expect(filesWith('no such word in any source')).toEqual([])
})
