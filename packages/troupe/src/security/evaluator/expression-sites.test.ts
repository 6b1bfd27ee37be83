/**
 * Expressions of callers and of servers of tools: their author decides how long they take. The table names each place of
 * the sources that could evaluate one, and its bound. A new place fails until it has a row.
 */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { KeyMatcher } from './key-matcher.ts'
import { type Misfire, scheduleTimes, type Timing } from './schedule-times.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const constant = 'The expression is a constant of the source.'
const wordSearch = 'An index of words is searched, which compiles nothing.'
const inThread = 'matchKeys sends the pattern of a caller to the thread.'
const addressRange = 'An address is compared with a range of addresses.'

/** Why the expressions that a file evaluates cannot hold the main thread. */
const bounds: Readonly<Record<string, string>> = {
  'security/evaluator/evaluator-thread.ts':
    'A thread of its own evaluates it, with a deadline, a budget and a memory limit.',
  'security/evaluator/schedule-times.ts':
    'The thread searches for the times of a cron text of a caller, in at most 42 of its years.',
  'security/evaluator/key-matcher.ts': 'A key is gone through once.',
  'context/entries/pattern.ts': 'Each file that compiles a pattern has a row.',
  'context/entries/lifecycle.ts': 'The pattern is of the configuration.',
  'context/reads/listing.ts': inThread,
  'context/reads/watch/watch-context.ts': inThread,
  'context/mesh.ts': inThread,
  'security/policy/condition.ts':
    'It compares labels. A list of rules has 500 tests, which search a tree of the arguments of a call.',
  'operations/doctor/checks/project-checks.ts': 'A line of the .gitignore of the project, read by the command line.',
  'models/extractive/coordinate.ts': 'The name of a tool has letters, digits, _ and - only.',
  'documents/reading/formats/read-epub.ts': constant,
  'documents/reading/split-passages.ts': constant,
  'models/extractive/text/split-question.ts': constant,
  'runs/engine/store/run-words.ts': constant,
  'security/validation/escapes.ts': constant,
  'core/reviewable-text.ts': constant,
  'core/values/schema.ts': 'An error names a function of zod, which the application calls.',
  'agents/memory/similarity.ts': wordSearch,
  'documents/document-index.ts': wordSearch,
  'documents/passage-index.ts': wordSearch,
  'models/extractive/text/rank-sentences.ts': wordSearch,
  'security/egress/address.ts': addressRange,
  'server/server-options.ts': addressRange,
}

/** Constructs that compile a text: regular expressions, JSON Schemas, code, cron texts, globs and conditions. */
const compiles = [
  /\bRegExp\(/,
  /\b(?:Ajv\w*|fromJSONSchema|compileFunction)\b/,
  /\bnew (?:Function|Script|Cron)\(/,
  /\beval\(/,
  /\bfunction (?:globToRegExp|parseCondition)\b/,
  /\bclass KeyMatcher\b/,
  /\b(?:new KeyMatcher|compilePattern)\(/,
  /\b(?:picomatch|minimatch|micromatch|jsonpath)\b/,
]
/** `match`, `matchAll` and `search` compile an argument that is a text. */
const compilingCall = /\.(?:match|matchAll|search)\(\s*(?:(\w+)\s*[,)]|(?![/\s)]))/g
/** A regular expression of the source itself, or one that its type says is compiled already. */
const isCompiled = (source: string, name: string) =>
  new RegExp(String.raw`\bconst ${name} =\s+/|\b${name}: RegExp\b`).test(source)
const compilesText = (source: string) =>
  compiles.some((construct) => construct.test(source)) ||
  [...source.matchAll(compilingCall)].some(([, name]) => name === undefined || !isCompiled(source, name))
const withoutComments = (source: string) => source.replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '')

it('Each place that could evaluate an expression of a caller has a bound in the table.', () => {
  const files = globSync('**/*.ts', { cwd: root }).filter((file) => !/\.test\.|\.d\.ts$/.test(file))
  const found = files.filter((file) => {
    const source = withoutComments(readFileSync(`${root}/${file}`, 'utf8'))
    return compilesText(source)
  })
  expect(files.length).toBeGreaterThan(1_000)
  expect(found.toSorted()).toEqual(Object.keys(bounds).toSorted())
})

it('A call that compiles a text as a regular expression is seen, and one with a compiled expression is not.', () => {
  for (const call of ['text.match(given)', 'text.search(given)', 'text.matchAll(given)', 'text.match(of(a))'])
    expect([call, compilesText(call), compilesText(`const given = 'a+'\n${call}`)]).toEqual([call, true, true])
  for (const call of ['text.match("(a+)+")', 'text.search(`a`)', 'text.match(a.b)', 'text.match(\n  given,\n)'])
    expect([call, compilesText(call)]).toEqual([call, true])
  for (const call of ['text.match(/a+/)', 'text.search(\n  /a+/,\n)', 'const word = /a/\ntext.match(word)'])
    expect([call, compilesText(call)]).toEqual([call, false])
})

const dueTimes = (timing: Timing, first: number, now: number, misfire: Misfire) =>
  scheduleTimes({ timing, first, now, misfire })
const day = 86_400_000
const start = Date.parse('2026-01-01T00:00:00Z')
const key = 'a'.repeat(1_024)
const hours = Array.from({ length: 23 }, (_, hour) => hour).join(',')
const distinct = Array.from({ length: 1_000 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('')
const everyField = `${'1,'.repeat(120)}1 * * * *`
/** The expressions that take longest where the main thread evaluates them, within the length that is accepted. */
const worst: Readonly<Record<string, () => unknown>> = {
  ...Object.fromEntries(
    [
      '*a'.repeat(512),
      '*?'.repeat(512),
      `*${'a?'.repeat(500)}b*`,
      `${'?'.repeat(1_000)}*b`,
      `*${'a'.repeat(1_021)}b*`,
      `*${distinct}*`,
    ].map((pattern) => [`the pattern ${pattern.slice(0, 8)}`, () => new KeyMatcher(pattern).matches(key)]),
  ),
  ...Object.fromEntries(
    [
      '0 0 31 2 *',
      `0 ${hours} 31 2 *`,
      `0 ${hours} 29 2 1#5`,
      '0 0 29 2 1',
      everyField,
      '59 59 23 31 12 * 2099',
      '0 0 31 2,4,6,9,11 *',
      '0 0 31W 2,4,6,9,11 *',
      `0 0 ${hours} 29 2 1 ${'1970-2199,'.repeat(12)}2199`,
    ].flatMap((cron) => {
      const timing = { cron, timeZone: 'America/New_York' }
      const name = cron.slice(0, 20)
      return [
        [`the coming times of ${name}`, () => scheduleTimes({ timing, now: start })],
        [`the missed times of ${name}`, () => dueTimes(timing, start - 1_000 * day, start, 'once')],
      ]
    }),
  ),
}

/** Returns the least processor time of several evaluations, in ms. */
function leastMs(evaluate: () => unknown, count: number): number {
  const times = Array.from({ length: count }, () => {
    const before = process.threadCpuUsage()
    evaluate()
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1_000
  })
  return Math.min(...times)
}

it.each(Object.entries(worst))(
  'The main thread is held for less than 5 ms by the costliest texts: %s.',
  (_, evaluate) => expect(leastMs(evaluate, 30)).toBeLessThan(5),
)

it.each(['* * * * * *', `0 ${hours} 29 2 1#5`, '0 0 15W 2 1#5'])(
  'The main thread is held for less than 50 ms by the hundred missed times of a cron text: %s.',
  (cron) => {
    const timing = { cron, timeZone: 'America/New_York' }
    expect(leastMs(() => dueTimes(timing, start - 20_000 * day, start, 'all'), 5)).toBeLessThan(50)
  },
)

it.each([
  `0 0 0 1 1 * ${'*/1,'.repeat(60)}*/1`,
  '0 0 0 29 2 * 1-9999',
  '0 0 1W,2W,3W * +0',
  '0 0 LW * +0',
  '0 0 1-7 * +1#5',
  '0 0 1 * +1L',
  '0 0 31 2,4,6,9,11 +MON-FRI',
])('A cron text that would be searched for through thousands of days is rejected: %s.', (cron) => {
  expect(() => scheduleTimes({ timing: { cron, timeZone: 'UTC' }, now: start })).toThrow(/a year must be|excludes/)
})
