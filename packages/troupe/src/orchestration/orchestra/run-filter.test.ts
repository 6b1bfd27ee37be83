import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { sqliteDialect } from '../../storage/index.ts'
import { orchestrationMigrations } from './migrations.ts'
import { listRuns, type RunFilter } from './run-filter.ts'

const db = new DatabaseSync(':memory:')
for (const { up } of orchestrationMigrations) for (const statement of up.sqlite) db.exec(statement)
const insert =
  db.prepare(`insert into runs (user_id, run_id, status, tags, agents, parent, created_at, updated_at, cost)
  values ('ada', ?, ?, ?, '["Lead"]', ?, ?, 0, ?)`)
for (let i = 0; i < 200; i++)
  insert.run(
    `r${i}`,
    i % 50 === 0 ? 'failed' : 'completed',
    `["t${i % 10}","all"]`,
    i === 7 ? '{"run":"r1"}' : null,
    i,
    i / 100,
  )
const found = (filter: RunFilter, limit = 500) => {
  const { sql, binds } = listRuns(sqliteDialect, 'ada', filter, limit)
  return db
    .prepare(sql)
    .all(...(binds as (string | number)[]))
    .map((row) => String(row.run_id))
}

describe('a list of runs', () => {
  it.each<[RunFilter, readonly string[]]>([
    [{ status: 'failed' }, ['r150', 'r100', 'r50', 'r0']],
    [{ status: 'failed', order: 'oldest' }, ['r0', 'r50', 'r100', 'r150']],
    [{ tags: ['t3', 'all'], minCost: 1.5, maxCost: 1.8 }, ['r173', 'r163', 'r153']],
    [{ parent: 'r1' }, ['r7']],
    [{ agent: 'Lead', from: '1970-01-01T00:00:00.005Z', to: '1970-01-01T00:00:00.007Z' }, ['r6', 'r5']],
    [{ tags: ['none'] }, []],
  ])('of %j is those that fit', (filter, ids) => {
    expect(found(filter)).toEqual(ids)
  })

  it.each<RunFilter>([
    {},
    { status: 'failed' },
    { tags: ['t3'] },
    { agent: 'Lead' },
    { parent: 'r1' },
    { tags: ['t3'], status: 'failed', from: '2026-01-01' },
  ])('of %j goes along an index in its order, and neither scans nor sorts', (filter) => {
    const { sql, binds } = listRuns(sqliteDialect, 'ada', filter, 50, { createdAt: 100, run: 'r100' })
    const plan = db
      .prepare(`explain query plan ${sql}`)
      .all(...(binds as (string | number)[]))
      .map((row) => String(row.detail))
    expect(plan.join('\n')).not.toMatch(/SCAN|TEMP B-TREE/)
  })
})
