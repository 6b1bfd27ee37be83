/**
 * The fixed expressions of the sources. A caller writes the texts that they read, so the time for a text must grow with
 * its length alone. The table names each expression that takes more, and why its texts are short or not of a caller. A
 * new one fails until it has a row or is mended.
 */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const callId =
  'The text is the id of a call: a run has at most 64 characters, and code of the application names the rest.'
const question = 'The text is at most 2,000 characters of a question.'
const constant = 'The text is a constant of the source.'

/** Why the texts of an expression that takes more than linear time are short, or not of a caller. */
const bounds: Readonly<Record<string, string>> = {
  'storage/migrations/migration.ts /\\s+without rowid/': constant,
  'runs/history/undo-run.ts /\\/run:(.+)#\\d+$/': callId,
  'runs/engine/children/child-run-id.ts /\\/run:(.+)#\\d+$/': callId,
  'runs/engine/forks/without-unused-approvals.ts /^(?<call>.*\\/effect:(?<name>.+) \\d+\\.\\d+)#\\d+$/': callId,
  'models/extractive/text/split-question.ts /\\s*,\\s*(?:(?:and|or)\\s+)?|\\s+(?:and|or)\\s+/': question,
  'models/extractive/text/split-question.ts /^(.+?)(\\s+(?:in|of|for|with|when|at|on|to|from|under|during|by|within|across|if|between)\\s.*)$/':
    question,
  'models/extractive/text/split-question.ts /[?？.!;]+$/': question,
  'models/extractive/schema/fill-arguments.ts /\\bhttps?:\\/\\/[^\\s"\'<>)]+|(?<![\\w/])(?:[\\w.-]+\\/)*[\\w-]+\\.[a-z]\\w{0,4}\\b/':
    question,
  'models/extractive/schema/fill-arguments.ts /[.-]+$/': question,
  'models/extractive/schema/fill-arguments.ts /[\\d(][\\d\\s()+\\-*/^.%]*[\\d)]/': question,
  'documents/ranking/question.ts /`([^`]+)`|[A-Za-z_$][\\w$]*(?:[.:/-][\\w$]+)+(?:\\(\\))?|[A-Za-z_$][\\w$]*[A-Z_][\\w$]*(?:\\(\\))?|--?[a-z][\\w-]+|\\.\\w+rc\\b/':
    question,
  "documents/ranking/terms/related-forms.ts /(?:\\p{L}[\\p{L}'-]*[ \\t]+){2,7}$/":
    'The text is at most 200 characters before a bracket.',
}

/** Their texts are files, settings and file names of the project, read for the person who wrote them. */
const ofOperator = [
  'operations/doctor/checks/project-checks.ts',
  'operations/doctor/checks/security-checks.ts',
  'configuration/secrets/reveal-config.ts',
  'configuration/load/code-problem.ts',
  'configuration/load/config-file.ts',
  'cli/teams/team-file.ts',
  'cli/output/without-secrets.ts',
]

interface Expression {
  readonly file: string
  readonly pattern: string
  readonly flags: string
}

function expressionsIn(file: string): readonly Expression[] {
  const found: Expression[] = []
  const visit = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return
    const { type, regex } = node as { type?: string; regex?: { pattern: string; flags: string } }
    if (type === 'Literal' && regex) found.push({ file, pattern: regex.pattern, flags: regex.flags })
    else for (const inner of Object.values(node)) visit(inner)
  }
  visit(parseSync(file, readFileSync(`${root}/${file}`, 'utf8')).program)
  return found
}

const token =
  /\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\u[\da-fA-F]{4}|\\x[\da-fA-F]{2}|\\k<\w+>|\\.|\[(?:\\.|[^\]\\])*\]|\(\?(?:<?[=!]|:|<\w+>)|\{\d+(?:,\d*)?\}|./gsu
const structure = /^(?:\(.*|[)|^$?*+]|\{\d.*|\\[bBk1-9].*)$/s
const samples = [...' \n\tabxA1.,-_/:;"\'`#@*|>[]{}()<=!?~+&$%\\é中']

interface Part {
  /** Texts that the part matches. */
  readonly texts: readonly string[]
  isRepeated: boolean
}

/** Returns the characters and classes of a pattern, without its groups. */
function partsOf({ pattern, flags }: Expression): readonly Part[] {
  const parts: Part[] = []
  for (const [text] of pattern.matchAll(token)) {
    const last = parts.at(-1)
    if (/^(?:[*+]|\{\d+,\})$/.test(text) && last) last.isRepeated = true
    if (structure.test(text)) continue
    const one = new RegExp(`^(?:${text})$`, flags.replaceAll(/[gy]/g, ''))
    const own = [text, text.slice(-1)].filter((sample) => sample.length === 1)
    const texts = [...new Set([...own, ...samples].filter((sample) => one.test(sample)))]
    if (texts.length > 0) parts.push({ texts: texts.slice(0, 8), isRepeated: false })
  }
  return parts
}

interface Attack {
  readonly before: string
  readonly unit: string
  readonly after: string
}

/** Returns texts that repeat what surrounds each repeated part of a pattern, and end with what it does not match. */
function attacksOn(parts: readonly Part[]): readonly Attack[] {
  const found = new Map<string, Attack>()
  const between = (from: number, to: number) =>
    parts
      .slice(Math.max(0, from), to)
      .map(({ texts }) => texts[0])
      .join('')
  for (const [i, { texts, isRepeated }] of parts.entries()) {
    if (!isRepeated) continue
    const near = [1, 2, 3, 4, 6].flatMap((n) => [between(i - n, i), between(i - n, i + 1), between(i, i + n + 1)])
    const units = [...texts, ...(parts[i - 1]?.texts ?? []), ...near, between(0, i)].filter((one) => one !== '')
    for (const attack of units.flatMap((one) =>
      ['', between(i - 12, i)].flatMap((before) => ['', '\u0001'].map((after) => ({ before, unit: one, after }))),
    ))
      found.set(JSON.stringify(attack), attack)
  }
  return [...found.values()]
}

const textOf = ({ before, unit: one, after }: Attack, length: number) =>
  before + one.repeat(Math.ceil(length / one.length)) + after

function read(expression: RegExp, text: string): void {
  if (expression.global) text.replaceAll(expression, '')
  else expression.exec(text)
}

/** Another process may interrupt a few of so many short times, and none of three that take so long, in ms. */
const maxTimes = 40
const measuredMs = 150

/**
 * Returns the processor time of reading a text, in ms: the least of many times. It measures at least three times, and
 * stops at a time that is short enough.
 */
function costOf(expression: RegExp, attack: Attack, length: number, enough = 0, times = maxTimes): number {
  const text = textOf(attack, length)
  let least = Number.POSITIVE_INFINITY
  for (let [i, spent] = [0, 0]; least > enough && i < times && (i < 3 || spent < measuredMs); i++) {
    const began = performance.now()
    const before = process.threadCpuUsage()
    read(expression, text)
    const wall = performance.now() - began
    const { user, system } = process.threadCpuUsage(before)
    // The clock of the processor is coarse, and never more than the time that has passed.
    const cost = wall < 20 ? wall : (user + system) / 1_000
    spent += cost
    least = Math.min(least, cost)
  }
  return least
}

/**
 * Lengths, and the processor time in ms below which the time grows with the length. 128 million steps, the least that a
 * square needs for 16,000 characters, take 30 to 300 ms; a linear expression takes 0.1 to 3 ms.
 */
const steps: readonly { readonly length: number; readonly limit: number; readonly times?: number }[] = [
  { length: 300, limit: 8 },
  { length: 1_200, limit: 8 },
  // Most texts stop here: one whose time was too long by chance only continues.
  { length: 4_000, limit: 0.5, times: 3 },
  { length: 16_000, limit: 8 },
]

/** Returns the text for which the time of an expression grows faster than its length, if one is found. */
function superlinearText(expression: Expression): Attack | undefined {
  const compiled = new RegExp(expression.pattern, expression.flags)
  return attacksOn(partsOf(expression)).find((attack) => {
    for (const { length, limit, times } of steps) {
      const cost = costOf(compiled, attack, length, limit, times)
      if (length < 4_000 && cost > limit) return true
      if (length >= 4_000 && cost <= limit) return false
    }
    const [short, long] = [4_000, 16_000].map((length) => costOf(compiled, attack, length))
    return (long ?? 0) > 8 && (long ?? 0) > 8 * (short ?? 0)
  })
}

const keyOf = ({ file, pattern }: Expression) => `${file} /${pattern}/`

it('Fixed expressions of the sources read repeated texts in linear time, or the table names their bound.', () => {
  const files = globSync('**/*.ts', { cwd: root }).filter((file) => !/\.test\.|\.d\.ts$/.test(file))
  const expressions = new Map(files.flatMap(expressionsIn).map((one) => [keyOf(one), one]))
  expect(expressions.size).toBeGreaterThan(400)
  const slow = [...expressions].flatMap(([key, expression]) => {
    if (bounds[key] !== undefined || ofOperator.includes(expression.file)) return []
    const attack = superlinearText(expression)
    return attack ? [`${key}: ${JSON.stringify(attack)}`] : []
  })
  expect(slow).toEqual([])
  expect(Object.keys(bounds).filter((key) => !expressions.has(key))).toEqual([])
  expect(ofOperator.filter((file) => !files.includes(file))).toEqual([])
})

it.each([
  ['a space after a run of spaces', /\s+$/],
  ['two runs of one class', /^a*a*b/],
  ['a run before a word', /(\w+)@/g],
  ['a mark before a run', /\/run:(.+)#\d+$/],
  ['three runs', /^#+[ \t]+(.+?)[ \t]*#*[ \t]*$/],
])('The search for slow expressions finds %s.', (_, { source, flags }) => {
  expect(superlinearText({ file: '', pattern: source, flags })).toBeDefined()
})
it.each([/^[a-z]+$/, /\bhttps?:\/\/\S+/g, /"[^"]*"/g, /(?<!\s)\s+$/, /[\p{L}\p{N}]+/gu])(
  'The search for slow expressions accepts %s.',
  ({ source, flags }) => expect(superlinearText({ file: '', pattern: source, flags })).toBeUndefined(),
)
