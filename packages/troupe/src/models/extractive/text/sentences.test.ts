import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sentencesOf } from './sentences.ts'

describe('sentencesOf', () => {
  it('sentencesOf removes emphasis marks that a sentence does not open or close itself.', () => {
    const text = '- **An effect each.** Simple, but it leaves half of its writes behind. A **bold** word stays so.'
    const found = sentencesOf(text)
    expect(found.map((one) => one.text)).toEqual([
      'An effect each.',
      'Simple, but it leaves half of its writes behind.',
      'A **bold** word stays so.',
    ])
    for (const one of found) expect(text.slice(one.offset)).toContain(one.text)
    for (const one of found) expect(text.startsWith(one.text, one.offset)).toBe(true)
  })
  it('sentencesOf returns the prose of a text that begins with a rule, which opens no front matter.', () => {
    expect(sentencesOf('---\n\nTea is a drink.\n').map((one) => one.text)).toEqual(['Tea is a drink.'])
    expect(sentencesOf('---\nTea is a title.\n---\nTea is a drink.').map((one) => one.text)).toEqual([
      'Tea is a drink.',
    ])
  })
  it('sentencesOf returns the prose of Markdown, without code, tables, headings and front matter.', () => {
    const text =
      '---\ntitle: A page of tea\n---\n# About the tea\n\nTea is a\ndrink. It is hot.\n\n```sh\nrun this tea command\n```\n' +
      "| a | table of tea |\n\n1. First pour the water.\n   Then wait a while.\n- Drink the tea slowly.\n> Tea was said to be good.\n<Card title=\"x\">\nimport { Tea } from the tea\ntitle: A good tea page\nname: 'the tea', type: 'a string',\n"
    expect(sentencesOf(text).map((one) => one.text)).toEqual([
      'Tea is a drink.',
      'It is hot.',
      'First pour the water.',
      'Then wait a while.',
      'Drink the tea slowly.',
      'Tea was said to be good.',
    ])
  })

  it('sentencesOf recognises a text that begins inside a code block.', () => {
    expect(sentencesOf('const all the tea\n```\n\nTea is hot.\n').map((one) => one.text)).toEqual(['Tea is hot.'])
    expect(sentencesOf('Tea is hot.\n\n```sh\nmake all the tea\n').map((one) => one.text)).toEqual(['Tea is hot.'])
  })

  it('sentencesOf returns only parts of the text, in order, at their offsets.', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            'Tea is hot. ',
            'It was\nnot cold',
            '\n\n',
            '- ',
            '# ',
            '```\n',
            '> ',
            '! ',
            '茶は熱いです。',
            '\n',
          ),
        ),
        (parts) => {
          const text = parts.join('')
          let last = -1
          for (const { text: sentence, offset } of sentencesOf(text)) {
            expect(offset).toBeGreaterThan(last)
            expect(text.slice(offset).replace(/\s+/g, ' ').startsWith(sentence)).toBe(true)
            last = offset
          }
        },
      ),
    )
  })
})
