/** What a list reads on PostgreSQL, counted by the engine itself: bounded by the page and the streams, by nothing else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingServer, server, withClient } from '../../../test/postgres/postgres-server.ts'
import { systemClock } from '../../core/index.ts'
import { type Opened, openMesh } from '../context-testbed.test.fixture.ts'
import { now } from '../statements/visibility.ts'

const missing = await missingServer()
const schema = `troupe_list_bounds_${process.pid}`
/** `TROUPE_ENTRIES=1000000` of each user: the bounds are the same. */
const [entries, topics, page] = [Number(process.env.TROUPE_ENTRIES ?? 20_000), 200, 100]
const fillMs = 60_000 + entries / 2
/** A user's counts are one row, whose versions of one transaction all stay. */
const batchSize = 1_000
const padded = (i: number) => `k${String(i).padStart(7, '0')}`
const streams = ['*', '@R', ...Array.from({ length: topics }, (_, i) => `#t${i}`)]

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly Plan[]
}
/** Given and thrown away, at most: the engine gives the mean of the loops, rounded. */
function rowsOf(plan: Plan, table: string): number {
  const own = plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)
  const inner = (plan.Plans ?? []).reduce((sum, each) => sum + rowsOf(each, table), 0)
  const rounded = plan['Actual Loops'] > 1 && own !== 1 ? 0.5 : 0
  return inner + (plan['Relation Name'] === table ? (own + rounded) * plan['Actual Loops'] : 0)
}

describe.skipIf(missing)('a page on PostgreSQL', () => {
  let opened: Opened

  beforeAll(async () => {
    opened = await openMesh(systemClock, { url: server, schema })
    // Of ada every hundredth entry is for everyone, the rest for one of twice as many topics as the reader has; of bob
    // everything is for everyone; of eve nothing is but the last.
    const fill = (user: string, audience: string, from: number) => `insert into ${schema}.context_entries
      (user_id, key, version, born, change, revision, owner, audience, everyone, writers, created_at, updated_at, value, stored,
        provenance, taint)
      select '${user}', 'k' || lpad(i::text, 7, '0'), 1, 1, 'c' || i, 1, 'B', a.audience, (a.audience = '["*"]')::int, '[]', 0, 0,
        '{"n":1}', 7, '{"agent":"B"}', '[]'
      from generate_series(${from}, ${Math.min(from + batchSize - 1, entries)}) i cross join lateral (select ${audience} as audience) a`
    const audiences = {
      ada: `case when i % 100 = 0 then '["*"]' else '["#t' || (i % ${2 * topics}) || '"]' end`,
      bob: `'["*"]'`,
      eve: `case when i = ${entries} then '["*"]' else '["#hidden"]' end`,
    }
    await withClient(async (client) => {
      for (const [user, audience] of Object.entries(audiences))
        for (let from = 1; from <= entries; from += batchSize) await client.query(fill(user, audience, from))
      await client.query(`analyze ${schema}.context_entries, ${schema}.context_visible`)
    })
  }, fillMs)
  afterAll(async () => {
    await opened[Symbol.asyncDispose]()
    await withClient((client) => client.query(`drop schema ${schema} cascade`))
  })

  const visibleTo = (user: string, count: number) => (i: number) =>
    user === 'bob' || (user === 'eve' ? i === entries : i % 100 === 0 || i % (2 * topics) < count - 2)

  for (const user of ['ada', 'bob', 'eve'])
    for (const count of [2, 3, 22, 202])
      for (const from of ['', padded(entries / 2)])
        test(`A page of ${user} on PostgreSQL, merged from ${count} streams, reads few rows from ${from || 'the first key'} on.`, async () => {
          const grantees = streams.slice(0, count)
          const list = opened.mesh.core.reads.list(
            { user, now },
            grantees,
            { from, to: undefined, limit: page },
            'keys',
          )
          const [keys = []] = await opened.storage.read({ user }, [{ ...list, returns: true }])
          const all = Array.from({ length: entries }, (_, i) => i + 1)
            .filter(visibleTo(user, count))
            .map(padded)
          expect(keys.map(({ key }) => key)).toEqual(all.filter((key) => key >= from).slice(0, page))

          const explained = { ...list, sql: `explain (analyze, format json) ${list.sql}`, returns: true }
          const [[found] = []] = await opened.storage.read({ user }, [explained])
          const { Plan: plan } = JSON.parse(String(found?.['QUERY PLAN']))[0] as { Plan: Plan }
          const rows = rowsOf(plan, 'context_visible')
          expect(rows).toBeGreaterThan(0)
          expect(rows).toBeLessThanOrEqual(count * (page + Math.ceil(page / count) + 1))
          expect(rowsOf(plan, 'context_entries')).toBeLessThanOrEqual(page)
        })
})
