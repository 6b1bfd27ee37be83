/**
 * The rows of docs/promises.md and of the table of the guides, each with the tests that show it. As a program it reads a
 * report of a test run and prints which promises that run has shown:
 *
 *     npx vitest run --reporter=json --outputFile=/tmp/tests.json
 *     node scripts/promises.ts /tmp/tests.json
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { namedBy, patternOf, type TestTitles, titlesOf } from './test-titles.ts'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const promisesPage = 'docs/promises.md'
export const guidesPage = 'packages/troupe/test/guides/README.md'

export interface Row {
  readonly promise: string
  /** The tests and pages of its last cell. */
  readonly shownBy: readonly string[]
}

/** The rows of the tables whose last column is called `held by` or `shown by`. */
export function rowsOf(page: string): readonly Row[] {
  const tables = page.split(/\n(?!\|)/).map((table) => table.trim().split('\n'))
  const rows = tables.flatMap(([head = '', , ...others]) => (/\| (held|shown) by \|$/.test(head) ? others : []))
  return rows.map((row) => {
    const cells = row.slice(1, -1).split(' | ')
    const shown = cells.pop()?.trim() ?? ''
    return { promise: cells.at(-1)?.trim() ?? '', shownBy: shown.split('<br>') }
  })
}

/** A reference to a test, as a page spells it: `file` › title. */
export function testOf(shown: string): { readonly path: string; readonly title: string } | undefined {
  const [, file, title = ''] = /^`([^`]+\.test\.tsx?)` › (\S.*)$/.exec(shown) ?? []
  return file === undefined ? undefined : { path: pathOf(file), title: title.replaceAll('\\|', '|') }
}

/** A file as the pages name it: below the sources or the package, or from the root. */
const pathOf = (file: string) =>
  /^(examples|scripts|peers)\//.test(file) ? file : join('packages/troupe', file.startsWith('test/') ? '' : 'src', file)

/** What a link may name of a page: its headings, as GitHub spells them. */
const anchorsOf = (page: string) =>
  [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )

/** Finds references of a page that name no test and no page. */
export class References {
  readonly #titles = new Map<string, TestTitles>()

  titles(path: string): TestTitles {
    const titles = this.#titles.get(path) ?? titlesOf(path, readFileSync(join(root, path), 'utf8'))
    this.#titles.set(path, titles)
    return titles
  }

  /** Returns the reference if it names no test, more than one test, or no heading of a page; otherwise undefined. */
  problemOf(page: string, shown: string): string | undefined {
    const test = testOf(shown)
    if (test) {
      const isThere = existsSync(join(root, test.path)) && namedBy(test.title, this.titles(test.path)).length === 1
      return isThere ? undefined : shown
    }
    const [, target, anchor] = /^\[[^\]]+\]\(([^)#]+)(?:#([\w-]+))?\)$/.exec(shown) ?? []
    const linked = target === undefined ? undefined : join(root, dirname(page), target)
    if (linked === undefined || !existsSync(linked)) return shown
    return anchor === undefined || anchorsOf(readFileSync(linked, 'utf8')).includes(anchor) ? undefined : shown
  }
}

/** The fields of Vitest's JSON report that are read. */
export interface TestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[]
  }[]
}

export type Outcome = 'passed' | 'failed' | 'skipped' | 'not run'

/** Returns the outcome of a reference in a report; of a table of tests the worst. A link to a page has none. */
export function outcomeOf(shown: string, report: TestReport, references: References): Outcome | undefined {
  const test = testOf(shown)
  if (!test) return undefined
  const patterns = namedBy(test.title, references.titles(test.path))
  // A reference that spells the values of a table names one test of that table.
  const isNamed = patterns.includes(test.title)
    ? (title: string) => patternOf(test.title).test(title)
    : (title: string) => title === test.title
  const statuses = report.testResults
    .filter(({ name }) => relative(root, name) === test.path)
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ title }) => isNamed(title))
    .map(({ status }) => status)
  if (statuses.length === 0) return 'not run'
  if (statuses.includes('failed')) return 'failed'
  return statuses.every((status) => status === 'passed') ? 'passed' : 'skipped'
}

if (import.meta.main) {
  const [file] = process.argv.slice(2)
  if (file === undefined) throw new Error('Name the JSON report of a test run: node scripts/promises.ts REPORT')
  const report = JSON.parse(readFileSync(resolve(file), 'utf8')) as TestReport
  const references = new References()
  const counts: Record<Outcome, number> = { passed: 0, failed: 0, skipped: 0, 'not run': 0 }
  for (const { promise, shownBy } of rowsOf(readFileSync(join(root, promisesPage), 'utf8')))
    for (const shown of shownBy) {
      const outcome = outcomeOf(shown, report, references)
      if (outcome === undefined) continue
      counts[outcome] += 1
      if (outcome !== 'passed') console.log(`${outcome}: ${promise}\n    ${shown}`)
    }
  console.log(
    Object.entries(counts)
      .flatMap(([outcome, count]) => (count > 0 ? `${count} ${outcome}` : []))
      .join(', '),
  )
  process.exitCode = counts.failed + counts['not run'] === 0 ? 0 : 1
}
