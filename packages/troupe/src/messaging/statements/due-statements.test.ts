/**
 * What looking for what is due reads on PostgreSQL, counted by the engine itself, with the plan it makes for any
 * values.
 */
import { afterAll, describe, expect, test } from 'vitest'
import { dropSchema, missingServer, schemaName, server, withClient } from '../../../test/postgres/postgres-server.ts'
import type { Statement } from '../../storage/index.ts'
import { type MessagingTestbed, openMessagingTestbed } from '../messaging-testbed.test.fixture.ts'

const missing = await missingServer()
const schema = schemaName('due')
const waiting = 20_000

interface Plan {
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly Plan[]
}
/** Given and thrown away. */
function rowsOf(plan: Plan): number {
  const own = (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops']
  const inner = (plan.Plans ?? []).reduce((sum, each) => sum + rowsOf(each), 0)
  return inner + (plan['Relation Name'] === undefined ? 0 : own)
}

const columns = `user_id, mailbox, seq, id, lane, sender, priority, type, version, payload, bytes, envelope, state, due,
  available_at, expires_at, created_at, attempts, failures`
const far = 4_000_000_000_000
const messages = (user: string, state: string, availableAt: number, expiresAt: number | null) =>
  `insert into ${schema}.messages (${columns}) select '${user}', 'B', i, '${user}' || i, 'normal:A', 'A', 'normal', 'note', 1,
    '1', 1, '{}', '${state}', i, ${availableAt}, ${expiresAt}, 0, 0, 0 from generate_series(1, ${waiting}) i`
const lanes = (user: string) =>
  `insert into ${schema}.mailbox_lanes (user_id, mailbox, lane, depth, head_seq, head_due, last_due, not_before, lease_until,
    leased, batch_end) select '${user}', 'B', 'normal:' || i, 1, i, i, i, 0, 0, 0, 0 from generate_series(1, ${waiting}) i`

describe.skipIf(missing)('due messages on PostgreSQL', () => {
  const opened = (async () => {
    const testbed = await openMessagingTestbed({ url: server, schema })
    await withClient(async (client) => {
      await client.query(messages('scheduled', 'scheduled', far, null))
      await client.query(messages('expiring', 'ready', 0, far))
      await client.query(`analyze ${schema}.messages`)
    })
    return testbed
  })()
  afterAll(async () => {
    await (await opened).close()
    await dropSchema(schema)
  })

  async function rowsReadBy(
    statementOf: (messaging: MessagingTestbed['mailboxes']['messaging']) => Statement,
  ): Promise<number> {
    const { messaging } = (await opened).mailboxes
    const { sql, binds } = statementOf(messaging)
    return withClient(async (client) => {
      await client.query(`set search_path to ${schema}; set plan_cache_mode = force_generic_plan`)
      const types = binds.map((bind) => (typeof bind === 'string' || bind === null ? 'text' : 'bigint'))
      await client.query(`prepare looked (${types.join(', ')}) as ${sql}`)
      const now = Date.now()
      const values = binds.map((bind) =>
        typeof bind === 'object' ? now : typeof bind === 'string' ? `'${bind}'` : bind,
      )
      const { rows } = await client.query(`explain (analyze, format json) execute looked(${values.join(', ')})`)
      return rowsOf((rows[0]['QUERY PLAN'] as [{ Plan: Plan }])[0].Plan)
    })
  }
  const claimOf = (user: string) => (messaging: MessagingTestbed['mailboxes']['messaging']) => {
    const wanted = { types: [], except: [] }
    const [due] = messaging.claim.claim({
      user,
      mailbox: 'B',
      token: 'token',
      max: 1,
      perLane: 1,
      all: undefined,
      ...wanted,
    })
    return due as Statement
  }

  test('A claim on PostgreSQL reads none of the messages that are scheduled for later.', async () => {
    expect(await rowsReadBy(claimOf('scheduled'))).toBe(0)
  })

  test('A claim on PostgreSQL reads none of the messages that expire later.', async () => {
    expect(await rowsReadBy(claimOf('expiring'))).toBe(0)
  })

  test('The next due time on PostgreSQL is read from at most two scheduled messages.', async () => {
    expect(
      await rowsReadBy((messaging) => messaging.claim.next({ user: 'scheduled', mailbox: 'B', since: 0 })),
    ).toBeLessThanOrEqual(2)
  })

  test('A wake-up from another process reads no lanes of other mailboxes.', async () => {
    await opened
    await withClient(async (client) => {
      await client.query(lanes('lanes'))
      await client.query(`analyze ${schema}.mailbox_lanes`)
    })
    expect(await rowsReadBy((messaging) => messaging.claim.anyReady({ user: 'expiring', mailbox: 'B' }))).toBe(0)
  })
})
