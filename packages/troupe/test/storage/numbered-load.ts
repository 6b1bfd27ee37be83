/** The tables of the numbered load, and whether a database holds all of what was acknowledged, each change whole. */
import { DatabaseSync } from 'node:sqlite'
import type { Migration } from '../../src/storage/index.ts'

export const migrations: readonly Migration[] = [
  {
    module: 'numbers',
    version: 1,
    name: 'numbers',
    lowestReader: 1,
    up: {
      sqlite: [
        'create table numbers (n integer primary key, filler text)',
        'create table echoes (n integer primary key)',
      ],
      postgres: [],
    },
  },
]

/** Opens it as SQLite does after a crash. @returns what is wrong; undefined where all is well */
export function problemIn(path: string, acknowledged: readonly number[]): string | undefined {
  const db = new DatabaseSync(path)
  try {
    const all = (sql: string) => db.prepare(sql).all() as { [column: string]: number | string | null }[]
    const integrity = all('pragma integrity_check')[0]?.integrity_check
    if (integrity !== 'ok') return `integrity_check: ${integrity}`
    const there = new Set(tableExists(db) ? all('select n from numbers').map(({ n }) => n) : [])
    const lost = acknowledged.filter((n) => !there.has(n))
    if (lost.length > 0)
      return `${lost.length} of ${acknowledged.length} acknowledged changes are lost, the first ${lost[0]}`
    if (there.size === 0) return undefined
    return partial(all)
  } catch (error) {
    return `not readable: ${(error as Error).message}`
  } finally {
    db.close()
  }
}

export function numbersIn(path: string): readonly number[] {
  const db = new DatabaseSync(path)
  try {
    return db
      .prepare('select n from numbers order by n')
      .all()
      .map(({ n }) => n as number)
  } finally {
    db.close()
  }
}

const tableExists = (db: DatabaseSync) =>
  db.prepare("select 1 from sqlite_master where name = 'numbers'").get() !== undefined

function partial(all: (sql: string) => { [column: string]: number | string | null }[]): string | undefined {
  const checks = {
    'a number without its echo': 'select count(*) as c from numbers where n not in (select n from echoes)',
    'an echo without its number': 'select count(*) as c from echoes where n not in (select n from numbers)',
    'a number without its feed item':
      'select count(*) as c from numbers where n not in (select cast(key as integer) from storage_feed)',
    'a number without its id':
      "select count(*) as c from numbers where 'change-' || n not in (select id from storage_changes)",
    'a gap in revisions': `select count(*) as c from (select user_id, count(*) as rows, max(revision) as top
       from storage_feed group by user_id) join storage_revisions using (user_id) where rows <> top or top <> revision`,
  }
  for (const [problem, sql] of Object.entries(checks)) {
    const count = all(sql)[0]?.c
    if (count !== 0) return `${problem} (${count})`
  }
  return undefined
}
