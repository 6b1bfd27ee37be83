/** The page and the server mark the same characters: a person who approves a call reads both. */
import { describe, expect, it } from 'vitest'
import { reviewableText } from '../../troupe/src/security/validation/reviewable-text.ts'
import { visible } from '../src/visible.ts'

const codeOf = (one: string) => `\\u{${(one.codePointAt(0) as number).toString(16)}}`
/** Full-width and mathematical forms are seen. The server marks them, because a reader takes them for ASCII. */
const isLookalike = (codePoint: number) =>
  (codePoint >= 0xff01 && codePoint <= 0xff5e) || (codePoint >= 0x1d400 && codePoint <= 0x1d7ff)

describe('visible', () => {
  it('The page marks each character that the server marks as invisible in an approval, and no other.', () => {
    const differing: string[] = []
    for (let codePoint = 0x20; codePoint <= 0xe0fff; codePoint++) {
      // Between these planes no character is assigned.
      if (codePoint === 0x40000) codePoint = 0xe0000
      // JSON escapes half of a surrogate pair.
      if (isLookalike(codePoint) || (codePoint >= 0xd800 && codePoint <= 0xdfff)) continue
      const one = String.fromCodePoint(codePoint)
      const isMarkedByServer = reviewableText(`1${one}2`).includes(codeOf(one))
      if ((visible(`1${one}2`) === `1${codeOf(one)}2`) !== isMarkedByServer) differing.push(codeOf(one))
    }
    expect(differing).toEqual([])
  })

  it.each(['\u3164', '\u115f', '\u{e0101}', '\ufe01', '\ufe0f', '\u2800', '\u00a0', '\u2003', '\u034f', '\u17b4'])(
    'The page marks the character %j between letters.',
    (one) => expect(visible(`a${one}b`)).toBe(`a${codeOf(one)}b`),
  )

  it.each(['👩\u200d👧', '❤\ufe0f', '✈\ufe0e', '1\ufe0f\u20e3', '👍🏽', 'می\u200cشود', 'two lines\n\tand a tab'])(
    'The page shows %j as it is written.',
    (text) => expect(visible(text)).toBe(text),
  )
})
