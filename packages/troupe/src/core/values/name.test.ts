import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkEntryKey, checkName, compareKeys } from './name.ts'

describe('names and keys', () => {
  it('checkName rejects an identifier that could look like another.', () => {
    for (const value of [
      '',
      ' ',
      '\n\t',
      '\u200b\u2060',
      'e\u0301',
      'a\0',
      '\ud800',
      'x'.repeat(257),
      5,
      null,
      undefined,
      ['a'],
    ])
      expect(() => checkName('agent', value)).toThrow(/agent/)
    expect(checkName('user', 'é日本')).toBe('é日本')
  })
  it('checkEntryKey preserves keys up to 1,024 bytes, the empty one included.', () => {
    for (const key of ['', ' ', 'e\u0301', '../..', '%_*', '\u{10FFFF}', 'k'.repeat(1_024)])
      expect(checkEntryKey(key)).toBe(key)
    for (const key of ['k'.repeat(1_025), 'é'.repeat(513), 'a\0b', 'x\udc00y', null, {}])
      expect(() => checkEntryKey(key)).toThrow(/key/)
  })
  it('compareKeys orders by UTF-8 bytes.', () => {
    const text = fc.string({ unit: 'grapheme' })
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
    expect(compareKeys('\uFFFF', '\u{10000}')).toBeLessThan(0)
  })
})
