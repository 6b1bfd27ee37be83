import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documentKind, extract } from './reading/extract.ts'
import { splitPassages } from './reading/split-passages.ts'
import { verifyCitation } from './verify-citation.ts'

const files: Record<string, string> = {
  'tea.md': '# Tea\n\nGreen tea is not\nfermented.  It is **steamed** (a+b)*.\n\nTea. Tea.\nTea.\n',
  'page.html': '<p>Salt &amp; pepper</p>\n<p>are <i>spi</i>ces.</p>\n',
}
const source = {
  async extraction(path: string) {
    const text = files[path]
    return text === undefined ? undefined : extract(text, documentKind(path))
  },
}
const verdict = (file: string, line: number, quote: string, endLine?: number) =>
  verifyCitation(source, { file, line, quote, ...(endLine === undefined ? {} : { endLine }) })

describe('verifyCitation', () => {
  it('verifyCitation accepts a quotation at its place, regardless of white space.', async () => {
    expect(await verdict('tea.md', 3, ' Green  tea is not fermented. ')).toEqual({ ok: true, line: 3, endLine: 4 })
    expect(await verdict('tea.md', 4, 'It is **steamed** (a+b)*.', 4)).toEqual({ ok: true, line: 4, endLine: 4 })
    expect(await verdict('page.html', 2, 'are spices.')).toEqual({ ok: true, line: 2, endLine: 2 })
    expect(await verdict('page.html', 1, 'Salt & pepper')).toEqual({ ok: true, line: 1, endLine: 1 })
  })

  it('verifyCitation accepts any place where a repeated quotation starts.', async () => {
    for (const line of [1, 6, 7]) expect(await verdict('tea.md', line, 'Tea')).toMatchObject({ ok: true, line })
  })

  it('verifyCitation ignores marks of comments and quotations that the quotation does not have.', async () => {
    files['mail.md'] = '> > Green tea\n> > is not\n> fermented.\n\n// a > b\n'
    for (const quote of [
      'Green tea is not fermented.',
      'Green tea > > is not > fermented.',
      'tea > is',
      '> > Green tea is not fer',
    ])
      expect(await verdict('mail.md', 1, quote)).toMatchObject({ ok: true })
    expect(await verdict('mail.md', 5, 'a > b')).toMatchObject({ ok: true })
    expect(await verdict('mail.md', 1, 'Green > tea')).toMatchObject({ ok: false })
  })

  it('verifyCitation compares a text of marks with a quotation of marks in bounded time.', async () => {
    files['marks.md'] = '> '.repeat(50)
    files['same.md'] = 'a '.repeat(200_000)
    const before = process.threadCpuUsage()
    expect(await verdict('marks.md', 1, `${'> '.repeat(12)}x`)).toMatchObject({ fault: 'wrong quote' })
    expect(await verdict('same.md', 1, `${'a '.repeat(4_900)}b`)).toMatchObject({ fault: 'wrong quote' })
    files['word.md'] = 'a'.repeat(2_000_000)
    expect(await verdict('word.md', 1, 'a'.repeat(10_000))).toMatchObject({ ok: true })
    expect(process.threadCpuUsage(before).user / 1e6).toBeLessThan(20)
  })

  it('verifyCitation finds a quotation at the end of a text that repeats its beginning.', async () => {
    files['repeated.md'] = `${'All in one line.\n'.repeat(60_000)}The pier is repainted in May.`
    const quote = `${'All in one line. '.repeat(50)}The pier is repainted`
    expect(await verdict('repeated.md', 59_951, quote, 60_001)).toEqual({ ok: true, line: 59_951, endLine: 60_001 })
  })

  it('verifyCitation detects a quotation that was changed by a single letter.', async () => {
    for (const quote of [
      'Green tea is fermented.',
      'green tea is not fermented.',
      'Green tea is notfermented.',
      'Green tea is not fermented!',
    ])
      expect(await verdict('tea.md', 3, quote)).toMatchObject({ ok: false, fault: 'wrong quote', foundAt: [] })
  })

  it('verifyCitation detects a wrong line, and names the right one.', async () => {
    for (const line of [1, 2, 4, 0, -3, 3.5, 99])
      expect(await verdict('tea.md', line, 'Green tea is not fermented.')).toMatchObject({
        ok: false,
        fault: 'wrong line',
        foundAt: [3],
      })
    expect(await verdict('tea.md', 3, 'Green tea is not fermented.', 3)).toMatchObject({
      ok: false,
      fault: 'wrong line',
    })
  })

  it('verifyCitation detects a wrong file, whether another document or none.', async () => {
    expect(await verdict('page.html', 3, 'Green tea is not fermented.')).toMatchObject({
      ok: false,
      fault: 'wrong quote',
    })
    expect(await verdict('coffee.md', 3, 'Green tea is not fermented.')).toMatchObject({
      ok: false,
      fault: 'wrong file',
    })
  })

  it('verifyCitation rejects an empty quotation and one that is too long.', async () => {
    for (const quote of ['', ' \n', 'x'.repeat(10_001)])
      expect(await verdict('tea.md', 1, quote)).toMatchObject({ ok: false, fault: 'unusable quote' })
  })

  it('verifyCitation accepts every part of every passage at its line, and no changed one.', async () => {
    const text = fc.array(
      fc.constantFrom('tea ', 'milk. ', '\n', '\n\n', '# Head\n', '<p>', '</p>', '<b>', '&amp; ', 'zu'),
      { minLength: 1, maxLength: 50 },
    )
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom('a.md', 'a.html'), fc.nat(), async (parts, path, pick) => {
        const page = extract(parts.join(''), documentKind(path))
        const only = { extraction: async () => page }
        for (const { start, end, startLine, endLine } of splitPassages(page)) {
          const quote = page.text.slice(start, end)
          expect(await verifyCitation(only, { file: path, line: startLine, endLine, quote })).toMatchObject({
            ok: true,
          })
          const at = pick % quote.length
          const changed = `${quote.slice(0, at)}§${quote.slice(at + 1)}`
          expect(await verifyCitation(only, { file: path, line: startLine, quote: changed })).toMatchObject({
            fault: 'wrong quote',
          })
        }
      }),
    )
  })
})
