/** The titles of tests: sentences that stand alone in a log; the titles of suites name a component. */
import { titlesIn } from '../test-titles.ts'
import type { Finding } from './finding.ts'
import { lineOf, type SourceFile } from './source-file.ts'
import { type Workspace, within } from './workspace.ts'

const hasTests = (path: string) =>
  /\.test(\.fixture)?\.tsx?$/.test(path) || within(path, 'packages/troupe/test') || within(path, 'peers')

export const checkTitles = (workspace: Workspace): Finding[] =>
  [...workspace.sources.values(), ...workspace.programs.values()]
    .filter(({ path }) => hasTests(path))
    .flatMap(checkFile)

const checkFile = ({ path, text, program }: SourceFile): Finding[] =>
  titlesIn(program, text).flatMap(({ of, title, node }) => {
    const problem = of === 'test' ? problemOfTest(title) : problemOfSuite(title)
    const finding = { path, line: lineOf(text, node.start), rule: 'title', message: `'${title}' ${problem}` }
    return problem === undefined ? [] : [finding]
  })

const minWords = 4
const maxWords = 40
/** A title of nothing but one value: its text is in the table or the variable. */
const onlyValue = /^(\$\{[^}]*\}|\$[\w.]+|%\w)$/
/** A capital letter, a figure, a value, code in backticks, or an identifier such as `createTroupe` or `ctx.commit`. */
const beginning = /^([A-Z\d$%`'"]|[a-z]+(?=[A-Z.(]))/
const fragment = /^(is|are|was|were|that|of|and|but|or|with|when|where|what|who|whoever|it|does|has|cannot)\b/i
const auxiliary = /\b(is|are|was|were|do|does|did|has|have|had|can|cannot|may|must|will)\b/
/** A suite is named for a thing, not for a place or a time. */
const preposition = /^(on|in|at|behind|beside|under|over|from|by|through|without|beyond|after|before|while)\b/i
/** The third person singular, or a plural subject, ends in s. */
const verb = new RegExp(`${auxiliary.source}|\\b(?!(?:its|this|as)\\b)[\\w-]+s\\b`, 'i')

/** Returns what is wrong with the title of a test, or undefined. */
export function problemOfTest(title: string): string | undefined {
  if (onlyValue.test(title)) return undefined
  const words = title.split(/\s+/).length
  if (fragment.test(title)) return 'begins as a fragment: begin with the component'
  if (!beginning.test(title)) return 'begins in lower case: write a sentence, or put code in backticks'
  if (!title.endsWith('.')) return 'is not a sentence: end it with a full stop'
  if (words < minWords) return `has ${words} words: name the component, what it does and the condition`
  if (words > maxWords) return `has ${words} words, at most ${maxWords}: shorten it, or split the test`
  return verb.test(title) ? undefined : 'has no verb: say what the component does'
}

/** Returns what is wrong with the title of a suite, or undefined. */
export function problemOfSuite(title: string): string | undefined {
  if (fragment.test(title) || preposition.test(title)) return 'begins as a fragment: name the component'
  if (/[.,:;]$/.test(title)) return 'ends as a sentence: name the component without a stop'
  return auxiliary.test(title) ? 'has a verb: name the component, the tests say what it does' : undefined
}
