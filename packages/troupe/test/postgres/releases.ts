/**
 * Four releases of a room with one table, as a real one goes from one column to another: the new one is added and both are
 * written; the new one alone is used; the old one goes. The release just before each step goes on working after it.
 */
import type { Change, Migration, Row, Storage } from '../../src/storage/index.ts'

type Step = Omit<Migration, 'module' | 'version'>
const both = (...statements: readonly string[]) => ({ sqlite: statements, postgres: statements })

const steps: readonly Step[] = [
  {
    name: 'notes',
    lowestReader: 1,
    up: {
      sqlite: ['create table notes (user_id text not null, n integer not null, text text not null)'],
      postgres: [
        'create table notes (user_id text collate "C" not null, n bigint not null, text text not null)',
        'create index notes_n on notes (user_id, n)',
      ],
    },
  },
  { name: 'a body, written beside the text', lowestReader: 1, up: both('alter table notes add column body text') },
  {
    name: 'the body alone is used',
    // Release 1 would find no text in what is written from now on.
    lowestReader: 2,
    up: {
      postgres: [
        'alter table notes alter column text drop not null',
        'update notes set body = text where body is null',
      ],
      // SQLite can't drop a constraint: the table is made anew.
      sqlite: [
        'create table notes_new (user_id text not null, n integer not null, text text, body text)',
        'insert into notes_new select user_id, n, text, coalesce(body, text) from notes',
        'drop table notes',
        'alter table notes_new rename to notes',
      ],
    },
  },
  { name: 'the text is gone', lowestReader: 3, up: both('alter table notes drop column text') },
]

/** What a release knows of. */
export const migrationsOf = (release: number): readonly Migration[] =>
  steps.slice(0, release).map((step, i) => ({ module: 'notes', version: i + 1, ...step }))

const columns: readonly (readonly string[])[] = [['text'], ['text', 'body'], ['body'], ['body']]

/** How a release writes a note. */
export function noteOf(storage: Storage, release: number, user: string, n: number): Change {
  const names = columns[release - 1] as readonly string[]
  const mark = (i: number) => (storage.dialect.name === 'postgres' ? `$${i}` : '?')
  const marks = [1, 2, ...names.map((_, i) => 3 + i)].map(mark)
  const sql = `insert into notes (user_id, n, ${names.join(', ')}) values (${marks.join(', ')})`
  const binds = [user, n, ...names.map(() => `note ${n}`)]
  const feed = [{ kind: 'put', key: `${n}`, data: '{}' }] as const
  return { id: `${user}/${release}/${n}`, scope: { user }, statements: [{ sql, binds, expect: { rows: 1 } }], feed }
}

/** The newest notes of a user, whichever release wrote them. @returns those that this one can't read */
export async function unreadable(storage: Storage, release: number, user: string): Promise<readonly Row[]> {
  const mark = storage.dialect.name === 'postgres' ? '$1' : '?'
  const sql = `select * from notes where user_id = ${mark} order by n desc limit 10`
  const [rows = []] = await storage.read({ user }, [{ sql, binds: [user], returns: true }])
  const valueIn = ({ text, body }: Row) => (release === 1 ? text : release === 2 ? (body ?? text) : body)
  return rows.filter((row) => valueIn(row) !== `note ${row.n}`)
}

export async function numbersOf(storage: Storage, user: string): Promise<readonly number[]> {
  const mark = storage.dialect.name === 'postgres' ? '$1' : '?'
  const sql = `select n from notes where user_id = ${mark} order by n`
  const [rows = []] = await storage.read({ user }, [{ sql, binds: [user], returns: true }])
  return rows.map(({ n }) => Number(n))
}
