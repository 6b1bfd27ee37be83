import { describe, expect, it } from 'vitest'
import { elapsedText } from './elapsed-text.ts'

describe('elapsedText', () => {
  it.each([
    [0, '0 ms'],
    [280.4, '280 ms'],
    [1_000, '1 s'],
    [17_513, '17.5 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min'],
    [252_000, '4 min 12 s'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [273_600_000, '3 d 4 h'],
  ])('An explanation writes %d ms as %s.', (ms, text) => expect(elapsedText(ms)).toBe(text))
})
