import { expect, it } from 'vitest'
import { TextPieces } from './text-pieces.ts'

const text = Array.from({ length: 400 }, (_, i) => `line ${i}\n`).join('')
const at = (line: number) => ({ start: text.indexOf(`line ${line}\n`), end: text.indexOf(`line ${line + 1}\n`) })

it('Pieces of a text are read by their positions in the text.', () => {
  const pieces = new TextPieces(text, [at(300), at(10), at(11)])
  for (const { start, end } of [at(10), at(300)]) expect(pieces.slice(start, end)).toBe(text.slice(start, end))
  expect(pieces.slice(at(10).start, at(11).end)).toBe(text.slice(at(10).start, at(11).end))
})

it('The gap between two text pieces is one NUL character.', () => {
  const pieces = new TextPieces(text, [at(10), at(300)])
  const between = pieces.slice(at(10).start, at(300).end)
  expect(between.split('\0')).toHaveLength(2)
  expect(between.length).toBeLessThan(700)
})
