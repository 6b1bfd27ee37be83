/** The titles of the tests of a file, read from its source: a reference to a test names one of them completely. */
import { type Node, parseSource, visit } from './tidy/source-file.ts'

/** A title as the source has it: `%s`, `$name` and `${expression}` stand for values of a table or a variable. */
export interface Title {
  readonly of: 'test' | 'suite'
  readonly title: string
  readonly node: Node
}

export interface TestTitles {
  /** The titles of the tests. */
  readonly patterns: readonly string[]
  /** Every text and number of the file but titles of suites; each value in a title must be one of them. */
  readonly literals: ReadonlySet<string>
}

const variable = /\$\{[^}]*\}|\$\w+(?:\.\w+)*|%[sdifjoOc#$]/g

/** Tests that never run (`skip`, `todo`) have no title. */
export function titlesOf(path: string, text: string): TestTitles {
  const { program } = parseSource(path, text)
  const titles = titlesIn(program, text)
  const suites = new Set(titles.filter((title) => title.of === 'suite').map(({ node }) => node))
  const literals = new Set<string>()
  visit(program, (node) => {
    if (node.type === 'Literal' && !suites.has(node)) literals.add(String(node.value))
  })
  return { patterns: titles.filter((title) => title.of === 'test').map(({ title }) => title), literals }
}

/** Returns the titles of tests and suites of a program, in the order of the source. */
export function titlesIn(program: Node, text: string): readonly Title[] {
  const titles: Title[] = []
  visit(program, (call) => {
    if (call.type !== 'CallExpression' || call.arguments.length < 2) return
    const isSuite = /^describe\b/.test(text.slice(call.start, call.end))
    if (!isSuite && !isTest(call.callee)) return
    const node: Node = call.arguments[0]
    const title = titleOf(node, text)
    if (title !== undefined) titles.push({ of: isSuite ? 'suite' : 'test', title, node })
  })
  return titles
}

/** The pattern as a regular expression, with a group for each value. */
export const patternOf = (title: string): RegExp =>
  new RegExp(`^${title.split(variable).map(literally).join('([\\s\\S]*)')}$`)

const literally = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')

/**
 * Returns the patterns that a reference names: the pattern itself, or a title that the pattern gives with texts and
 * numbers of the same file. A reference to exactly one test has one.
 */
export function namedBy(reference: string, { patterns, literals }: TestTitles): readonly string[] {
  const same = patterns.filter((pattern) => pattern === reference)
  if (same.length > 0) return same
  return patterns.filter((pattern) => {
    const values = patternOf(pattern).exec(reference)?.slice(1)
    return values !== undefined && values.length > 0 && values.every((value) => literals.has(value))
  })
}

/** `it(…)`, `test(…)`, `it.each(…)(…)`, `test.skipIf(…)(…)`, and functions named `testX` or `itX` that declare one. */
function isTest(callee: Node): boolean {
  if (callee.type === 'Identifier') return /^(it|test)([A-Z]|$)/.test(callee.name)
  if (callee.type === 'MemberExpression')
    return !/^(skip|todo|extend)$/.test(callee.property.name) && isTest(callee.object)
  if (callee.type === 'TaggedTemplateExpression') return isTest(callee.tag)
  return callee.type === 'CallExpression' && callee.callee.type !== 'Identifier' && isTest(callee.callee)
}

function titleOf(node: Node, text: string): string | undefined {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined
  if (node.type === 'TemplateLiteral') return text.slice(node.start + 1, node.end - 1)
  // A title from a variable is any text of the file.
  return node.type === 'Identifier' || node.type === 'MemberExpression' ? '%s' : undefined
}
