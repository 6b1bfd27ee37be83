/** The page and the server mark the same characters: a person who approves a call reads both. */
import { createTroupe, defineAgent, finish } from 'troupe'
import { describe, expect, it } from 'vitest'
import { visible } from '../src/visible.ts'

const codeOf = (one: string) => `\\u{${(one.codePointAt(0) as number).toString(16)}}`
/** Full-width and mathematical forms are seen. The server marks them, because a reader takes them for ASCII. */
const isLookalike = (codePoint: number) =>
  (codePoint >= 0xff01 && codePoint <= 0xff5e) || (codePoint >= 0x1d400 && codePoint <= 0x1d7ff)
const isSurrogate = (codePoint: number) => codePoint >= 0xd800 && codePoint <= 0xdfff

/** Each character of three planes between digits, as many in a text and in a list as the server shows completely. */
function allCharacters(): readonly (readonly string[])[] {
  const codePoints = [0, 0x10000, 0xe0000]
    .flatMap((plane) => Array.from({ length: plane === 0xe0000 ? 0x1000 : 0x10000 }, (_, i) => plane + i))
    .filter((codePoint) => !isLookalike(codePoint) && !isSurrogate(codePoint))
  const texts = Array.from({ length: Math.ceil(codePoints.length / 50) }, (_, i) =>
    codePoints
      .slice(50 * i, 50 * (i + 1))
      .map((codePoint) => `1${String.fromCodePoint(codePoint)}2 `)
      .join(''),
  )
  return Array.from({ length: Math.ceil(texts.length / 200) }, (_, i) => texts.slice(200 * i, 200 * (i + 1)))
}

describe('visible', () => {
  it('The page marks the characters that the server marks as invisible in the text of an approval, and no others.', async () => {
    const args = allCharacters()
    const asking = defineAgent({
      name: 'Payer',
      run: async (_, ctx) => finish((await ctx.ask({ kind: 'approval', text: 'Pay?', tool: 'pay', args })) as never),
    })
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    const run = await troupe.user('default').orchestra.start({ agent: asking, task: 'rent' })
    const [question] = (await run.result()).questions
    const differing = args.flat().filter((text) => !question?.text.includes(visible(JSON.stringify(text))))
    expect(differing.map((text) => JSON.stringify(text))).toEqual([])
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
