import { expect, test } from 'vitest'
import { findingsWith, library } from './planted-tree.ts'

const plant = (path: string, text: string) => findingsWith({ [`${library}/${path}`]: `/** Planted. */\n${text}\n` })
const path = 'context/a.ts'
const fires = [`${library}/${path} banned`]

test.each([
  'export const a = Date.now()',
  "export const a = Date['now']()",
  'export const a = new Date()',
  'export const a = Date()',
  'const { now } = Date\nexport const a = now()',
  'export const a = Math.random()',
  'const { random } = Math\nexport const a = random()',
  'export const a = crypto.randomUUID()',
  "import { randomUUID } from 'node:crypto'\nexport const a = randomUUID()",
  "import * as chance from 'node:crypto'\nexport const a = chance",
  'export const a = setTimeout(() => 1, 1)',
  'export const a = globalThis.setTimeout(() => 1, 1)',
  'export const a = globalThis.Date.now()',
  'export const a = setInterval',
  'export const a = setImmediate(() => 1)',
  'export const a = queueMicrotask(() => 1)',
  "import { setTimeout } from 'node:timers/promises'\nexport const a = setTimeout(1)",
  "import { setTimeout as wait } from 'timers'\nexport const a = wait",
  'export const a = AbortSignal.timeout(1)',
  'export const a = performance.now()',
  "export const a = fetch('x')",
  'export const a = (run = fetch) => run',
  "import { readFile } from 'node:fs/promises'\nexport const a = readFile",
  "export const a = () => import('node:fs')",
  "import { DatabaseSync } from 'node:sqlite'\nexport const a = DatabaseSync",
  "import { Worker } from 'node:worker_threads'\nexport const a = Worker",
  "import { spawn } from 'child_process'\nexport const a = spawn",
  'export const a = process.env.HOME',
  'export const a = process.hrtime()',
  'export const a = (key: object) => new WeakRef(key)',
])('The library must not use the clock, chance, timers, files or the network directly: %s.', (text) => {
  expect(plant(path, text)).toEqual(fires)
})

test.each([
  'export const a = new Date(0).toISOString()',
  'export const a = Date.UTC(2026, 0, 1)',
  'export const a = (at: unknown): at is Date => at instanceof Date',
  'export const a = Math.max(1, 2)',
  "import { createHash } from 'node:crypto'\nexport const a = createHash",
  'export const a = (fetch: () => number) => fetch()',
  'export const a = ({ fetch }: { fetch: typeof globalThis.fetch }) => fetch',
  'export function a() {\n  const { setTimeout } = { setTimeout: 1 }\n  return setTimeout\n}',
  'export const a = { fetch: 1, performance: 2 }.fetch',
  'export class A {\n  fetch() {\n    return 1\n  }\n}',
  "import type { Stats } from 'node:fs'\nexport type A = Stats",
  'export type A = ReturnType<typeof setTimeout>',
])('A harmless use of a similar name is allowed: %s.', (text) => {
  expect(plant(path, text)).toEqual([])
})

test('A parameter of one function does not hide the global in another function.', () => {
  expect(plant(path, 'export const a = (fetch: () => 1) => fetch()\nexport const b = () => fetch(1)')).toEqual(fires)
})

test('An adapter may use only what its exemption lists.', () => {
  expect(plant('storage/sqlite/a.ts', "import { statSync } from 'node:fs'\nexport const a = statSync")).toEqual([])
  const immediate = 'export const a = setImmediate(() => 1)'
  expect(plant('storage/sqlite/a.ts', `import { setImmediate } from 'node:timers'\n${immediate}`)).toEqual([])
  expect(plant('storage/sqlite/a.ts', immediate)).toEqual([`${library}/storage/sqlite/a.ts banned`])
  expect(plant('storage/sqlite/a.ts', 'export const a = Math.random()')).toEqual([
    `${library}/storage/sqlite/a.ts banned`,
  ])
})

test('A test may use the clock, chance and module state.', () => {
  expect(plant('context/a.test.ts', 'export const a = [Date.now(), Math.random(), new Map()]')).toEqual([])
})

test.each([
  'let count = 0\nexport const a = () => count++',
  'export const a = new Map()',
  'const a = new Set<string>()\nexport { a }',
])('A file must not declare state at its top level: %s.', (text) => {
  expect(plant(path, text)).toEqual([`${library}/${path} module-state`])
})

test('A file may declare a constant collection at its top level.', () => {
  expect(plant(path, "export const a: ReadonlySet<string> = new Set(['x'])")).toEqual([])
})
