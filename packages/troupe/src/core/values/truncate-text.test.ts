import { expect, test } from 'vitest'
import { truncateText } from './truncate-text.ts'

test.each([
  ['abc', 3, 'abc'],
  ['abc', 2, 'ab'],
  ['a😀b', 3, 'a😀'],
  ['a😀b', 2, 'a'],
  ['😀', 1, ''],
  ['abc', 0, ''],
])('A text %j of at most %i units becomes %j, and no pair is cut in half.', (text, maxLength, expected) => {
  expect(truncateText(text, maxLength)).toBe(expected)
})
