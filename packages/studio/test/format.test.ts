import { expect, it } from 'vitest'
import { inShort } from '../src/format.ts'

it('The short form of a value collapses spaces and marks what it omits, also behind the part that it reads.', () => {
  expect(inShort({ a: [1, 2] })).toBe('{ "a": [ 1, 2 ] }')
  expect(inShort('a'.repeat(10), 10)).toBe('a'.repeat(10))
  expect(inShort('a'.repeat(11), 10)).toBe(`${'a'.repeat(9)}…`)
  expect(inShort(`a${' '.repeat(1_000)}b`, 10)).toBe('a …')
  expect(inShort({ numbers: Array.from({ length: 100_000 }, (_, i) => i) }, 20)).toBe('{ "numbers": [ 0, 1…')
})
