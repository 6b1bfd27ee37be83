/** What every guide's page of programs is held to: each line has its row, each row its place, each program its test. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

/**
 * @param folder with `README.md`, and the programs with their tests
 * @param asked the lines of each guide that ask for something
 */
export function checkGuideTable(folder: string, asked: Readonly<Record<string, readonly number[]>>): void {
  const page = readFileSync(join(folder, 'README.md'), 'utf8')
  const targetsOf = (text: string) => [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target as string)

  it('Each line of the guide that needs a sample has its place on the page.', () => {
    const rows = [...page.matchAll(/^\| (S\d):(\d+) \| [^|]+ \| ([^|]+) \|$/gm)]
    for (const [guide, lines] of Object.entries(asked)) {
      const found = rows.filter(([, of]) => of === guide).map(([, , line]) => Number(line))
      expect(found.sort((a, b) => a - b)).toEqual(lines)
    }
    for (const [, , line, location = ''] of rows) expect(targetsOf(location), line).not.toEqual([])
  })

  it('Every link of the page has an existing target.', () => {
    for (const target of targetsOf(page)) expect(existsSync(join(folder, target)), target).toBe(true)
  })

  it('Every program of the folder is executed by a test and linked on the page.', () => {
    const here = readdirSync(folder).filter((name) => name.endsWith('.ts'))
    const tests = here.filter((name) => name.endsWith('.test.ts'))
    const tested = tests.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')
    const programs = here.filter((name) => !tests.includes(name))
    expect(programs.filter((name) => !tested.includes(`'./${name}'`))).toEqual([])
    expect(programs.filter((name) => !page.includes(`](${name})`))).toEqual([])
  })
}
