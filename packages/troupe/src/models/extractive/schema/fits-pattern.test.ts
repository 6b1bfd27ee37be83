import { expect, it } from 'vitest'
import { fitsPattern } from './fits-pattern.ts'

it('A pattern of a schema is tried as JSON Schema has it', () => {
  expect(fitsPattern('^[A-Z]{2}\\d+$', 'AB12')).toBe(true)
  expect(fitsPattern('^[A-Z]{2}\\d+$', 'ab12')).toBe(false)
  expect(fitsPattern('^\\p{L}+$', 'Grüße')).toBe(true)
})

it.each(['^(a+)+$', '^(a|a)*$', '(.*a){25}$'])('The pattern %s holds the thread for a moment, once', (pattern) => {
  const begun = performance.now()
  for (let i = 0; i < 100; i++) expect(fitsPattern(pattern, `${'a'.repeat(60)}!`)).toBe(false)
  expect(performance.now() - begun).toBeLessThan(500)
})

it('What is no pattern fits nothing, and a text without end is not tried', () => {
  expect(fitsPattern('(', 'a')).toBe(false)
  expect(fitsPattern('a', 'a'.repeat(10_001))).toBe(false)
})
