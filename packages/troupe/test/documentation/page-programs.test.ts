/** Executes the programs of the documentation whose output a page shows, and compares what they print. */
import { spawn } from 'node:child_process'
import { globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ended, environment, Folder } from '../cli/cli-process.ts'
import { edgesOf, type PageProgram, programsOf, repository } from './page-programs.ts'

const pages = globSync(
  ['README.md', 'packages/troupe/README.md', 'packages/troupe/templates/**/*.md', 'docs/**/*.md'],
  {
    cwd: repository,
  },
).sort()
const programs = pages.flatMap((page) => programsOf(page))
const executed = programs.filter(({ printed }) => printed !== undefined)
const folder = new Folder()
writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }')
afterAll(() => {
  folder[Symbol.dispose]()
  const share = Math.round((100 * executed.length) / programs.length)
  process.stdout.write(`${executed.length} of ${programs.length} programs of the documentation executed (${share} %)\n`)
})

const fileOf = ({ at }: PageProgram) => `${at.replaceAll(/\W/g, '-')}.ts`

function execute(program: PageProgram, more = '') {
  const name = fileOf(program)
  writeFileSync(join(folder.path, name), program.code + more)
  return ended(spawn(process.execPath, [name], { cwd: folder.path, env: environment() }))
}

describe.concurrent('The documentation', () => {
  it.each(executed)('The program at $at prints what the page shows.', async (program) => {
    const drawn = program.diagram === undefined ? '' : 'console.error(JSON.stringify(team.toJSON()))\n'
    const { code, out, error } = await execute(program, drawn)
    if (drawn === '') expect({ code, out, error }).toEqual({ code: 0, out: program.printed, error: '' })
    else {
      expect({ code, out }).toEqual({ code: 0, out: program.printed })
      // A failed step of a program stands there too, as a line of the log.
      const topology = error.split('\n').find((line) => line.startsWith('{"version"')) ?? 'null'
      const { edges } = JSON.parse(topology) as { edges: { from: string; to: string }[] }
      expect(edgesOf(program.diagram ?? '')).toEqual(edges.map(({ from, to }) => `${from} -> ${to}`).sort())
    }
  })
})

it('A program whose output differs from its page is found.', async () => {
  const page = "```ts\nimport { patterns } from 'troupe'\nconsole.log(typeof patterns)\n```\n\n```text\nfunction\n```\n"
  const [planted] = programsOf('planted.md', page)
  expect(planted?.printed).toBe('function\n')
  expect((await execute(planted as PageProgram)).out).toBe('object\n')
})

it('docs/patterns.md has a program with a diagram for each pattern of the library.', async () => {
  const { patterns } = await import('../../src/index.ts')
  const page = programsOf('docs/patterns.md')
  const shown = page.map(({ code }) => /const team = patterns\.(\w+)/.exec(code)?.[1])
  expect(shown.sort()).toEqual(Object.keys(patterns).sort())
  expect(page.filter(({ printed, diagram }) => printed === undefined || diagram === undefined)).toEqual([])
})
