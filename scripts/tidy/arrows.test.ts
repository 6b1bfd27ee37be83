import { expect, test } from 'vitest'
import { isolatedPairs, modules, rejection } from './modules.ts'
import { findingsWith, library } from './planted-tree.ts'

/** One file planted in a clean tree. */
const plant = (path: string, text: string) => findingsWith({ [`${library}/${path}`]: `/** Planted. */\n${text}\n` })
const fires = (path: string, rule: string) => [`${library}/${path} ${rule}`]

test('A clean tree has no findings.', () => {
  expect(findingsWith({})).toEqual([])
})

test('A module may import a module above it in the list.', () => {
  expect(plant('context/a.ts', "import { journal } from '../journal/index.ts'\nexport const a = journal")).toEqual([])
})

test('A module may import exactly the modules above it, except isolated pairs.', () => {
  for (const [above, from] of modules.entries())
    for (const [lower, to] of modules.entries()) {
      const separated = isolatedPairs.some((pair) => pair.includes(from) && pair.includes(to) && from !== to)
      expect([from, to, rejection(from, to) !== undefined]).toEqual([from, to, lower > above || separated])
    }
})

test.each([
  ['a value', "import { messaging } from '../messaging/index.ts'\nexport const a = messaging"],
  ['a type', "import type { messaging } from '../messaging/index.ts'\nexport type A = typeof messaging"],
  ['a type in an expression', "export type A = typeof import('../messaging/index.ts')"],
  ['a dynamic import', "export const a = () => import('../messaging/index.ts')"],
  ['a re-export', "export * from '../messaging/index.ts'"],
])('A module must not import %s of a module below it.', (_, text) => {
  expect(plant('context/a.ts', text)).toEqual(fires('context/a.ts', 'arrow'))
})

test.each([
  ['observability', 'security'],
  ['security', 'observability'],
  ['testing', 'server'],
  ['server', 'testing'],
])('The module %s must not import the module %s.', (from, to) => {
  const text = `import { ${to} } from '../${to}/index.ts'\nexport const a = ${to}`
  expect(plant(`${from}/a.ts`, text)).toEqual(fires(`${from}/a.ts`, 'arrow'))
})

test('The command line may import the server.', () => {
  expect(plant('cli/a.ts', "import { server } from '../server/index.ts'\nexport const a = server")).toEqual([])
})

test('A test may import the module testing, and a source of a module above testing must not.', () => {
  const text = "import { testing } from '../testing/index.ts'\nexport const a = testing"
  expect(plant('core/a.test.ts', text)).toEqual([])
  expect(plant('core/a.ts', text)).toEqual(fires('core/a.ts', 'arrow'))
})

test('A test may import a module below its own.', () => {
  const text = "import { agents } from '../agents/index.ts'\nexport const a = agents"
  expect(plant('core/a.test.ts', text)).toEqual([])
})

test('A module must not import the public entry.', () => {
  expect(plant('cli/a.ts', "import { createTroupe } from '../index.ts'\nexport const a = createTroupe")).toEqual(
    fires('cli/a.ts', 'arrow'),
  )
})

test.each([
  ['a file', "import type { Storage } from '../storage/storage-port.ts'\nexport type A = Storage"],
  ["a folder's index", "import { openSqlite } from '../storage/sqlite/index.ts'\nexport const a = openSqlite"],
  ["a thread's file", "export const a = new URL('../storage/storage-port.ts', import.meta.url)"],
])('A module must not import %s inside another module.', (_, text) => {
  expect(plant('startup/a.ts', text)).toEqual(fires('startup/a.ts', 'deep'))
})

test('A suite of packages/troupe/test imports a module only through its index.ts.', () => {
  const path = 'packages/troupe/test/crash/a.test.ts'
  const text = "import type { Storage } from '../../src/storage/storage-port.ts'\nexport type A = Storage"
  expect(findingsWith({ [path]: text })).toEqual([`${path} deep`])
})

test.each(['systemClock', 'openSqlite', 'memory'])('Only startup may import the adapter %s.', (name) => {
  const moduleName = name === 'systemClock' ? 'core' : 'storage'
  const text = `import { ${name} } from '../${moduleName}/index.ts'\nexport const a = ${name}`
  expect(plant('context/a.ts', text)).toEqual(fires('context/a.ts', 'adapter'))
  expect(plant('startup/a.ts', text)).toEqual([])
})

test('Inside its own module only index.ts may import an adapter.', () => {
  const text = "import { openSqlite } from './sqlite/open-sqlite.ts'\nexport const a = openSqlite"
  expect(plant('storage/a.ts', text)).toEqual(fires('storage/a.ts', 'adapter'))
})

test('The run machine imports values of core and topology only, and no package.', () => {
  const path = 'runs/machine/a.ts'
  expect(plant(path, "import type { journal } from '../../journal/index.ts'\nexport type A = typeof journal")).toEqual(
    [],
  )
  for (const text of [
    "import { journal } from '../../journal/index.ts'\nexport const a = journal",
    "import { orchestra } from '../orchestra.ts'\nexport const a = orchestra",
    "import { z } from 'zod'\nexport const a = z",
  ])
    expect(plant(path, text)).toEqual(fires(path, 'pure'))
})

test('A heavy package must be loaded by a dynamic import.', () => {
  expect(plant('models/a.ts', "import { generateText } from 'ai'\nexport const a = generateText")).toEqual(
    fires('models/a.ts', 'heavy'),
  )
  expect(
    plant('models/a.ts', "import type { Tool } from 'ai'\nexport const a = (): Promise<Tool> => import('ai')"),
  ).toEqual([])
})

test('An example must import the library by its public subpaths.', () => {
  const path = 'examples/research/a.ts'
  const text = "import { createTroupe } from '../../packages/troupe/src/index.ts'\nexport const a = createTroupe"
  expect(findingsWith({ [path]: text })).toEqual([`${path} workspace`])
  expect(findingsWith({ 'bench/first-run/a.ts': text })).toEqual(['bench/first-run/a.ts workspace'])
})

test('An import cycle is a finding, even if it consists of type imports.', () => {
  const found = findingsWith({
    [`${library}/context/a.ts`]: "/** A. */\nimport type { B } from './b.ts'\nexport type A = B\n",
    [`${library}/context/b.ts`]: "/** B. */\nimport type { C } from './c.ts'\nexport type B = C\n",
    [`${library}/context/c.ts`]: "/** C. */\nexport type C = import('./a.ts').A\n",
  })
  expect(found).toEqual(fires('context/a.ts', 'cycle'))
})

test('A file that imports the index.ts of its own module makes a cycle.', () => {
  const found = findingsWith({
    [`${library}/context/index.ts`]: "/** Entry. */\nexport * from './a.ts'\n",
    [`${library}/context/a.ts`]: "/** A. */\nimport { b } from './index.ts'\nexport const a = b\n",
  })
  expect(found).toEqual(fires('context/a.ts', 'cycle'))
})

test('A suite of packages/troupe/test may import every public entry.', () => {
  const text = "import type { openContext } from '../../src/context.ts'\nexport type A = typeof openContext"
  const context = { [`${library}/context.ts`]: '/** An entry. */\nexport const openContext = 1\n' }
  expect(findingsWith({ ...context, 'packages/troupe/test/crash/a.test.ts': text })).toEqual([])
})
