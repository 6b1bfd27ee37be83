import { expect, test } from 'vitest'
import { sqlNames, subWords } from './check-vocabulary.ts'
import { findingsWith, library, withTree } from './planted-tree.ts'
import { tidy } from './tidy.ts'
import { bannedWords, exemptions } from './vocabulary.ts'

const path = `${library}/context/a.ts`
const plant = (text: string, at = path) =>
  findingsWith({ [at]: `/** Planted. */\n${text}\n` }).filter((found) => !found.endsWith('named-for-export'))
const fires = [`${path} vocabulary`]

test.each([
  ['a constant', 'export const aTold = 1'],
  ['a function', 'export function aKept() {}'],
  ['a parameter', 'export const a = (standing: number) => standing'],
  ['a property', 'export const a = { takenAt: 1 }.takenAt'],
  ['a private member', 'export class A {\n  #giveUp = 1\n  get a() {\n    return this.#giveUp\n  }\n}'],
  ['a method', 'export class A {\n  letGo() {}\n}'],
  ['a type', 'export interface A {\n  readonly sweptRows: number\n}'],
  ['an exact name', 'export type A = Inside\ntype Inside = number'],
])('A banned word in the name of %s is a finding.', (_, text) => {
  expect(plant(text)).toEqual(fires)
})

test.each([
  'export const a = 1 // told, kept, standing',
  "export const a = 'told'",
  'export const a = { keepAlive: true, keyRing: 1, onCapacityFreed: 2 }',
  'export const a = Math.floor(1.5)',
  'export const a = Promise.allSettled([])',
  'export const a = (insideOut: number, firstOf: number) => insideOut + firstOf',
  'export const a = { process: 1, module: 2 }.module',
  'export const aStandalone = (standby: number) => standby',
])('An ordinary use of a word is allowed: %s.', (text) => {
  expect(plant(text)).toEqual([])
})

test.each([
  'export const a = () => {\n  const process = 1\n  return process\n}',
  'export const a = (module: number) => module',
  "import { a as module } from './b.ts'\nexport const a = module",
])('A variable must not be named process or module: %s.', (text) => {
  const found = findingsWith({ [path]: `/** A. */\n${text}\n`, [`${library}/context/b.ts`]: '/** B. */\nexport {}\n' })
  expect(found).toEqual(fires)
})

test('A banned word in the name of a file or a folder is a finding.', () => {
  const file = `${library}/context/told-values.ts`
  expect(plant('export {}', file)).toEqual([`${file} vocabulary`])
  const folder = 'examples/research/bells/main.ts'
  expect(plant('export const main = 1', folder)).toEqual([`${folder} vocabulary`])
  const fixture = 'packages/troupe/test/crash/house.test.fixture.ts'
  expect(plant('export const a = 1', fixture)).toEqual([`${fixture} vocabulary`])
})

test('A banned word in a script is a finding.', () => {
  const script = 'scripts/a.mjs'
  expect(plant('export const told = 1', script)).toEqual([`${script} vocabulary`])
})

test('A banned word in the name of an event is a finding.', () => {
  const events = `${library}/core/events/event-names.ts`
  expect(plant("export const eventNames = { 'run.recalled': 'a run was told to stop' }", events)).toEqual([
    `${events} vocabulary`,
  ])
})

test('A banned word in an error code is a finding.', () => {
  const codes = `${library}/core/errors/codes/general-codes.ts`
  expect(plant("export const generalCodes = { 'run.standing': { message: 'told' } }", codes)).toEqual([
    `${codes} vocabulary`,
  ])
})

test('A banned word in the path of a setting is a finding.', () => {
  const settings = `${library}/configuration/settings/settings.ts`
  expect(plant("export const settings = [{ path: 'journal.kept', description: 'told' }]", settings)).toEqual([
    `${settings} vocabulary`,
  ])
})

test('A banned word in the name of a table or a column is a finding.', () => {
  expect(plant("export const a = 'create table kept (id text)'")).toEqual(fires)
  expect(plant("export const a = 'create table a (id text, told_at integer not null default (1))'")).toEqual(fires)
  expect(plant("export const a = 'create index a on b (told_at)'")).toEqual([])
})

test('The names in a create statement are its table and its columns.', () => {
  const statement = `create table if not exists runs (user_id text not null, at integer default (max(1, 2)),
    primary key (user_id, at)) without rowid`
  expect([...sqlNames(statement)]).toEqual(['runs', 'user_id', 'at'])
})

test('A finding names the name, the word and the replacement.', () => {
  const text = '/** A. */\nexport const a = 1\nexport const onTold = a\n'
  const findings = withTree({ [path]: text }, tidy)
  const message = "'onTold' uses 'told': say emit, notify or report"
  expect(findings).toEqual([{ path, line: 3, rule: 'vocabulary', message }])
})

test.each([
  ['onTold', ['on', 'told']],
  ['HTTPServer', ['http', 'server']],
  ['give_up-now.test', ['give', 'up', 'now', 'test']],
  ['version2', ['version', '2']],
])('The sub-words of %s are separated by case, digits and punctuation.', (name, words) => {
  expect(subWords(name)).toEqual(words)
})

test('Every exemption has a reason and exempts a banned word.', () => {
  const all = bannedWords.flatMap(({ words }) => words)
  for (const { words, reason } of exemptions) {
    expect(reason).not.toBe('')
    for (const phrase of words)
      expect([phrase, all.some((word) => `-${phrase}-`.includes(`-${word}-`))]).toEqual([phrase, true])
  }
})
