/** What raw SQL under the application role sees: rows of the user that its transaction names, and no other. */
import { type Client, Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTroupe, defineMessage, type Troupe } from '../../src/index.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './server.ts'

const Note = defineMessage('note')
const missing = await missingServer()
const schema = schemaName('rls')

describe.skipIf(missing !== undefined)('under the application role', () => {
  let troupe: Troupe
  let pool: Pool
  let tables: string[]

  beforeAll(async () => {
    troupe = await createTroupe({ storage: { url: server, schema }, log: 'silent' })
    for (const user of ['ada', 'bob', 'eve']) {
      const agent = troupe.user(user).agent('A')
      for (let i = 0; i < 20; i++) await agent.context.push(`k${i}`, { secret: user }, { topics: ['t'] })
      await agent.context.push('k0', { secret: user, again: true })
      await agent.messages.send(Note, `for ${user}`, { to: 'B' })
    }
    pool = new Pool({ connectionString: server, max: 4 })
    const { rows } = await pool.query(
      `select c.relname as name from pg_class c where c.relnamespace = $1::text::regnamespace and c.relkind = 'r'
       and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id')
       and coalesce(obj_description(c.oid, 'pg_class'), '') <> 'work' order by 1`,
      [schema],
    )
    tables = rows.map(({ name }) => name)
  })
  afterAll(async () => {
    await pool?.end()
    await troupe?.close()
    await dropSchema(schema)
  })

  const as = (user: string) =>
    `begin; select set_config('search_path', '${schema}', true), set_config('troupe.user', '${user}', true), set_config('role', 'troupe_app', true)`

  test('every table that has a user is a work table or has row-level security, forced', async () => {
    const { rows } = await pool.query(
      `select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced from pg_class c
       where c.relnamespace = $1::text::regnamespace and c.relname = any($2)`,
      [schema, tables],
    )
    expect(rows.filter(({ forced }) => !forced)).toEqual([])
    expect(tables).toContain('context_entries')
    expect(tables).toContain('messages')
    expect(tables).toContain('storage_feed')
    expect(tables.length).toBeGreaterThan(20)
  })

  test('the role owns nothing and is not free of it', async () => {
    const { rows } = await pool.query(
      `select rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, exists (select from pg_class c where c.relowner = r.oid) as owns
       from pg_roles r where rolname = 'troupe_app'`,
    )
    expect(rows).toEqual([
      { rolsuper: false, rolbypassrls: false, rolcanlogin: false, rolcreaterole: false, owns: false },
    ])
  })

  test('without a user there are no rows, in no table', async () => {
    for (const setting of ["set_config('troupe.user', '', true)", '1'])
      await withClient(async (client) => {
        await client.query(`begin; set local search_path = ${schema}; set local role troupe_app; select ${setting}`)
        for (const table of tables) {
          const { rows } = await client.query(`select count(*)::int as count from ${table}`)
          expect([table, rows[0].count]).toEqual([table, 0])
        }
      })
  })

  test('a thousand uses of pooled connections after errors and cancels show no foreign row', async () => {
    let foreign = 0
    let own = 0
    const users = ['ada', 'bob', 'eve', '']
    for (let i = 0; i < 1_000; i++) {
      const user = users[i % 4] as string
      const client = await pool.connect()
      try {
        await client.query(as(user))
        const { rows } = await client.query({
          name: 'all_entries',
          text: 'select user_id, value from context_entries union all select user_id, payload from messages union all select user_id, data from storage_feed',
        })
        own += rows.filter((row) => row.user_id === user).length
        foreign += rows.filter((row) => row.user_id !== user).length
        if (i % 5 === 0) await client.query('select 1 / 0').catch(() => {})
        if (i % 50 === 7) {
          const { rows: me } = await client.query('select pg_backend_pid() as pid')
          const sleeping = client.query('select pg_sleep(20)').catch((error: Error) => error.message)
          await pool.query('select pg_cancel_backend($1)', [me[0].pid])
          expect(await sleeping).toMatch(/cancel/)
        }
      } finally {
        await client.query(i % 2 === 0 ? 'rollback' : 'commit')
        client.release()
      }
    }
    expect(foreign).toBe(0)
    expect(own).toBeGreaterThan(750 * 20)
  })

  test('another user’s rows can be neither written, changed nor deleted', async () => {
    await withClient(async (client) => {
      await client.query(as('ada'))
      expect((await client.query("update context_entries set value = '0' where user_id = 'bob'")).rowCount).toBe(0)
      expect((await client.query("delete from messages where user_id = 'bob'")).rowCount).toBe(0)
      const insert = "insert into context_topics (user_id, grantee) values ('bob', '#x')"
      await expect(client.query(insert)).rejects.toThrow(/row-level security/)
    })
  })

  test('a taken key of another user is no key that is taken, and the error says nothing of it', async () => {
    await withClient(async (client: Client) => {
      await client.query(as('ada'))
      const text = "insert into context_subscriptions (user_id, agent, grantee) values ('bob', 'A', '#t')"
      const error = await client.query(text).then(
        () => undefined,
        (failed: Error & { detail?: string }) => `${failed.message} ${failed.detail ?? ''}`,
      )
      expect(error).toMatch(/row-level security/)
      expect(error).not.toMatch(/exists/)
    })
  })

  test('the indexes by user serve under the policy', async () => {
    await withClient(async (client) => {
      await client.query(as('ada'))
      await client.query('set local enable_seqscan = off')
      const { rows } = await client.query("explain select * from context_entries where user_id = 'ada' and key = 'k1'")
      expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/Index Scan using context_entries_pkey/)
    })
  })

  test('storage of the troupe itself sees one user per read', async () => {
    const items = await troupe.user('ada').agent('A').context.list({ prefix: 'k' })
    expect(items.items.every(({ value }) => (value as { secret: string }).secret === 'ada')).toBe(true)
    expect(items.items).toHaveLength(20)
  })
})
