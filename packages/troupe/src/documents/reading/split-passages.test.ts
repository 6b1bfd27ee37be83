import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { extract, extractionOf } from './extract.ts'
import { splitPassages } from './split-passages.ts'

const words = (text: string) => text.replace(/\s+/g, '')

describe('splitPassages', () => {
  it('splitPassages reads a text with five million blank lines.', () => {
    const page = extractionOf({ text: `Tea\n${' \n'.repeat(10)}${'\n'.repeat(5_000_000)}Coffee`, headings: [] })
    const passages = [...splitPassages(page)].flatMap(({ start, end }) => page.text.slice(start, end).split(/\s+/))
    expect(passages).toEqual(['Tea', 'Coffee'])
  })

  it('splitPassages returns every word of the text once, in order, in pieces of bounded size.', () => {
    const line = fc.oneof(
      fc.constantFrom(
        '',
        ' ',
        '# Tea',
        '## Milk',
        '```',
        '<p>',
        '</p><p>',
        '\u2029',
        'word '.repeat(700),
        '𝒳'.repeat(3_000),
      ),
      fc.lorem({ maxCount: 60 }),
    )
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 30 }),
        fc.constantFrom('markdown' as const, 'html' as const, 'source' as const),
        (lines, kind) => {
          const page = extract(lines.join('\n'), kind)
          const passages = [...splitPassages(page)]
          expect(words(passages.map((one) => page.text.slice(one.start, one.end)).join(''))).toBe(words(page.text))
          for (const { start, end, startLine, endLine } of passages) {
            expect(end - start).toBeGreaterThan(0)
            expect(end - start).toBeLessThanOrEqual(2_000)
            expect([startLine, endLine]).toEqual([page.lineAt(start), page.lineAt(end - 1)])
            expect(page.text.slice(start, end).isWellFormed()).toBe(true)
          }
        },
      ),
    )
  })

  it('splitPassages keeps a section together, and separate from the next.', () => {
    const page = extract('Before.\n\n# Tea\n\nGreen.\n\nBlack.\n\n## Milk\n\nCold.\n\n# Coffee\n\nHot.', 'markdown')
    expect([...splitPassages(page)].map(({ heading, startLine, endLine }) => [heading, startLine, endLine])).toEqual([
      ['', 1, 1],
      ['Tea', 3, 7],
      ['Tea › Milk', 9, 11],
      ['Coffee', 13, 15],
    ])
  })

  it('splitPassages splits paragraphs of HTML that share one line of the file.', () => {
    const page = extract(`<h1>Tea</h1><p>${'green '.repeat(150)}</p><p>${'black '.repeat(150)}</p>`, 'html')
    const passages = [...splitPassages(page)]
    expect(passages.map(({ heading, startLine, endLine }) => [heading, startLine, endLine])).toEqual([
      ['Tea', 1, 1],
      ['Tea', 1, 1],
    ])
    expect(page.text.slice(passages[1]?.start, passages[1]?.end)).not.toContain('green')
  })
})
