/** Pages that name the test, or the page, that shows each of their rows. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const linesOf = (page: string) => [...page.matchAll(/^\| (S\d:\d+) \|/gm)].map(([, line = '']) => line)

/** Of tables whose first row has this heading: the last cell of every other row. */
function lastCells(page: string, heading: RegExp): readonly string[] {
  const tables = page.split(/\n(?!\|)/).map((table) => table.trim().split('\n'))
  const rows = tables.flatMap(([head = '', , ...others]) => (heading.test(head) ? others : []))
  return rows.map((row) => row.slice(0, -1).split(' | ').at(-1)?.trim() ?? '')
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

/** @returns what is wrong with one thing that shows a row */
function problemOf(shown: string): string | undefined {
  const [, file, title = ''] = /^`([^`]+\.test\.ts)` › (\S.*)$/.exec(shown) ?? []
  if (file !== undefined) {
    const path = join(root, pathOf(file))
    return existsSync(path) && readFileSync(path, 'utf8').includes(title) ? undefined : shown
  }
  const [, target, anchor] = /^\[[^\]]+\]\(([^)#]+)(?:#([\w-]+))?\)$/.exec(shown) ?? []
  if (target === undefined || !existsSync(join(root, 'docs', target))) return shown
  return anchor === undefined || anchorsOf(read(join('docs', target))).includes(anchor) ? undefined : shown
}

it.each([
  ['docs/promises.md', /\| held by \|$/, 200],
  ['docs/guides.md', /\| shown by \|$/, 249],
] as const)(
  'every row of %s names a test that exists under that title, or a page that is there',
  (page, heading, least) => {
    const cells = lastCells(read(page), heading)
    expect(cells.length).toBeGreaterThanOrEqual(least)
    expect(cells.flatMap((cell) => cell.split('<br>').flatMap((shown) => problemOf(shown) ?? []))).toEqual([])
  },
)

it('what is not there is found', () => {
  const here = '`scripts/promises-doc.test.ts` › '
  expect(problemOf(`${here}what is not there is found`)).toBeUndefined()
  expect(problemOf('[the page](doctor.md#checks)')).toBeUndefined()
  for (const wrong of [
    `${here}no ${'such'} title`,
    '`core/none.test.ts` › a title',
    '[a page](none.md)',
    '[a place](doctor.md#none)',
    'in words',
    '',
  ])
    expect(problemOf(wrong)).toBe(wrong)
})

it('every line of the guides that has a program has its row, once', () => {
  const rows = linesOf(read('docs/guides.md'))
  const programs = globSync('examples/guides/*/README.md', { cwd: root }).flatMap((page) => linesOf(read(page)))
  expect(rows.toSorted()).toEqual(programs.toSorted())
})

it('every deviation from a guide is about rows of the page, and has its reason', () => {
  const page = read('docs/guides.md')
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
