import { expect, test } from 'vitest'
import { findingsWith, library } from './planted-tree.ts'
import { apart, refusal, rooms } from './rooms.ts'

/** One file planted in a clean tree. */
const plant = (path: string, text: string) => findingsWith({ [`${library}/${path}`]: `/** Planted. */\n${text}\n` })
const fires = (path: string, rule: string) => [`${library}/${path} ${rule}`]

test('a clean tree passes', () => {
  expect(findingsWith({})).toEqual([])
})

test('a room that imports a room above it passes', () => {
  expect(plant('context/a.ts', "import { durable } from '../durable/index.ts'\nexport const a = durable")).toEqual([])
})

test('every arrow that points down the list is refused, and no other but those between rooms kept apart', () => {
  for (const [above, from] of rooms.entries())
    for (const [below, to] of rooms.entries()) {
      const separated = apart.some((pair) => pair.includes(from) && pair.includes(to) && from !== to)
      expect([from, to, refusal(from, to) !== undefined]).toEqual([from, to, below > above || separated])
    }
})

test.each([
  ['a value', "import { messaging } from '../messaging/index.ts'\nexport const a = messaging"],
  ['a type', "import type { messaging } from '../messaging/index.ts'\nexport type A = typeof messaging"],
  ['a type in an expression', "export type A = typeof import('../messaging/index.ts')"],
  ['a dynamic import', "export const a = () => import('../messaging/index.ts')"],
  ['a re-export', "export * from '../messaging/index.ts'"],
])('%s of a room below is refused', (_, text) => {
  expect(plant('context/a.ts', text)).toEqual(fires('context/a.ts', 'arrow'))
})

test.each([
  ['observability', 'security'],
  ['security', 'observability'],
  ['testing', 'server'],
  ['server', 'testing'],
])('%s does not import %s', (from, to) => {
  const text = `import { ${to} } from '../${to}/index.ts'\nexport const a = ${to}`
  expect(plant(`${from}/a.ts`, text)).toEqual(fires(`${from}/a.ts`, 'arrow'))
})

test('the command line may import the server', () => {
  expect(plant('cli/a.ts', "import { server } from '../server/index.ts'\nexport const a = server")).toEqual([])
})

test('a test may import testing, and a source above it may not', () => {
  const text = "import { testing } from '../testing/index.ts'\nexport const a = testing"
  expect(plant('core/a.test.ts', text)).toEqual([])
  expect(plant('core/a.ts', text)).toEqual(fires('core/a.ts', 'arrow'))
})

test('a test imports no room below its own', () => {
  const text = "import { agents } from '../agents/index.ts'\nexport const a = agents"
  expect(plant('core/a.test.ts', text)).toEqual(fires('core/a.test.ts', 'arrow'))
})

test('no room imports the public entry', () => {
  expect(plant('cli/a.ts', "import { createTroupe } from '../index.ts'\nexport const a = createTroupe")).toEqual(
    fires('cli/a.ts', 'arrow'),
  )
})

test.each([
  ['a file', "import type { Storage } from '../storage/port.ts'\nexport type A = Storage"],
  ["a folder's index", "import { openSqlite } from '../storage/sqlite/index.ts'\nexport const a = openSqlite"],
  ["a thread's file", "export const a = new URL('../storage/port.ts', import.meta.url)"],
])('%s inside another room is refused', (_, text) => {
  expect(plant('runtime/a.ts', text)).toEqual(fires('runtime/a.ts', 'deep'))
})

test('a suite of all rooms goes through their doors too', () => {
  const path = 'packages/troupe/test/crash/a.test.ts'
  const text = "import type { Storage } from '../../src/storage/port.ts'\nexport type A = Storage"
  expect(findingsWith({ [path]: text })).toEqual([`${path} deep`])
})

test.each(['systemClock', 'openSqlite', 'memory'])('only the runtime names %s', (name) => {
  const room = name === 'systemClock' ? 'core' : 'storage'
  const text = `import { ${name} } from '../${room}/index.ts'\nexport const a = ${name}`
  expect(plant('context/a.ts', text)).toEqual(fires('context/a.ts', 'adapter'))
  expect(plant('runtime/a.ts', text)).toEqual([])
})

test('inside its room only the door names an adapter', () => {
  const text = "import { openSqlite } from './sqlite/open-sqlite.ts'\nexport const a = openSqlite"
  expect(plant('storage/a.ts', text)).toEqual(fires('storage/a.ts', 'adapter'))
})

test('the pure core of the orchestra uses values of core alone, and no package', () => {
  const path = 'orchestration/core/decide.ts'
  expect(plant(path, "import type { durable } from '../../durable/index.ts'\nexport type A = typeof durable")).toEqual(
    [],
  )
  for (const text of [
    "import { durable } from '../../durable/index.ts'\nexport const a = durable",
    "import { orchestra } from '../orchestra.ts'\nexport const a = orchestra",
    "import { z } from 'zod'\nexport const a = z",
  ])
    expect(plant(path, text)).toEqual(fires(path, 'pure'))
})

test('a heavy package loads on first use', () => {
  expect(plant('models/a.ts', "import { generateText } from 'ai'\nexport const a = generateText")).toEqual(
    fires('models/a.ts', 'heavy'),
  )
  expect(
    plant('models/a.ts', "import type { Tool } from 'ai'\nexport const a = (): Promise<Tool> => import('ai')"),
  ).toEqual([])
})

test('an example reaches the library by its public subpaths alone', () => {
  const path = 'examples/research/a.ts'
  const text = "import { createTroupe } from '../../packages/troupe/src/index.ts'\nexport const a = createTroupe"
  expect(findingsWith({ [path]: text })).toEqual([`${path} workspace`])
  expect(findingsWith({ 'bench/first-run/a.ts': text })).toEqual(['bench/first-run/a.ts workspace'])
})

test('a cycle is refused, imports of types included', () => {
  const found = findingsWith({
    [`${library}/context/a.ts`]: "/** A. */\nimport type { B } from './b.ts'\nexport type A = B\n",
    [`${library}/context/b.ts`]: "/** B. */\nimport type { C } from './c.ts'\nexport type B = C\n",
    [`${library}/context/c.ts`]: "/** C. */\nexport type C = import('./a.ts').A\n",
  })
  expect(found).toEqual(fires('context/a.ts', 'cycle'))
})

test('a room that goes out and in through its own door is a cycle', () => {
  const found = findingsWith({
    [`${library}/context/index.ts`]: "/** Door. */\nexport * from './a.ts'\n",
    [`${library}/context/a.ts`]: "/** A. */\nimport { b } from './index.ts'\nexport const a = b\n",
  })
  expect(found).toEqual(fires('context/a.ts', 'cycle'))
})
