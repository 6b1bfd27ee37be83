import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { withoutCounterpart } from './modules.ts'
import { findingsWith, library, noAdapter } from './planted-tree.ts'

const file = (text: string) => `/** Planted. */\n${text}\n`
/** What the check finds with these files as the only ones of the adapters. */
const found = (planted: Readonly<Record<string, string>>) => findingsWith({ ...noAdapter, ...planted })
const [sqlite, postgres] = [`${library}/storage/sqlite`, `${library}/storage/postgres`]

const both = {
  [`${sqlite}/migrate.ts`]: file('export const migrate = 1'),
  [`${postgres}/migrate.ts`]: file('export const migrate = 2'),
}

test('A file of one adapter has a file of the same name in the other.', () => {
  expect(found(both)).toEqual([])
  expect(found({ ...both, [`${sqlite}/reader.ts`]: file('export const reader = 1') })).toEqual([
    `${sqlite}/reader.ts counterpart`,
  ])
})

test('A counterpart under another name is a finding in both adapters, and for its export.', () => {
  const planted = {
    [`${sqlite}/sqlite-dialect.ts`]: file('export const sqliteDialect = 1'),
    [`${postgres}/dialect.ts`]: file('export const postgresDialect = 2'),
  }
  expect(found({ ...both, ...planted })).toEqual([
    `${postgres}/dialect.ts counterpart`,
    `${postgres}/dialect.ts counterpart`,
    `${sqlite}/sqlite-dialect.ts counterpart`,
  ])
})

test('A file in a folder that is listed with a reason needs no counterpart.', () => {
  expect(found({ ...both, [`${postgres}/connections/pool.ts`]: file('export const pool = 1') })).toEqual([])
})

test('A reason for a file that has a counterpart is a finding.', () => {
  const planted = {
    [`${sqlite}/statistics.ts`]: file('export const statistics = 1'),
    [`${postgres}/statistics.ts`]: file('export const statistics = 2'),
  }
  expect(found({ ...both, ...planted })).toEqual([`${postgres}/statistics.ts counterpart`])
})

test('A test of one adapter needs no counterpart.', () => {
  expect(found({ ...both, [`${sqlite}/reader.test.ts`]: file('export const reader = 1') })).toEqual([])
})

test('Each file without a counterpart exists and has a reason.', () => {
  for (const { at, reason } of withoutCounterpart) {
    expect(existsSync(resolve(import.meta.dirname, '../..', library, at)), at).toBe(true)
    expect(reason).not.toBe('')
  }
})
