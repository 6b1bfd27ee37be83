import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { sqliteDialect } from '../../storage/index.ts'
import { contextMigrations } from '../context-migrations.ts'
import { createReadStatements } from './read-statements.ts'
import { now } from './visibility.ts'

describe('a list on SQLite', () => {
  const reads = createReadStatements(sqliteDialect)
  const range = { from: 'k', to: 'l', limit: 101 }
  for (const count of [1, 5, 256])
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
