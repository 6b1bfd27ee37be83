import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { sqliteDialect } from '../../storage/index.ts'
import { contextMigrations } from '../context-migrations.ts'
import { createReadStatements } from './read-statements.ts'
import { now } from './visibility.ts'

describe('a list on SQLite', () => {
  const reads = createReadStatements(sqliteDialect)
  const range = { from: 'k', to: 'l', limit: 101 }
  for (const count of [1, 5, 258])
    test(`merges ${count} streams lazily: it neither sorts nor collects`, () => {
      const db = new DatabaseSync(':memory:')
      for (const { up } of contextMigrations) for (const sql of up.sqlite) db.exec(sql)
      const grantees = Array.from({ length: count }, (_, i) => `#${i}`)
      const { sql, binds } = reads.list({ user: 'ada', now }, grantees, range, 'entries')
      const values = binds.map((bind) => (typeof bind === 'object' ? 0 : bind))
      const plan = db.prepare(`explain query plan ${sql}`).all(...(values as (string | number)[])) as {
        detail: string
      }[]
      const details = plan.map(({ detail }) => detail).join('\n')
      expect(details).toContain('CO-ROUTINE')
      expect(details).not.toMatch(/TEMP B-TREE|MATERIALIZE|SCAN context/)
      db.close()
    })
})

test('no read of one user looks through a whole table: each searches an index, from its user on', () => {
  const { list, ...reads } = createReadStatements(sqliteDialect)
  const given: Readonly<Record<string, string | number | typeof now>> = {
    now,
    before: now,
    all: 0,
    limit: 10,
    version: 1,
    after: '0',
    keys: '["k"]',
    changes: '["c"]',
  }
  const db = new DatabaseSync(':memory:')
  for (const { up } of contextMigrations) for (const sql of up.sqlite) db.exec(sql)
  const values = new Proxy({}, { get: (_, name) => given[String(name)] ?? 'text', has: () => true }) as never
  for (const [name, read] of Object.entries(reads)) {
    const { sql, binds } = read(values)
    const bound = binds.map((bind) => (typeof bind === 'object' ? 0 : bind)) as (string | number)[]
    const plan = db.prepare(`explain query plan ${sql}`).all(...bound) as { detail: string }[]
    const scans = plan.filter(({ detail }) => /SCAN (context|e|v|t|s)\b/.test(detail))
    // Whose work is due: a table without content, of all users, with a row for each that has some.
    if (name !== 'work') expect(scans, `${name}: ${sql}`).toEqual([])
  }
  db.close()
})
