import { expect, test } from 'vitest'
import { findingsWith, library, noAdapter } from './planted-tree.ts'

const file = (text: string) => `/** Planted. */\n${text}\n`

test('A name that two files declare and export is a finding at the second file.', () => {
  const found = findingsWith({
    [`${library}/context/entry.ts`]: file('export interface Entry { readonly key: string }'),
    [`${library}/messaging/entry.ts`]: file('export type Entry = string'),
  })
  expect(found).toEqual([`${library}/messaging/entry.ts declared-once`])
})

test('A name that a file exports in a list counts as declared there.', () => {
  const found = findingsWith({
    [`${library}/context/entry.ts`]: file('const entry = 1\nexport { entry }'),
    [`${library}/messaging/entry.ts`]: file('export function entry() {}'),
  })
  expect(found).toEqual([`${library}/messaging/entry.ts declared-once`])
})

test('A re-export and an unexported declaration are not second declarations.', () => {
  const found = findingsWith({
    [`${library}/context/entry.ts`]: file('export const entry = 1'),
    [`${library}/context/index.ts`]: file("export { entry } from './entry.ts'\nexport const context = 1"),
    [`${library}/messaging/a.ts`]: file(
      "import { entry } from '../context/index.ts'\nexport const a = 1\nexport { entry }",
    ),
    [`${library}/messaging/b.ts`]: file('const entry = 2\nexport const b = entry'),
  })
  expect(found).toEqual([])
})

test('A test fixture may export the name of a source.', () => {
  const found = findingsWith({
    [`${library}/context/entry.ts`]: file('export const entry = 1'),
    [`${library}/context/a.test.fixture.ts`]: file('export const entry = 2'),
  })
  expect(found).toEqual([])
})

test('Two adapters may export the same name, and another file of the library must not.', () => {
  const adapters = {
    ...noAdapter,
    [`${library}/storage/sqlite/migrate.ts`]: file('export const migrate = 1'),
    [`${library}/storage/postgres/migrate.ts`]: file('export const migrate = 2'),
  }
  expect(findingsWith(adapters)).toEqual([])
  const port = `${library}/storage/migrate.ts`
  const both = findingsWith({ ...adapters, [port]: file('export const migrate = 3') })
  expect(both).toEqual([expect.stringMatching(/ declared-once$/)])
})

test('A compatibility module and another package may export the name of a class of the library.', () => {
  const found = findingsWith({
    [`${library}/context/context-mesh.ts`]: file('export class ContextMesh {}'),
    [`${library}/compat/syntha/context-mesh.ts`]: file('export class ContextMesh {}'),
    'packages/studio/src/context-mesh.tsx': file('export const ContextMesh = 1'),
  })
  expect(found).toEqual([])
})

test('A file whose name has no word of its exports is a finding.', () => {
  const path = `${library}/context/surprise.ts`
  expect(findingsWith({ [path]: file('export const entry = 1') })).toEqual([`${path} named-for-export`])
})

test('A file whose only function has another name is a finding, though they share a word.', () => {
  const path = `${library}/context/read-entry.ts`
  const text = 'export interface EntryOptions {}\nexport function entryOf() {}'
  expect(findingsWith({ [path]: file(text) })).toEqual([`${path} named-for-export`])
})

test.each([
  ['context/visibility.ts', 'export const isVisible = 1\nexport const isOpen = 2'],
  ['context/watcher.ts', 'export interface Watcher {}\nexport const openWatcher = 1'],
  ['storage/sqlite/backups.ts', 'export const sqliteBackups = 1'],
  ['context/links.ts', 'export function createLinks() {}\nexport interface LinkOptions {}'],
  ['context/read-entries.ts', 'export function readEntries() {}'],
  ['context/context-codes.ts', 'export const contextErrors = 1'],
  ['context/side-effect.ts', "import './read.ts'\nexport {}"],
])('A file that shares a word with an export, has no exports or holds codes may have its name: %s.', (path, text) => {
  expect(
    findingsWith({ [`${library}/${path}`]: file(text), [`${library}/context/read.ts`]: file('export {}') }),
  ).toEqual([])
})
