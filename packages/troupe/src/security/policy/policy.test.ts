import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TaintLabel } from '../../core/index.ts'
import { holds } from './call-labels.ts'
import { parseCondition } from './condition.ts'
import { type CallLabels, compileRules, matchingRule, pathText } from './index.ts'

const labels = (read: readonly TaintLabel[], args: Readonly<Record<string, readonly TaintLabel[]>>): CallLabels => ({
  read,
  args: Object.entries(args).map(([path, own]) => ({ path: path.split('.'), labels: own })),
})
const mixed = labels(['untrusted:web', 'sensitive:payroll'], {
  to: [],
  body: ['untrusted:web'],
  'files.0.name': ['sensitive:payroll'],
  'files.1.name': [],
})

describe('A condition', () => {
  it.each([
    ['args.to is untrusted', false],
    ['args.to is trusted', true],
    ['args.to is not sensitive', true],
    ['args.body is untrusted', true],
    ["args.body has 'web'", true],
    ['args.body has "untrusted:web"', true],
    ["args.body has 'sensitive:web'", false],
    ["args.body has 'mail'", false],
    ['args.files is sensitive', true],
    ['args.files.1 is sensitive', false],
    ['args.files.*.name is sensitive', true],
    ["args['files'].0.name is sensitive", true],
    ['args.missing is untrusted', false],
    ['any arg is untrusted', true],
    ['args is sensitive', true],
    ['call is sensitive', true],
    ['call is untrusted and not args.to is untrusted', true],
    ['args.to is untrusted or args.body is untrusted and args.to is sensitive', false],
    ['(args.to is untrusted or args.body is untrusted) and call is sensitive', true],
    ['not not args.to is untrusted', false],
  ])('The condition %s is evaluated with the labels of the arguments and of the call.', (text, expected) => {
    expect(holds(parseCondition(text, 'when'), mixed)).toBe(expected)
  })

  it('A condition counts labels beyond the bound of a set as any source of their kind.', () => {
    const bounded = labels([], { to: ['untrusted:*'] })
    expect(holds(parseCondition("args.to has 'web'", 'when'), bounded)).toBe(true)
    expect(holds(parseCondition("args.to has 'sensitive:web'", 'when'), bounded)).toBe(false)
  })

  it.each([
    ['', 'at character 1: expected args.NAME, any arg, call, not, (, got the end'],
    ['args.to iss untrusted', 'at character 9: expected is, has, got "iss"; did you mean is?'],
    [
      'args.to is untrustd',
      'at character 12: expected untrusted, trusted, sensitive, got "untrustd"; did you mean untrusted?',
    ],
    ['args.to has web', 'at character 13: expected the name of a source in quotes, such as \'web\', got "web"'],
    ['args. is untrusted and', 'at character 10: expected is, has, got "untrusted"'],
    ['args.to = 1', 'at character 9: "=" has no meaning here'],
    ['(call is untrusted', 'at character 19: expected ), got the end'],
    ['call is untrusted call', 'at character 19: expected and, or, the end, got "call"'],
    ['any args is untrusted', 'at character 5: expected arg, got "args"; did you mean arg?'],
    ["args.to has 'web", 'at character 13:'],
    ['('.repeat(30), 'more than 20 levels'],
    [Array.from({ length: 51 }, () => 'call is trusted').join(' or '), 'more than 50 tests'],
    [`${' '.repeat(1_000)}x`, 'longer than 1000 characters'],
  ])('The condition %s is rejected with the position of the mistake.', (text, problem) => {
    expect(() => parseCondition(text, 'policy[0].when')).toThrow(problem)
  })

  it('A condition is read or rejected in bounded time, whatever its text is.', () => {
    const words = fc.constantFrom(
      'args',
      '.',
      'to',
      'is',
      'not',
      'untrusted',
      'has',
      "'web'",
      '(',
      ')',
      'and',
      'or',
      'call',
      '*',
      '[',
      '"',
      '\\',
    )
    fc.assert(
      fc.property(fc.array(words, { maxLength: 200 }), (parts) => {
        const text = parts.join(' ')
        try {
          expect(typeof holds(parseCondition(text, 'when'), mixed)).toBe('boolean')
        } catch (error) {
          expect(error).toMatchObject({ code: 'validation.failed' })
        }
      }),
    )
  })
})

it('Rules of 500 tests are matched with a call of 10,000 arguments in bounded time.', () => {
  const all = Array.from({ length: 16 }, (_, i): TaintLabel => `untrusted:source${i}`)
  const listed = Array.from({ length: 10_000 }, (_, i) => ({ path: ['list', String(i), 'x'], labels: all }))
  const nested = Array.from({ length: 8_192 }, (_, i) => ({
    path: Array.from({ length: 13 }, (_, depth) => ((i >> depth) & 1 ? 'a' : 'b')),
    labels: all,
  }))
  const subjects = {
    any: () => 'any arg',
    named: (i: number) => `args.list.${i}.x`,
    listed: (i: number) => `args.*.*.x${i}`,
    nested: (i: number) => `args${Array.from({ length: 13 }, (_, depth) => ((i >> depth) & 1 ? '.*' : '.a')).join('')}`,
  }
  for (const [name, subject] of Object.entries(subjects)) {
    const rules = compileRules(
      Array.from({ length: 100 }, (_, rule) => ({
        tool: 'send',
        do: 'ask' as const,
        when: Array.from({ length: 5 }, (_, i) => `${subject(rule * 5 + i)} has 'web'`).join(' or '),
      })),
      'the caller',
    )
    const times = [listed, nested].map((args) => {
      const spent = Array.from({ length: 5 }, () => {
        const before = process.threadCpuUsage()
        expect(matchingRule(rules, 'send', { read: all, args })).toBeUndefined()
        const { user, system } = process.threadCpuUsage(before)
        return (user + system) / 1_000
      })
      return Math.min(...spent)
    })
    expect(Math.max(...times), name).toBeLessThan(250)
  }
})

describe('A list of rules', () => {
  const rules = compileRules(
    [
      { tool: 'send', when: 'args.to is trusted', do: 'allow' },
      { tool: 'send', do: 'ask', reason: 'the recipient was read somewhere' },
      { tool: 'file_*', do: 'block' },
    ],
    'the troupe',
  )
  it('A list of rules decides by the first rule that matches.', () => {
    const ruleFor = (tool: string, call: CallLabels) => matchingRule(rules, tool, call)?.name
    expect(ruleFor('send', mixed)).toBe('policy[0] of the troupe')
    expect(ruleFor('send', labels([], { to: ['untrusted:web'] }))).toBe('policy[1] of the troupe')
    expect(ruleFor('file_delete', mixed)).toBe('policy[2] of the troupe')
    expect(ruleFor('files', mixed)).toBeUndefined()
  })

  it.each([
    ['x', /policy of the troupe.*not a list of rules/],
    [[{ tool: 'a', do: 'alow' }], /policy\[0\]\.do of the troupe.*alow.*did you mean allow\?/],
    [
      Array.from({ length: 11 }, () => ({
        tool: 'a',
        do: 'ask',
        when: Array(46).fill('call is trusted').join(' or '),
      })),
      /506 tests/,
    ],
    [[{ do: 'ask' }], /policy\[0\]\.tool of the troupe/],
    [[{ tool: 'a*b', do: 'ask' }], /policy\[0\]\.tool/],
    [[{ tool: 'a', do: 'ask', wen: 'x' }], /wen.*did you mean when|wen/],
    [[{ tool: 'a', do: 'ask', when: 'args.to iz trusted' }], /policy\[0\]\.when of the troupe.*at character 9/],
    [[{ tool: 'a', do: 'ask', when: 7 }], /policy\[0\]\.when/],
    [[{ tool: 'a', do: 'ask', reason: '' }], /policy\[0\]\.reason/],
    [Array.from({ length: 201 }, () => ({ tool: 'a', do: 'ask' })), /more than 200 rules/],
  ])('A list of rules that is invalid is rejected with the place of the mistake.', (wrong, message) => {
    expect(() => compileRules(wrong, 'the troupe')).toThrow(message)
  })

  it('A list of rules of a tool names no other tool.', () => {
    expect(compileRules([{ when: 'args.to is untrusted', do: 'ask' }], 'the tool send', 'send')).toMatchObject([
      { tool: 'send', name: 'policy[0] of the tool send' },
    ])
    expect(() => compileRules([{ tool: 'x', do: 'ask' }], 'the tool send', 'send')).toThrow(/tool/)
  })
})

it('A policy prints a path in the form in which its conditions name the path.', () => {
  expect(pathText(['to'])).toBe('args.to')
  expect(pathText(['list', '0', 'a b'])).toBe('args.list.0["a b"]')
})
