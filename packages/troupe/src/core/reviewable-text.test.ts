import { describe, expect, it } from 'vitest'
import { markedText, reviewableText } from './reviewable-text.ts'

describe('reviewableText', () => {
  it('reviewableText shows short arguments before long ones, so that no text pushes a recipient out of sight.', () => {
    const text = reviewableText({
      body: 'thank you '.repeat(90),
      to: 'eve@evil.example',
      options: { bcc: 'x@y.example' },
    })
    expect(text.indexOf('eve@evil.example')).toBeLessThan(60)
    expect(text.indexOf('x@y.example')).toBeLessThan(80)
  })

  it('reviewableText reports how much of a long text or list it omits.', () => {
    expect(reviewableText({ body: 'x'.repeat(1_310) })).toContain('… (312 more characters: see args)')
    expect(reviewableText(Array.from({ length: 230 }, (_, i) => i))).toContain('… (30 more entries: see args)')
    const long = { body: 'x'.repeat(5_000), note: 'y'.repeat(5_000), amount: 5 }
    expect(reviewableText(long)).toMatch(/^\{"amount":5,/)
  })

  it('reviewableText shows every character that is invisible or looks like another one.', () => {
    const hidden = [
      '\u3164',
      '\u115f',
      '\u034f',
      '\u2800',
      '\u200b',
      '\u202e',
      '\u00ad',
      '\u{e0041}',
      '\u00a0',
      '\ufe0f',
    ]
    for (const one of hidden) {
      const code = `\\u{${(one.codePointAt(0) as number).toString(16)}}`
      expect(reviewableText({ to: `a${one}b` })).toContain(`a${code}b`)
      expect(reviewableText({ [`a${one}b`]: 1 })).toContain(`a${code}b`)
    }
    expect(reviewableText('ａ𝐛')).toBe('"\\u{ff41}\\u{1d41b}"')
  })

  it('reviewableText marks a word of several scripts, and no word of one script.', () => {
    expect(reviewableText('to \u0430dmin@house.test')).toBe('"to \\u{430}dmin@house.test (mixes Latin and Cyrillic)"')
    expect(reviewableText('\u043c\u043e\u0441\u03bfow')).toBe(
      '"\u043c\u043e\u0441\\u{3bf}\\u{6f}\\u{77} (mixes Latin and Greek and Cyrillic)"',
    )
    for (const plain of ['привет мир', 'naïve café', 'Ελλάδα', 'iPhoneを買う', 'a 1,5 €'])
      expect(reviewableText(plain)).toBe(JSON.stringify(plain))
  })

  it.each([
    ['Thai', '\u0e23'],
    ['Hebrew', '\u05d5'],
    ['Arabic', '\u0647'],
    ['Devanagari', '\u0966\u0920'],
    ['Georgian', '\u10e7'],
    ['Ethiopic', '\u1200'],
    ['Tifinagh', '\u2d54'],
    ['Vai', '\ua518'],
    ['Osmanya', '\u{10480}'],
    ['Canadian syllabics', '\u1455'],
  ])('markedText marks a word that mixes Latin with letters of %s, and no word of this script alone.', (_, letter) => {
    expect(markedText(`pay${letter}pal`)).toMatch(/^pay.*\\u\{[0-9a-f]+\}pal \(mixes Latin and another script\)$/u)
    for (const plain of [letter, `${letter}${letter} pay`, `pay, ${letter}`]) expect(markedText(plain)).toBe(plain)
  })

  it('markedText marks no word of Chinese, Japanese or Korean with Latin letters, no accent, no sign and no lookalike word.', () => {
    const plain = [
      'Tシャツ',
      '维生素C含量',
      'LG전자',
      'ㄅpm',
      'Zoë',
      '5µm',
      '3ª',
      'ʻokina',
      'paypal',
      '\u0440\u0430\u0443',
    ]
    for (const one of plain) expect(markedText(one)).toBe(one)
  })

  it('markedText marks a text like an argument, and changes nothing in a marked one.', () => {
    const marked = markedText('for \u202e\u0430dmin,\nnow')
    expect(marked).toBe('for \\u{202e}\\u{430}dmin (mixes Latin and Cyrillic),\\u{a}now')
    for (const one of [marked, reviewableText({ to: '\u043c\u043e\u0441\u03bfow', '\u3164': '\n\u043f' })])
      expect(markedText(one)).toBe(one)
  })
})
