/** Executes the programs of the documentation, and compares what they print with the text below them. */
import { globSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Folder } from '../cli/cli-process.ts'
import { type Execution, executePrograms } from './execute-programs.ts'
import { edgesOf, type PageProgram, programsOf, repository } from './page-programs.ts'

const pages = globSync(
  ['README.md', 'packages/troupe/README.md', 'packages/troupe/templates/**/*.md', 'docs/**/*.md'],
  {
    cwd: repository,
  },
).sort()
const programs = pages.flatMap((page) => programsOf(page))
/** tutorial.test.ts executes it, and kills it in between. */
const isTutorial = (program: PageProgram) => program.at.startsWith('docs/tutorial.md:')
const executed = programs.filter((program) => program.notExecuted === undefined && !isTutorial(program))
const folder = new Folder()
let executions: ReadonlyMap<string, Execution> = new Map()
beforeAll(async () => {
  const withTopology = (program: PageProgram) =>
    program.diagram === undefined
      ? program
      : { ...program, code: `${program.code}console.error(JSON.stringify(team.toJSON()))\n` }
  executions = await executePrograms(folder, executed.map(withTopology))
}, 300_000)
afterAll(() => folder[Symbol.dispose]())

it.each(executed)('The program at $at prints what the page shows.', ({ at, printed, diagram }) => {
  const { completed, out, error } = executions.get(at) ?? { completed: false, out: '', error: 'It was not executed.' }
  expect({ completed, out, ...(completed ? {} : { error }) }).toEqual({ completed: true, out: printed })
  expect(error).not.toMatch(/\(node:\d+\) \w*Warning/)
  if (diagram === undefined) return
  // A failed step of a program is there too, as a line of the log.
  const topology = error.split('\n').find((line) => line.startsWith('{"version"')) ?? 'null'
  const { edges } = JSON.parse(topology) as { edges: { from: string; to: string }[] }
  expect(edgesOf(diagram)).toEqual(edges.map(({ from, to }) => `${from} -> ${to}`).sort())
})

it('At least 80 % of the programs of the documentation are executed.', () => {
  const compiled = programs.filter(({ notExecuted }) => notExecuted !== undefined)
  const share = Math.round((100 * (programs.length - compiled.length)) / programs.length)
  process.stdout.write(`${share} % of ${programs.length} programs of the documentation executed\n`)
  for (const { at, notExecuted } of compiled) process.stdout.write(`  only compiled: ${at}: ${notExecuted}\n`)
  expect(share).toBeGreaterThanOrEqual(80)
  expect(compiled.filter(({ printed }) => printed !== undefined)).toEqual([])
})

it('A program that prints something else, or fails, is found.', async () => {
  const page = [
    "```ts\nimport { patterns } from 'troupe'\nconsole.log(typeof patterns)\n```\n\n```text\nfunction\n```\n",
    "```ts\nimport 'troupe'\nimport { none } from 'troupe/none'\n```\n",
    "```ts\nimport type {} from 'troupe'\n```\n\nThe tests do not execute this program: it needs a key.\n",
  ].join('\n')
  const planted = programsOf('planted.md', page)
  expect(planted.map(({ printed, notExecuted }) => [printed, notExecuted])).toEqual([
    ['function\n', undefined],
    [undefined, undefined],
    [undefined, 'it needs a key'],
  ])
  using plantedFolder = new Folder()
  const found = await executePrograms(plantedFolder, planted.slice(0, 2))
  expect([...found.values()].map(({ completed, out }) => [completed, out])).toEqual([
    [true, 'object\n'],
    [false, ''],
  ])
})

it('The page docs/patterns.md has a program with a diagram for each pattern of the library.', async () => {
  const { patterns } = await import('../../src/index.ts')
  const page = programsOf('docs/patterns.md')
  const shown = page.map(({ code }) => /const team = patterns\.(\w+)/.exec(code)?.[1])
  expect(shown.sort()).toEqual(Object.keys(patterns).sort())
  expect(page.filter(({ printed, diagram }) => printed === undefined || diagram === undefined)).toEqual([])
})
