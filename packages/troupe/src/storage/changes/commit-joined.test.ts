import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { rowsTemplate } from '../dialect.ts'
import { sqliteDialect } from '../sqlite/dialect.ts'
import type { Change, CommitResult } from '../storage-port.ts'
import { commitJoined, joinRows } from './commit-joined.ts'
import type { Statement } from './statement.ts'

const notes = rowsTemplate<{ n: number; text: string }>(
  sqliteDialect,
  (rows) => sql`insert into notes (n, text) values ${sql.join(rows.map((p) => sql`(${p.n}, ${p.text})`))}`,
  { content: { text: ['note', 'n'] }, otherwise: 'thread.conflict' },
)
const events = rowsTemplate<{ n: number }>(
  sqliteDialect,
  (rows) => sql`insert into events (n) values ${sql.join(rows.map((p) => sql`(${p.n})`))}`,
  {},
)
const note = (...numbers: readonly number[]) => notes(numbers.map((n) => ({ n, text: `t${n}` })))
const other = (text: string, more: Partial<Statement> = {}): Statement => ({ sql: text, binds: [], ...more })
const bindsOf = (statements: readonly Statement[]) =>
  statements.map(({ sql: text, binds }) => [text.slice(0, 17), ...binds])

test('Inserts of one template are joined where the last of them stood, and other statements stay in order.', () => {
  const statements = [other('a'), ...note(1), ...events([{ n: 1 }]), other('b'), ...note(2, 3), other('c')]
  const joined = joinRows(statements)
  expect(bindsOf(joined?.statements ?? [])).toEqual([
    ['a'],
    ['insert into event', 1],
    ['b'],
    ['insert into notes', 1, 't1', 2, 't2', 3, 't3'],
    ['c'],
  ])
  expect(joined?.positions).toEqual([0, undefined, 1, 2, undefined, 4])
  expect(joined?.statements[3]).toMatchObject({ expect: { rows: 3 }, otherwise: 'thread.conflict' })
  expect(joined?.statements[3]?.content?.binds.map(({ index }) => index)).toEqual([1, 3, 5])
})

test('Nothing is joined where nothing can be, or where a statement refers to another by its index.', () => {
  expect(joinRows([...note(1), ...events([{ n: 1 }]), other('a')])).toBeUndefined()
  expect(joinRows([...note(1), ...note(2), other('a', { expect: { sameAs: 0 } })])).toBeUndefined()
})

test('More joined rows than one statement holds are several statements, and their number does not depend on their order.', () => {
  const joined = joinRows(Array.from({ length: 40 }, (_, n) => note(n)[0] as Statement))
  expect(joined?.statements.map(({ rows }) => rows?.values.length)).toEqual([16, 16, 8])
})

/** @param answer of each commit, in order */
async function commit(statements: readonly Statement[], ...answers: readonly CommitResult[]) {
  const changes: Change[] = []
  const storage = {
    commit: async (change: Change) => {
      changes.push(change)
      return answers[changes.length - 1] as CommitResult
    },
  }
  const result = await commitJoined(storage, { id: null, scope: { user: 'ada' }, statements })
  return { result, counts: changes.map((change) => change.statements.length) }
}

test('A change with joined inserts answers for the statements that it was given.', async () => {
  const done = {
    ok: true,
    rows: [[], [{ n: 7 }], []],
    affected: [4, 1, 3],
    revision: 2,
    at: 1,
    repeated: false,
  } as const
  const { result, counts } = await commit([other('a'), ...note(1), other('b'), ...note(2, 3)], done)
  expect(counts).toEqual([3])
  expect(result).toEqual({ ...done, rows: [[], [], [{ n: 7 }], []], affected: [4, 1, 1, 2] })
})

test('A rejected statement of a change with joined inserts is named by its index in the change.', async () => {
  const rejected = { ok: false, code: 'journal.lost', statement: 1, found: 0 } as const
  const { result, counts } = await commit([...note(1), ...note(2), other('a'), other('b')], rejected)
  expect(counts).toEqual([3])
  expect(result).toEqual({ ...rejected, statement: 2 })
})

test('If joined inserts are rejected, the change is committed without joining, which finds the statement at fault.', async () => {
  const joined = { ok: false, code: 'thread.conflict', statement: 0, found: 1 } as const
  const alone = { ok: false, code: 'thread.conflict', statement: 1, found: 0, detail: { thread: 't' } } as const
  const { result, counts } = await commit([...note(1), ...note(2), other('a')], joined, alone)
  expect(counts).toEqual([2, 3])
  expect(result).toEqual(alone)
})
