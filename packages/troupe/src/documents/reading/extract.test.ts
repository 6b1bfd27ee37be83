import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documentKind, type Extraction, extract } from './extract.ts'
import { HtmlTooDeepError } from './extract-html.ts'

const squeezed = (text: string) => text.replace(/\s+/g, ' ').trim()
const lineOf = (page: Extraction, words: string) => page.lineAt(page.text.indexOf(words))

describe('extract', () => {
  it('`extract` returns Markdown, text and source unchanged.', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom('markdown' as const, 'text' as const, 'source' as const),
        (text, kind) => {
          expect(extract(text, kind).text).toBe(text)
        },
      ),
    )
  })

  it('`extract` maps every position of a text to its line in the file.', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), fc.constantFrom('\n', '\r\n'), (lines, end) => {
        const source = lines.map((line) => line.replace(/[\r\n]/g, '')).join(end)
        const page = extract(source, 'text')
        const fileLines = source.split('\n')
        expect(page.lines).toBe(fileLines.length)
        for (let offset = 0; offset < source.length; offset++)
          expect(page.lineAt(offset)).toBe(source.slice(0, offset).split('\n').length)
        for (const [i, line] of fileLines.entries()) expect(source.startsWith(line, page.offsetOf(i + 1))).toBe(true)
      }),
    )
  })

  it('`extract` returns the text of HTML without markup, scripts and styles, with entities decoded.', () => {
    const page = extract(
      '<!doctype html>\n<title>Tea &amp; more</title>\n<style>p { color: red }</style>\n<script>let x = "<p>no</p>"</script>\n' +
        '<h1>Kinds</h1>\n<p>Green <b>te</b>a\nis &lt;not&gt; fermented.</p><p>Black&nbsp;is.<br>Yes.\n<!-- unseen\n -->\n<p hidden>End',
      'html',
    )
    expect(squeezed(page.text)).toBe('Tea & more Kinds Green tea is <not> fermented. Black is. Yes. End')
    expect(lineOf(page, 'Green tea')).toBe(6)
    expect(lineOf(page, 'is <not> fermented.')).toBe(7)
    expect(lineOf(page, 'End')).toBe(10)
    expect(page.headings.map(({ level, text, offset }) => [level, text, page.lineAt(offset)])).toEqual([
      [1, 'Tea & more', 2],
      [1, 'Kinds', 5],
    ])
  })

  it('`extract` preserves lines although the HTML parser moves, drops or decodes line breaks.', () => {
    const page = extract(
      '<pre>\n\nfirst</pre><textarea>\nsecond</textarea>\r\nthird&#10;still third&NewLine;\n<table>\nfostered<tr><td>cell\n</td></tr></table>last<b>\n<i>bold</b> both</i>\u0000x',
      'html',
    )
    for (const [words, line] of [
      ['first', 3],
      ['second', 4],
      ['third', 5],
      ['still third', 5],
      ['fostered', 7],
      ['cell', 7],
      ['last', 8],
      ['bold', 9],
      ['both', 9],
    ] as const)
      expect([words, lineOf(page, words)]).toEqual([words, line])
  })

  it('`extract` maps each word of a random page to the line in which it was written.', () => {
    const tags = [
      'p',
      'b',
      'div',
      'pre',
      'table',
      'td',
      'tr',
      'li',
      'ul',
      'span',
      'h2',
      'select',
      'textarea',
      'i',
      'form',
      'svg',
      'a',
    ]
    const piece = fc.oneof(
      { weight: 3, arbitrary: fc.nat(9999).map((n) => `word${n}z`) },
      fc.constantFrom('\n', '\r\n', '\n\n', ' ', '&amp;', '&#10;', '&nbsp;', '&', '<', '<!-- c\n -->', '<br>', '\r'),
      fc.constantFrom(...tags).map((tag) => `<${tag}>`),
      fc.constantFrom(...tags).map((tag) => `</${tag}>`),
      fc.constantFrom(...tags).map((tag) => `<${tag}\n title="a\nb">`),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const source = pieces.join('')
        const page = extract(source, 'html')
        const lines = source.split('\n')
        expect(page.lines).toBe(lines.length)
        for (const match of page.text.matchAll(/word\d+z/g))
          expect(lines[page.lineAt(match.index) - 1]).toContain(match[0])
      }),
      { numRuns: 1_000 },
    )
  })

  it('`extract` reads a long page as a short one, wherever its parts end.', () => {
    const paragraph = (n: number) => `<p class="x${n}">😀 tea &amp; milk&nbsp;${n} <b>hot</b></p>`
    const count = 20_000
    for (const before of ['', ' ', '  ', '<!-- -->', '😀']) {
      const page = extract(before + Array.from({ length: count }, (_, n) => paragraph(n)).join('\n'), 'html')
      const lines = page.text.split('\n').map((line) => line.replaceAll('\u2029', ''))
      expect(lines).toHaveLength(count)
      expect(lines.findIndex((line, n) => n > 0 && line !== `😀 tea & milk\u00a0${n} hot`)).toBe(-1)
    }
  })

  it('`extract` rejects HTML nested so deeply that the parser would not end in time.', () => {
    expect(() => extract('<div>'.repeat(200_000), 'html')).toThrow(HtmlTooDeepError)
    expect(squeezed(extract(`${'<div>'.repeat(900)}deep`, 'html').text)).toBe('deep')
  })

  it('`extract` finds the headings of Markdown, and none in a code block.', () => {
    const source =
      '---\ntitle: "Guide"\n# not one\n---\n\n# Tea #\n```sh\n# no heading\n```\n~~~~\n# no\n~~~\n# no\n~~~~\nCoffee\n===\n## Milk\n#hash'
    expect(extract(source, 'markdown').headings.map(({ level, text }) => `${level} ${text}`)).toEqual([
      '1 Guide',
      '1 Tea',
      '1 Coffee',
      '2 Milk',
    ])
  })

  it('`extract` finds the headings of Markdown that begins with a rule, which opens no front matter.', () => {
    const headings = (source: string) => extract(source, 'markdown').headings.map(({ text }) => text)
    expect(headings('---\n\n# Tea\n\nGreen.\n')).toEqual(['Tea'])
    expect(headings('---\ntitle: Drinks\n---\n# Tea\n')).toEqual(['Drinks', 'Tea'])
    expect(headings('---\r\ntitle: Drinks\r\n---\r\n# Tea')).toEqual(['Drinks', 'Tea'])
    expect(headings('---\n---\n# Tea')).toEqual(['Tea'])
  })

  it('`extract` gives a heading of Markdown the text of its links.', () => {
    const source =
      '# The [`timeout`](#timeout) option, see [rules][1] #\n\n[Tea](./tea.md) and ![a cup](cup.png)\n===\n'
    const headings = extract(source, 'markdown').headings.map(({ text }) => text)
    expect(headings).toEqual(['The `timeout` option, see [rules][1]', 'Tea and a cup'])
  })

  it('documentKind derives the kind from the name.', () => {
    expect(['a.md', 'A.MDX', 'b.HTM', 'c.txt', 'README', 'd.rs'].map(documentKind)).toEqual([
      'markdown',
      'markdown',
      'html',
      'text',
      'text',
      'source',
    ])
  })
})
