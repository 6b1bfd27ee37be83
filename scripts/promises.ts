/**
 * The promises of scripts/promises.yaml and the rows of the table of the guides, each with the tests that show it. As a
 * program it prints each promise with its result in the last run of the tests, or in the report whose path it gets:
 *
 *     npm run test:all
 *     npm run promises
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { namedBy, patternOf, type TestTitles, titlesOf } from './test-titles.ts'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const promisesPage = 'docs/promises.md'
/** Where `vitest.config.ts` writes the report of each run. */
const lastReport = 'node_modules/.cache/tests.json'
export const guidesPage = 'packages/troupe/test/guides/README.md'

export interface Row {
  readonly promise: string
  /** The tests and pages of its last cell. */
  readonly shownBy: readonly string[]
}

export interface Section {
  readonly title: string
  readonly promises: readonly {
    readonly promise: string
    /** File and title of each test: `context/context-model.test.ts › A title.` */
    readonly tests: readonly string[]
  }[]
}

export const readSections = (): readonly Section[] =>
  parse(readFileSync(join(root, 'scripts/promises.yaml'), 'utf8')) as readonly Section[]

/** Returns the reference to a test as pages spell it. */
export const referenceTo = (test: string): string => `\`${test.replace(' › ', '` › ').replaceAll('|', '\\|')}`

/** The rows of the tables whose last column is called `tests` or `shown by`. */
export function rowsOf(page: string): readonly Row[] {
  const tables = page.split(/\n(?!\|)/).map((table) => table.trim().split('\n'))
  const rows = tables.flatMap(([head = '', , ...others]) => (/\| (tests|shown by) \|$/.test(head) ? others : []))
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
    readonly assertionResults: readonly {
      readonly title: string
      readonly fullName: string
      readonly status: string
    }[]
  }[]
}

export type Outcome = 'passed' | 'failed' | 'skipped' | 'not run'

/** From best to worst. */
const outcomes: readonly Outcome[] = ['passed', 'skipped', 'not run', 'failed']

/** Returns the outcome of a reference in a report; of a table of tests the worst. A link to a page has none. */
export function outcomeOf(shown: string, report: TestReport, references: References): Outcome | undefined {
  const test = testOf(shown)
  if (!test) return undefined
  const patterns = namedBy(test.title, references.titles(test.path))
  // A reference that spells the values of a table names one test of that table.
  const isNamed = patterns.includes(test.title)
    ? (title: string) => patternOf(test.title).test(title)
    : (title: string) => title === test.title
  const results = report.testResults
    .filter(({ name }) => relative(root, name) === test.path)
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ title }) => isNamed(title))
  // A test may have run twice, on two servers of PostgreSQL: skipped on one, it counts as on the other.
  const statuses = [...Map.groupBy(results, ({ fullName }) => fullName).values()].map((runs) => {
    if (runs.some(({ status }) => status === 'failed')) return 'failed'
    return runs.some(({ status }) => status === 'passed') ? 'passed' : 'skipped'
  })
  return statuses.length === 0 ? 'not run' : worst(statuses)
}

const worst = (each: readonly Outcome[]): Outcome =>
  each.toSorted((a, b) => outcomes.indexOf(b) - outcomes.indexOf(a))[0] ?? 'not run'

/** Returns a line for each promise with the worst outcome of its tests, and below it the tests that did not pass. */
export function resultsOf(sections: readonly Section[], report: TestReport) {
  const references = new References()
  const counts: Record<Outcome, number> = { passed: 0, skipped: 0, 'not run': 0, failed: 0 }
  const lines = sections.flatMap(({ title, promises }) => [
    '',
    title,
    ...promises.flatMap(({ promise, tests }) => {
      const shown = tests.map((test) => ({
        test,
        outcome: outcomeOf(referenceTo(test), report, references) ?? 'not run',
      }))
      const outcome = worst(shown.map((each) => each.outcome))
      counts[outcome] += 1
      return [
        `  ${outcome.padEnd(7)}  ${promise}`,
        ...shown.flatMap((each) => (each.outcome === 'passed' ? [] : [`           ${each.outcome}: ${each.test}`])),
      ]
    }),
  ])
  return { lines, counts }
}

if (import.meta.main) {
  const report = resolve(process.argv[2] ?? join(root, lastReport))
  if (!existsSync(report)) throw new Error(`There is no report of a test run at ${report}: run npm run test:all.`)
  const { lines, counts } = resultsOf(readSections(), JSON.parse(readFileSync(report, 'utf8')) as TestReport)
  console.log([...lines, ''].join('\n'))
  const counted = outcomes.flatMap((outcome) => (counts[outcome] > 0 ? `${counts[outcome]} ${outcome}` : []))
  console.log(`Promises: ${counted.join(', ')}`)
  process.exitCode = counts.failed + counts['not run'] === 0 ? 0 : 1
}
