import { expect, it } from 'vitest'
import { childQuestionId, childQuestionOf } from './child-question-id.ts'

it('The id of a question of a child run leads to the child run and the question there, also through several runs.', () => {
  const inner = childQuestionId('inner', 'q1')
  expect(childQuestionOf(inner)).toEqual({ run: 'inner', question: 'q1' })
  expect(childQuestionOf(childQuestionId('outer', inner))).toEqual({ run: 'outer', question: inner })
  expect(childQuestionOf('q1')).toBe(undefined)
})
