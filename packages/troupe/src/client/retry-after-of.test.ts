import { expect, it } from 'vitest'
import { retryAfterOf } from './retry-after-of.ts'

it.each([
  ['seconds', '7', 7_000],
  ['a date', 'Tue, 01 Dec 2026 13:00:05 GMT', 5_000],
  ['a date that is over', 'Tue, 01 Dec 2026 12:00:00 GMT', 0],
  ['a word', 'soon', undefined],
  ['an empty text', '', undefined],
  ['a number below zero', '-5', undefined],
])('The client reads a Retry-After of %s.', (_, text, expected) => {
  const headers = new Headers({ 'retry-after': text, date: 'Tue, 01 Dec 2026 13:00:00 GMT' })
  expect(retryAfterOf(headers)).toBe(expected)
})

it('The client ignores a date as Retry-After in an answer without a time.', () => {
  expect(retryAfterOf(new Headers({ 'retry-after': 'Tue, 01 Dec 2020 13:00:00 GMT' }))).toBeUndefined()
})
