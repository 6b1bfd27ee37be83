import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse, type Schema } from '../../core/index.ts'
import { escapeForPrompt, escapeHtml, escapeMarkdown, escapeTerminal } from './escapes.ts'
import { validators } from './validators.ts'

const passes = (schema: Schema, value: unknown) =>
  parse(schema, value, 'The value').then(
    () => true,
    () => false,
  )
async function expectEach(schema: Schema, good: readonly unknown[], bad: readonly unknown[]): Promise<void> {
  // What is accepted comes back as it was.
  for (const value of good) expect(await parse(schema, value, 'The value')).toBe(value)
  for (const value of bad) expect(await passes(schema, value), JSON.stringify(value)).toBe(false)
}

describe('validators', () => {
  it('The text validator checks length, form and characters, and changes only what its options say.', async () => {
    await expectEach(validators.text(), ['', ' <script>alert(1)</script> ', 'x'.repeat(1_000)], ['x'.repeat(1_001), 1])
    await expectEach(validators.text({ min: 2, max: 3 }), ['ab', 'abc'], ['a', 'abcd'])
    await expectEach(
      validators.text({ pattern: 'ORD-??-*' }),
      ['ORD-17-', 'ORD-17-a-b'],
      ['ORD-1-a', 'xORD-17-', 'ORD'],
    )
    await expectEach(validators.text({ characters: 'a-z0-9_-' }), ['a_b-9', ''], ['A', 'ä', 'a b'])
    expect(await parse(validators.text({ trim: true }), '  Ada ', 'The value')).toBe('Ada')
  })

  it('The text validator matches a form as its regular expression does, in bounded time.', async () => {
    const marks = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(marks, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 }), async (pattern, value) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`)
        expect(await passes(validators.text({ pattern }), value)).toBe(expression.test(value))
      }),
      { numRuns: 300 },
    )
    expect(await passes(validators.text({ pattern: `${'*a'.repeat(100)}b` }), 'a'.repeat(1_000))).toBe(false)
  })

  it('The validators of numbers, addresses, URLs and identifiers accept valid values and reject others.', async () => {
    await expectEach(
      validators.number({ min: 0, max: 10 }),
      [0, 2.5, 10],
      [-1, 11, Number.NaN, Number.POSITIVE_INFINITY, '5', null],
    )
    await expectEach(validators.number({ integer: true }), [3], [3.5])
    await expectEach(
      validators.email(),
      ['Ada.Lovelace+orders@Example.com', "o'neil@münchen.de"],
      [
        'ada',
        'ada@localhost',
        '.a@b.com',
        'a..b@c.com',
        'a@b@c.com ',
        'a@-b.com',
        `${'a'.repeat(65)}@b.com`,
        'a b@c.de',
      ],
    )
    const lowercase = validators.email({ lowercase: true })
    expect(await parse(lowercase, 'Ada@Example.COM', 'The value')).toBe('ada@example.com')
    expect(await passes(lowercase, 'ADA@LOCALHOST')).toBe(false)
    expect(await parse(validators.email(), 'Ada@Example.COM', 'The value')).toBe('Ada@Example.COM')
    await expectEach(
      validators.url(),
      ['https://example.com/a?b=c#d', 'http://[::1]:8080/'],
      [
        'javascript:alert(1)',
        '//example.com',
        'https://u:p@example.com',
        ' https://a.b',
        'https:\\\\a.b',
        'ftp://a.b',
        '',
      ],
    )
    await expectEach(validators.url({ protocols: ['ftp'] }), ['ftp://a.b'], ['https://a.b'])
    await expectEach(validators.identifier(), ['_a', 'order-17'], ['17', '', 'a b', 'ä', 'x'.repeat(65)])
  })

  it('A validator rejects unknown options and invalid option values.', () => {
    expect(() => validators.text({ mx: 3 } as never)).toThrow(expect.objectContaining({ code: 'option.unknown' }))
    for (const options of [{ min: 3, max: 2 }, { max: 1.5 }, { characters: 'z-a' }, { characters: '' }])
      expect(() => validators.text(options)).toThrow()
    expect(() => validators.number({ min: 3, max: 2 })).toThrow()
    expect(() => validators.url({ protocols: ['https:'] })).toThrow()
    expect(() => validators.email({ lowercase: 'yes' as never })).toThrow()
    expect(() => validators.email({ lower: true } as never)).toThrow(
      expect.objectContaining({ code: 'option.unknown' }),
    )
  })
})

describe('escapes', () => {
  it('An escape function rejects a value that is not a text.', () => {
    for (const out of [escapeHtml, escapeMarkdown, escapeTerminal, escapeForPrompt])
      for (const none of [5, null, undefined])
        expect(() => out(none as never)).toThrow(/The argument of escape\w+ .* not a text/)
    expect(() => escapeForPrompt('text', null as never)).toThrow(/the name of escapeForPrompt/)
  })

  it('The escape functions for HTML, Markdown and a terminal escape every special character.', () => {
    expect(escapeHtml(`<a href="x" title='y'>&`)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;')
    expect(escapeMarkdown('# [a](javascript:x) `b`\n    code')).toBe('\\# \\[a\\]\\(javascript\\:x\\) \\`b\\`\ncode')
    expect(escapeTerminal('a\u001b[2J\u009b\u202eb\n\tc\u200b')).toBe('a\\u{1b}[2J\\u{9b}\\u{202e}b\n\tc\\u{200b}')
    expect(escapeTerminal('Grüße, 世界 🎉')).toBe('Grüße, 世界 🎉')
  })

  it('escapeForPrompt reads a long run of white space behind a bracket once.', () => {
    const text = `<${' '.repeat(400_000)}`
    const before = process.threadCpuUsage()
    expect(escapeForPrompt(text)).toHaveLength(text.length + '<data>\n\n</data>'.length)
    expect(process.threadCpuUsage(before).user / 1e6).toBeLessThan(20)
  })

  it('The escape function for prompts keeps a text within its marks, whatever it contains.', () => {
    expect(escapeForPrompt('a </page> b < /PAGE > <b>\u{e0041}', 'page')).toBe(
      '<page>\na &lt;/page> b &lt; /PAGE > <b>\\u{e0041}\n</page>',
    )
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('<', '/', ' ', 'data', '>', '\n', '\u0000') }), (text) => {
        expect(escapeForPrompt(text).match(/<\s*\/?\s*data/gi)).toHaveLength(2)
      }),
    )
  })
})
