import { expect, it } from 'vitest'
import { plainHeadings } from './plain-headings.ts'

const titles = (source: string) => plainHeadings(source).map(({ level, text }) => [level, text])

it('plainHeadings finds titles below a ruled line, titles in capitals and numbered titles.', () => {
  const source = `A guide to the pier

${'='.repeat(30)}
1.  Boats and their berths

Boats moor at the east pier.

OPENING HOURS

The pier opens at six.

2.3 Fees

Four euros a night.
`
  expect(titles(source)).toEqual([
    [1, '1. Boats and their berths'],
    [3, 'OPENING HOURS'],
    [3, '2.3 Fees'],
  ])
  expect(plainHeadings(source).every(({ offset, text }) => source.slice(offset).startsWith(text.slice(0, 2)))).toBe(
    true,
  )
})

it('plainHeadings finds no title in lists, sentences, paragraphs and Markdown.', () => {
  expect(
    titles('1. Take the rope.\n2. Tie it.\n\nTHE SOFTWARE IS PROVIDED\nWITHOUT WARRANTY\n\n12 boats moor here.\n'),
  ).toEqual([])
  expect(titles('1. Take the rope.\n\n2. Tie it.\n')).toEqual([])
  expect(titles('# Pier\n\nOPENING HOURS\n\nSix.\n')).toEqual([])
})
