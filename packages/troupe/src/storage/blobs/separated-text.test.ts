import fc from 'fast-check'
import { expect, test } from 'vitest'
import { joinText, runsOf, separatedText, separateText } from './separated-text.ts'

const restored = (stored: string, data: ReadonlyMap<string, string>) => {
  const separated = separatedText(stored)
  return separated ? joinText(separated, (hash) => data.get(hash) as string) : stored
}

test('A text without its long runs, joined with them, is the text itself.', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('\u0001', '\u0001[]\n', '"', '='),
    fc.integer({ min: 1, max: 90 }).map((length) => 'aB3+/-_'.repeat(length)),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 4, max: 200 }), (pieces, minBytes) => {
      const text = pieces.join('')
      const runs = runsOf(text, minBytes)
      const expected = [...text.matchAll(/[A-Za-z0-9+/_-]+/g)]
        .filter(([run]) => run.length >= Math.ceil((minBytes * 4) / 3))
        .map(({ 0: run, index }) => ({ from: index, to: index + run.length }))
      expect(runs).toEqual(expected)
      const data = new Map(runs.map(({ from, to }, i) => [`h${i}`, text.slice(from, to)]))
      expect(restored(separateText(text, runs, [...data.keys()]), data)).toBe(text)
    }),
    { numRuns: 2_000, seed: 1 },
  )
})

test('A text with a file is stored without its data, however deep in other JSON the file is.', () => {
  const text = JSON.stringify({ inner: JSON.stringify({ data: `data:image/png;base64,${'A'.repeat(200)}==` }) })
  const stored = separateText(text, runsOf(text, 150), ['h'])
  expect(stored).toBe('\u0001[[44,"h"]]\n{"inner":"{\\"data\\":\\"data:image/png;base64,==\\"}"}')
  expect(restored(stored, new Map([['h', 'A'.repeat(200)]]))).toBe(text)
  expect(runsOf(text, 151)).toEqual([])
})
