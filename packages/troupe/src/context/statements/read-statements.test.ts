import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { sqliteDialect, storageMigrations } from '../../storage/index.ts'
import { contextMigrations } from '../context-migrations.ts'
import { createReadStatements } from './read-statements.ts'
import { now } from './visibility.ts'
import { createWriteStatements } from './write-statements.ts'

describe('a list on SQLite', () => {
  const reads = createReadStatements(sqliteDialect)
  const range = { from: 'k', to: 'l', limit: 101 }
  for (const count of [1, 5, 258])
    test(`A list on SQLite merges ${count} streams lazily, without a sort or a temporary table.`, () => {
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

describe('a page on SQLite reads a row of visibility per stream, and one per entry and grantee of the reader', () => {
  // `TROUPE_ENTRIES=1000000` of each kind: the bounds are the same.
  const [entries, page, topics] = [Number(process.env.TROUPE_ENTRIES ?? 4_000), 100, 200]
  const reads = createReadStatements(sqliteDialect)
  const db = new DatabaseSync(':memory:')
  for (const { up } of contextMigrations) for (const sql of up.sqlite) db.exec(sql)
  let rows = 0
  db.function('seen', (_key) => {
    rows++
    return 1
  })
  const key = (i: number) => `k${String(i).padStart(7, '0')}`
  const insert =
    db.prepare(`insert into context_entries (user_id, key, version, born, change, revision, owner, audience,
      everyone, writers, created_at, updated_at, expires_at, value, stored, provenance, taint)
    values (?, ?, 1, 1, ?, 1, 'B', ?, ?, '[]', 0, 0, ?, '1', 1, '{}', '[]')`)
  // By user: everything for everyone; everything for the last of the topics; each for three of 200; few of many; and
  // everything over but the last quarter.
  const audiences: Readonly<Record<string, (i: number) => readonly string[]>> = {
    open: () => ['*'],
    last: (i) => [`#t${i % 2 ? 19 : 199}`],
    three: (i) => [0, 67, 131].map((more) => `#t${(i + more) % topics}`),
    sparse: (i) => (i % 40 === 0 ? ['#t0', '@R'] : ['#hidden']),
    over: () => ['*'],
  }
  for (const [user, audience] of Object.entries(audiences))
    for (let i = 0; i < entries; i++) {
      const named = audience(i)
      const expires = user === 'over' && i < (3 * entries) / 4 ? 1 : null
      insert.run(user, key(i), `${user}${i}`, JSON.stringify(named), named.includes('*') ? 1 : 0, expires)
    }

  for (const [user, audience] of Object.entries(audiences))
    test.each([2, 3, 5, 22, 129, 202])(
      `A page of ${user} entries on SQLite, merged from %i streams, reads a bounded number of rows.`,
      (count) => {
        const grantees = ['*', '@R', ...Array.from({ length: count - 2 }, (_, i) => `#t${i}`)]
        const mine = (i: number) => audience(i).filter((grantee) => grantees.includes(grantee)).length
        const { sql, binds } = reads.list({ user, now }, grantees, { from: '', to: undefined, limit: page }, 'keys')
        const counted = sql.replaceAll(/from context_visible where/g, 'from context_visible where seen(key) and')
        rows = 0
        const found = db
          .prepare(counted)
          .all(...(binds.map((bind) => (typeof bind === 'object' ? 2 : bind)) as string[]))
        const matching = Array.from({ length: entries }, (_, i) => i).filter((i) => mine(i) > 0)
        const shown = matching.filter((i) => user !== 'over' || i >= (3 * entries) / 4).slice(0, page)
        expect(found.map((row) => row.key)).toEqual(shown.map(key))
        const end = shown.length < page ? entries : (shown.at(-1) as number) + 1
        const examined = matching.filter((i) => i < end).reduce((sum, i) => sum + mine(i), 0)
        expect(rows).toBeGreaterThanOrEqual(shown.length)
        expect(rows).toBeLessThanOrEqual(examined + count)
      },
    )
})

test('Each context statement of one user searches an index from the user on, and scans no table.', () => {
  const { list, ...reads } = createReadStatements(sqliteDialect)
  const sample: Readonly<Record<string, string | number | typeof now>> = {
    now,
    before: now,
    all: 0,
    limit: 10,
    version: 1,
    after: '0',
    keys: '["k"]',
    changes: '["c"]',
    audience: '[]',
    writers: '[]',
    grantees: '[]',
    agents: '[]',
    names: '[]',
    retained: 1,
    maxVersions: 1,
    entries: 1,
    bytes: 1,
  }
  const db = new DatabaseSync(':memory:')
  for (const { up } of [...storageMigrations, ...contextMigrations]) for (const sql of up.sqlite) db.exec(sql)
  const values = new Proxy({}, { get: (_, name) => sample[String(name)] ?? 'text', has: () => true }) as never
  for (const [name, statement] of [...Object.entries(reads), ...Object.entries(createWriteStatements(sqliteDialect))]) {
    const { sql, binds } = statement(values)
    const bound = binds.map((bind) => (typeof bind === 'object' ? 0 : bind)) as (string | number)[]
    const plan = db.prepare(`explain query plan ${sql}`).all(...bound) as { detail: string }[]
    const scans = plan.filter(({ detail }) => /SCAN (context|e|v|t|s|h)\b/.test(detail))
    // Whose work is due: a table without content, of all users, with a row for each that has some.
    if (name !== 'work' || !sql.startsWith('select')) expect(scans, `${name}: ${sql}`).toEqual([])
  }
  db.close()
})
