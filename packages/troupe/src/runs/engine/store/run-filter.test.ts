import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { sqliteDialect } from '../../../storage/index.ts'
import { listRuns, type RunFilter } from './run-filter.ts'
import { runMigrations } from './run-migrations.ts'
import { addWords, maxWords, searchWordsIn } from './run-words.ts'

const db = new DatabaseSync(':memory:')
for (const { up } of runMigrations) for (const statement of up.sqlite) db.exec(statement)
const insert =
  db.prepare(`insert into runs (user_id, run_id, status, tags, agents, parent, team, created_at, updated_at, cost, tokens, ended_at)
  values ('ada', ?, ?, ?, '["Lead"]', ?, ?, ?, 0, ?, ?, ?)`)
const { sql: labelling } = addWords(sqliteDialect)({ user: '', run: '', words: '' })
const label = db.prepare(labelling)
const mark = (word: string) => `mark of ${word}`
for (let i = 0; i < 200; i++) {
  insert.run(
    `r${i}`,
    i % 50 === 0 ? 'failed' : 'completed',
    `["t${i % 10}","all"]`,
    i === 7 ? '{"run":"r1"}' : null,
    i % 20 === 0 ? 'trips' : null,
    i,
    i / 100,
    (i * 7) % 200,
    // A run that has not ended has no duration.
    i < 100 ? i + ((i * 3) % 100) : null,
  )
  label.run(...bindsOf({ run: `r${i}`, words: searchWordsIn([`Task ${i % 30}`, { of: ['Zürich'] }]) }))
}
function bindsOf({ run, words }: { readonly run: string; readonly words: readonly string[] }): string[] {
  const { binds } = addWords(sqliteDialect)({ user: 'ada', run, words: JSON.stringify(words.map(mark)) })
  return [...binds] as string[]
}
const found = (filter: RunFilter, limit = 500) => {
  const { sql, binds } = listRuns(sqliteDialect, 'ada', filter, limit, undefined, mark)
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
    [{ team: 'trips', status: 'failed' }, ['r100', 'r0']],
    [{ search: 'task 29 zürich' }, ['r179', 'r149', 'r119', 'r89', 'r59', 'r29']],
    [{ search: 'TASK, 0', team: 'trips' }, ['r180', 'r120', 'r60', 'r0']],
    [{ search: 'tas 29' }, []],
    [{ order: 'cost', status: 'failed' }, ['r150', 'r100', 'r50', 'r0']],
    [{ order: 'tokens', tags: ['t3'], maxCost: 0.5 }, ['r23', 'r43', 'r13', 'r33', 'r3']],
    [
      { order: 'status', tags: ['t0'], from: '1970-01-01T00:00:00.090Z', to: '1970-01-01T00:00:00.121Z' },
      ['r100', 'r120', 'r110', 'r90'],
    ],
    [{ order: 'duration', team: 'trips' }, ['r60', 'r20', 'r80', 'r40', 'r180', 'r160', 'r140', 'r120', 'r100', 'r0']],
  ])('A list of runs filtered by %j contains the runs that match.', (filter, ids) => {
    expect(found(filter)).toEqual(ids)
  })

  it.each<RunFilter>([
    {},
    { status: 'failed' },
    { tags: ['t3'] },
    { agent: 'Lead' },
    { parent: 'r1' },
    { team: 'trips' },
    { search: 'task 29' },
    { search: 'task', team: 'trips', tags: ['all'] },
    { tags: ['t3'], status: 'failed', from: '2026-01-01' },
    { order: 'cost' },
    { order: 'tokens', status: 'failed', from: '2026-01-01' },
    { order: 'duration' },
    { order: 'status' },
    { order: 'status', status: 'completed', from: '2026-01-01' },
  ])('A list of runs filtered by %j reads an index in its order, without a scan or a sort.', (filter) => {
    const { sql, binds } = listRuns(sqliteDialect, 'ada', filter, 50, { at: 100, run: 'r100', status: 'failed' }, mark)
    const plan = db
      .prepare(`explain query plan ${sql}`)
      .all(...(binds as (string | number)[]))
      .map((row) => String(row.detail))
    expect(plan.join('\n')).not.toMatch(/SCAN|TEMP B-TREE/)
  })
})

it('A list of runs reads the outline of a long result, and the result if an earlier release has changed it since.', () => {
  const read = () => {
    const { sql, binds } = listRuns(sqliteDialect, 'ada', { parent: 'r1' }, 1, undefined, mark)
    const row = db.prepare(sql).get(...(binds as (string | number)[]))
    return [row?.outline, row?.result]
  }
  expect(read()).toEqual([null, null])
  const change = (columns: string) => db.exec(`update runs set ${columns} where run_id = 'r7'`)
  change(`result = 'long', outline = 'short', outline_at = 7, updated_at = 7`)
  expect(read()).toEqual(['short', null])
  change(`result = 'longer', updated_at = 8`)
  expect(read()).toEqual([null, 'longer'])
  change(`result = null, outline = null, outline_at = null, updated_at = 0`)
})

describe('the words of a run', () => {
  it('The search words of a run are its words and numbers in lower case, and single characters of unspaced scripts.', () => {
    expect(searchWordsIn(['Plan a TRIP', { to: ['Åland', 17], by: null }, undefined, true])).toEqual([
      'plan',
      'a',
      'trip',
      'åland',
      '17',
    ])
    expect(searchWordsIn(['东京 tower', 'ｆｕｌｌ'])).toEqual(['东', '京', 'tower', 'full'])
  })
  it('The search words of a run are bounded in number and in the text that is read.', () => {
    expect(searchWordsIn([Array.from({ length: 10_000 }, (_, i) => `w${i}`).join(' ')])).toHaveLength(maxWords)
    expect(searchWordsIn(['a '.repeat(50_000), 'late'])).toEqual(['a'])
  })
})

it('The words of a long list are read only until there are enough.', () => {
  let reads = 0
  const list = new Proxy(Array.from({ length: 10_000 }, (_, i) => i) as number[], {
    get: (target, name) => {
      reads++
      return Reflect.get(target, name) as unknown
    },
  })
  expect(searchWordsIn([list])).toHaveLength(maxWords)
  expect(reads).toBeLessThan(1_000)
})
