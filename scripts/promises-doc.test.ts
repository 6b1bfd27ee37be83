/** The pages that name a test, or a page, for each of their rows. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { guidesPage, outcomeOf, promisesPage, References, resultsOf, root, rowsOf } from './promises.ts'
import { renderPromises } from './promises-doc.ts'
import { namedBy, titlesOf } from './test-titles.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const linesOf = (page: string) => [...page.matchAll(/^\| (S\d:\d+) \|/gm)].map(([, line = '']) => line)
const references = new References()

it('The page of promises is what its script renders from the list of promises.', () => {
  expect(read(promisesPage)).toBe(renderPromises())
})

it.each([
  [promisesPage, 200],
  [guidesPage, 249],
] as const)(
  'Every row of %s names exactly one test by its complete title, or a page, %i rows at least.',
  (page, least) => {
    const rows = rowsOf(read(page))
    expect(rows.length).toBeGreaterThanOrEqual(least)
    expect(rows.flatMap(({ shownBy }) => shownBy.flatMap((shown) => references.problemOf(page, shown) ?? []))).toEqual(
      [],
    )
  },
)

it('A reference that names no test and no page is found.', () => {
  const here = '`scripts/promises-doc.test.ts` › '
  const title = 'A reference that names no test and no page is found.'
  const problem = (shown: string) => references.problemOf(promisesPage, shown)
  expect(problem(`${here}${title}`)).toBeUndefined()
  expect(problem('[the page](doctor.md#checks)')).toBeUndefined()
  for (const wrong of [
    `${here}${title.slice(0, -1)}`,
    `${here}no ${'such'} title`,
    `${here}a suite is no test`,
    '`core/none.test.ts` › a title',
    '[a page](none.md)',
    '[a heading](doctor.md#none)',
    'in words',
    '',
  ])
    expect(problem(wrong)).toBe(wrong)
})

it('The security policy links to pages and headings that exist.', () => {
  const policy = 'SECURITY.md'
  const links = read(policy).match(/\[[^\]]+\]\(docs\/[^)]+\)/g) ?? []
  expect(links).toContain('[docs/security.md](docs/security.md#limits)')
  expect(links.flatMap((link) => references.problemOf(policy, link) ?? [])).toEqual([])
})

const sample = `
describe('a suite is no test', () => {
  it('A test has this title.', () => {})
  it.skip('A skipped test has no title.', () => {})
  it.each([['one', 1], ['two', 2]])('A table has %s in row %i.', () => {})
  for (const path of ['a', 'b']) test(\`A file is called \${path}.\`, () => {})
  testOn('A wrapper declares this test.', () => {})
  it('The same title is used.', () => {})
  it('The same title is used.', () => {})
  compare('No test has this title.', () => {})
})`

it.each([
  ['A test has this title.', 1],
  ['A test has this', 0],
  ['a suite is no test', 0],
  ['A skipped test has no title.', 0],
  ['A table has %s in row %i.', 1],
  ['A table has one in row 1.', 1],
  ['A table has three in row 1.', 0],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the title as the source has it
  ['A file is called ${path}.', 1],
  ['A file is called b.', 1],
  ['A file is called c.', 0],
  ['A wrapper declares this test.', 1],
  ['The same title is used.', 2],
  ['No test has this title.', 0],
])('The reference "%s" names %i of the tests of a file.', (reference, count) => {
  expect(namedBy(reference, titlesOf('sample.test.ts', sample))).toHaveLength(count)
})

it('The outcome of a reference is that of its tests in the report of a test run.', () => {
  const file = 'scripts/promises-doc.test.ts'
  const table = 'The reference "%s" names %i of the tests of a file.'
  const single = 'A reference that names no test and no page is found.'
  const outcome = (title: string, ...results: readonly (readonly [title: string, status: string])[]) => {
    const assertionResults = results.map(([each, status]) => ({ title: each, fullName: `suite ${each}`, status }))
    return outcomeOf(
      `\`${file}\` › ${title}`,
      { testResults: [{ name: join(root, file), assertionResults }] },
      references,
    )
  }
  const row = (reference: string) => `The reference "${reference}" names 1 of the tests of a file.`
  expect(outcome(single, [single, 'passed'])).toBe('passed')
  expect(outcome(single, [single, 'failed'])).toBe('failed')
  expect(outcome(single, [single, 'skipped'])).toBe('skipped')
  expect(outcome(single, ['Another test passes.', 'passed'])).toBe('not run')
  expect(outcome(table, [row('a'), 'passed'], [row('b'), 'passed'])).toBe('passed')
  expect(outcome(table, [row('a'), 'passed'], [row('b'), 'failed'])).toBe('failed')
  expect(outcome(table, [row('a'), 'passed'], [row('b'), 'skipped'])).toBe('skipped')
  // On two servers.
  expect(outcome(single, [single, 'skipped'], [single, 'passed'])).toBe('passed')
  expect(outcome(single, [single, 'failed'], [single, 'passed'])).toBe('failed')
  expect(outcomeOf('[a page](doctor.md)', { testResults: [] }, references)).toBeUndefined()
})

it('The results of the promises have the worst outcome of their tests, and name the tests that did not pass.', () => {
  const file = 'scripts/promises-doc.test.ts'
  const found = 'A reference that names no test and no page is found.'
  const equal = 'The page of promises is what its script renders from the list of promises.'
  const assertionResults = [{ title: found, fullName: found, status: 'passed' }]
  const { lines, counts } = resultsOf(
    [
      {
        title: 'Pages',
        promises: [
          { promise: 'One.', tests: [`${file} › ${found}`] },
          { promise: 'Two.', tests: [`${file} › ${found}`, `${file} › ${equal}`] },
        ],
      },
    ],
    { testResults: [{ name: join(root, file), assertionResults }] },
  )
  expect(lines).toEqual(['', 'Pages', '  passed   One.', '  not run  Two.', `           not run: ${file} › ${equal}`])
  expect(counts).toEqual({ passed: 1, skipped: 0, 'not run': 1, failed: 0 })
})

it('Every line of the guides that has a program has one row in the table of the guides.', () => {
  const rows = linesOf(read(guidesPage))
  const programs = globSync('examples/guides/*/README.md', { cwd: root }).flatMap((page) => linesOf(read(page)))
  expect(rows.toSorted()).toEqual(programs.toSorted())
})

it('Every deviation from a guide names rows of the table and its reason.', () => {
  const page = read(guidesPage)
  const rows = new Set(linesOf(page))
  const [, deviations = ''] = /\n## Deviations\n([\s\S]*?)\n## /.exec(page) ?? []
  const items = [...deviations.matchAll(/^- (.+)$/gm)].map(([, item = '']) => item)
  expect(items.length).toBeGreaterThan(25)
  const lines = items.flatMap((item) =>
    [...(/^[^a-z]*?: /.exec(item)?.[0] ?? '').matchAll(/S\d:\d+/g)].map(([line]) => line),
  )
  expect(lines.filter((line) => !rows.has(line))).toEqual([])
  expect(new Set(lines).size).toBe(lines.length)
  expect(items.filter((item) => !/^S\d:\d+(, S\d:\d+)*: .+\. Reason: .+\.$/.test(item))).toEqual([])
})
