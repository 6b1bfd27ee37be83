import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compilePattern } from './pattern.ts'

/**
 * The regular expression of the marks. A star before fixed text takes its first occurrence and never goes back: a match
 * of seven stars with a long text would take minutes otherwise.
 */
function expressionOf(marks: readonly string[]): RegExp {
  const parts = marks
    .map((mark) => (mark === '?' ? '.' : mark === '.' ? '\\.' : mark))
    .join('')
    .split(/\*+/)
  const [first, ...others] = parts
  const last = others.pop()
  const source = others.map((part, i) => `(?=(.*?${part}))\\${i + 1}`).join('')
  return new RegExp(`^${first}${last === undefined ? '' : `${source}.*${last}`}$`, 'su')
}

test('A pattern matches as the regular expression of its marks.', () => {
  const long = 'a'.repeat(33)
  const sign = fc.constantFrom('a', 'b', '.', '*', '?', '\u{1f600}', long, `${long}b`)
  fc.assert(
    fc.property(fc.array(sign, { maxLength: 8 }), fc.array(sign, { maxLength: 8 }), (marks, text) => {
      expect(compilePattern(marks.join('')).matches(text.join(''))).toBe(expressionOf(marks).test(text.join('')))
    }),
    { numRuns: 5_000 },
  )
})

test('A pattern is matched in linear time, whatever it is made of.', () => {
  const key = 'a'.repeat(1_024)
  const filler = 'a'.repeat(500)
  for (const pattern of [
    `*${filler}b`,
    `*${filler}b*`,
    `*${'?'.repeat(500)}b*`,
    `${'*a'.repeat(500)}*b`,
    `*?${filler}?b*a`,
  ]) {
    const { matches } = compilePattern(pattern)
    const began = process.cpuUsage()
    for (let i = 0; i < 200; i++) expect(matches(key)).toBe(false)
    const { user } = process.cpuUsage(began)
    // Going back at each place takes 200 ms, and once for every star none lives to see the end of it.
    expect(user / 1_000, pattern).toBeLessThan(100)
  }
})
