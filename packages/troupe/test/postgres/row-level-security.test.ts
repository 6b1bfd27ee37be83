/** What raw SQL under the application role sees: rows of the user that its transaction names, and no other. */
import { type Client, Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTroupe, defineMessage, type Troupe } from '../../src/index.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './postgres-server.ts'

const Note = defineMessage('note')
const missing = await missingServer()
const schema = schemaName('rls')

describe.skipIf(missing !== undefined)('the application role', () => {
  let troupe: Troupe
  let pool: Pool
  let tables: string[]

  beforeAll(async () => {
    troupe = await createTroupe({ storage: { url: server, schema }, log: 'silent' })
    for (const user of ['ada', 'bob', 'eve']) {
      const agent = troupe.user(user).agent('A')
      for (let i = 0; i < 20; i++) await agent.context.push(`k${i}`, { secret: user }, { topics: ['t'] })
      await agent.context.push('k0', { secret: user, repeated: true })
      await agent.messages.send(Note, `for ${user}`, { to: 'B' })
    }
    pool = new Pool({ connectionString: server, max: 4 })
    const { rows } = await pool.query(
      `select c.relname as name from pg_class c where c.relnamespace = $1::text::regnamespace and c.relkind = 'r'
       and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id')
       and coalesce(obj_description(c.oid, 'pg_class'), '') not like 'work%' order by 1`,
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

  test('Every table that has a user is a work table or has forced row-level security.', async () => {
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

  test('The application role owns nothing and cannot bypass row-level security.', async () => {
    const { rows } = await pool.query(
      `select rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, exists (select from pg_class c where c.relowner = r.oid) as owns
       from pg_roles r where rolname = 'troupe_app'`,
    )
    expect(rows).toEqual([
      { rolsuper: false, rolbypassrls: false, rolcanlogin: false, rolcreaterole: false, owns: false },
    ])
  })

  test('A transaction without a user sees no rows of any table.', async () => {
    for (const setting of ["set_config('troupe.user', '', true)", '1'])
      await withClient(async (client) => {
        await client.query(`begin; set local search_path = ${schema}; set local role troupe_app; select ${setting}`)
        for (const table of tables) {
          // Changes of work tables are nobody's, and an id is all that is kept of them.
          const { rows } = await client.query(`select count(*)::int as count from ${table} where user_id <> ''`)
          expect([table, rows[0].count]).toEqual([table, 0])
        }
      })
  })

  test('A thousand uses of pooled connections after errors and cancels show no foreign row.', async () => {
    let foreign = 0
    let own = 0
    const everything = ['context_entries', 'messages', 'storage_feed']
      .map((table) => `select user_id from ${schema}.${table}`)
      .join(' union all ')
    const total = (await pool.query(everything)).rows.length
    const users = ['ada', 'bob', 'eve', '']
    for (let i = 0; i < 1_000; i++) {
      const user = users[i % 4] as string
      const client = await pool.connect()
      try {
        // The same plan, prepared in this connection, now and then as who sees all.
        if (i % 10 === 3)
          expect((await client.query({ name: 'everything', text: everything })).rows).toHaveLength(total)
        await client.query(as(user))
        const { rows } = await client.query({ name: 'everything', text: everything })
        own += rows.filter((row) => row.user_id === user).length
        foreign += rows.filter((row) => row.user_id !== user).length
        if (i % 5 === 0) await client.query('select 1 / 0').catch(() => {})
        if (i % 50 === 7) {
          const { rows: me } = await client.query('select pg_backend_pid() as pid')
          let asleep = true
          const sleeping = client
            .query('select pg_sleep(20)')
            .catch((error: Error) => error.message)
            .finally(() => {
              asleep = false
            })
          // A cancel that comes before the statement does nothing.
          while (asleep) await pool.query('select pg_cancel_backend($1)', [me[0].pid])
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

  test('The rows of another user can be neither written, changed nor deleted.', async () => {
    await withClient(async (client) => {
      await client.query(as('ada'))
      expect((await client.query("update context_entries set value = '0' where user_id = 'bob'")).rowCount).toBe(0)
      expect((await client.query("delete from messages where user_id = 'bob'")).rowCount).toBe(0)
      const insert = "insert into context_topics (user_id, grantee) values ('bob', '#x')"
      await expect(client.query(insert)).rejects.toThrow(/row-level security/)
    })
  })

  test('A key that another user has is rejected like any foreign row, and the error does not reveal it.', async () => {
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

  test('The unique keys include the user, so that a conflict reveals nothing of another user.', async () => {
    const { rows } = await pool.query(
      `select t.relname || ' ' || i.relname as name from pg_index x join pg_class i on i.oid = x.indexrelid
       join pg_class t on t.oid = x.indrelid join pg_attribute a on a.attrelid = t.oid and a.attname = 'user_id'
       where t.relnamespace = $1::text::regnamespace and t.relname = any($2) and x.indisunique
       and not a.attnum = any(x.indkey::int2[])`,
      [schema, tables],
    )
    // Its one column is a number that the database gives.
    expect(rows.map(({ name }) => name)).toEqual(['storage_feed storage_feed_pkey'])
  })

  test('The audit log is append-only, except for entries that are old.', async () => {
    const rejected = [
      'delete from security_audit',
      "update security_audit set actor = 'x'",
      'delete from security_audit_actions',
      'delete from security_audit_leaves',
      "update security_audit_leaves set digest = 'x'",
      'delete from security_audit_nodes',
      'delete from security_audit_head',
      'delete from security_audit_pending',
      "update security_audit_pending set digest = 'x'",
      "insert into security_audit_leaves (n, id, mark, digest, hash) values (1000000, 'x', 'x', 'x', 'x')",
      "insert into security_audit_nodes (last, level, hash) values (1000000, 1, 'x')",
      "update security_audit_head set size = 0, peaks = '[]'",
      "insert into security_audit_head (name, size, peaks, holder, lease_until) values ('x', 0, '[]', '', 0)",
      'update security_audit_retention set least_ms = 0',
      'update security_audit_retention set retention_ms = 0',
      'delete from security_audit_retention',
      'insert into security_audit_retention (least_ms, retention_ms) values (0, 0)',
      'truncate security_audit',
    ]
    // Leaves are added some time after their records.
    const leafCount = async () =>
      Number((await pool.query(`select count(*) from "${schema}".security_audit_leaves`)).rows[0].count)
    await expect.poll(leafCount).toBeGreaterThan(20)
    for (const text of rejected)
      await withClient(async (client) => {
        await client.query(as('ada'))
        await expect(client.query(text), text).rejects.toThrow(/permission denied/)
      })
    await withClient(async (client) => {
      await client.query(as('ada'))
      const count = async () => Number((await client.query('select count(*) from security_audit')).rows[0].count)
      const before = await count()
      expect(before).toBeGreaterThan(20)
      // Whatever moment is named, and whoever it is about.
      await client.query("select troupe_audit_retire('~', '~', 1000), troupe_audit_erase('ada', 1000)")
      expect(await count()).toBe(before)
      const leaves = async () =>
        Number((await client.query('select count(*) from security_audit_leaves')).rows[0].count)
      const allLeaves = await leaves()
      expect(allLeaves).toBeGreaterThan(4)
      await client.query("select troupe_audit_prune(0, 1, '~'), troupe_audit_prune(0, 2, '~')")
      expect(await leaves()).toBe(allLeaves)
      await client.query('rollback')
    })
  })

  test('The application role may insert into three tables of the audit log, and change none.', async () => {
    await withClient(async (client) => {
      await client.query(as('ada'))
      const { rows } = await client.query(
        `select c.relname || ' ' || privilege as right
         from pg_class c, unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) privilege
         where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p') and c.relname like 'security_audit%'
         and (has_table_privilege(c.oid, privilege)
           or privilege in ('INSERT', 'UPDATE') and has_any_column_privilege(c.oid, privilege)) order by 1`,
        [schema],
      )
      const tablesWithInserts = ['security_audit', 'security_audit_actions', 'security_audit_pending']
      expect(rows.map((row) => row.right)).toEqual(tablesWithInserts.map((table) => `${table} INSERT`))
    })
  })

  const countOf = async (client: Client) =>
    Number((await client.query("select count(*) from security_audit where user_id = 'ada'")).rows[0].count)

  test('The audit log of a user stays if the application role marks the user as erased, while a table has a row of the user.', async () => {
    await withClient(async (client) => {
      await client.query(as('ada'))
      const before = await countOf(client)
      await client.query("insert into security_erased_users (mark, user_id, at) values ('m', 'ada', 0)")
      await client.query("select troupe_audit_erase('ada', 1000)")
      expect(await countOf(client)).toBe(before)
      const others = tables.filter((name) => !/^security_(audit|incidents|api_key_users|erased_users)$/.test(name))
      for (const name of others) await client.query(`delete from ${name} where user_id = 'ada'`)
      await client.query("select troupe_audit_erase('ada', 1000)")
      expect(await countOf(client)).toBe(0)
      await client.query('rollback')
    })
  })

  test('The application role deletes no record that is younger than the configured retention by the clock of the database.', async () => {
    const days = (number: number) => Date.now() - number * 86_400_000
    const addRecord = (age: number) =>
      `insert into security_audit (user_id, id, at, actor, operation, allowed, nonce)
       select 'ada', troupe_audit_id(${days(age)}) || '0000000000000000', ${days(age)}, 'host', 'push_context', 1, 'n'`
    const retained = async () =>
      Number((await pool.query(`select retention_ms from "${schema}".security_audit_retention`)).rows[0].retention_ms)
    expect(await retained()).toBe(365 * 86_400_000)
    await withClient(async (client) => {
      await client.query(as('ada'))
      const before = await countOf(client)
      for (const age of [2, 364, 366]) await client.query(addRecord(age))
      expect((await client.query("select * from troupe_audit_retirable('~', '~')")).rows).toHaveLength(1)
      await client.query("select troupe_audit_retire('~', '~', 1000)")
      expect(await countOf(client)).toBe(before + 2)
      expect((await client.query("select * from troupe_audit_retirable('~', '~')")).rows).toHaveLength(0)
      await client.query('rollback')
    })
    const other = await createTroupe({ storage: { url: server, schema }, log: 'silent', audit: { retention: '30d' } })
    await other.close()
    expect(await retained()).toBe(30 * 86_400_000)
  })

  test('The application role adds no leaf without a record that waits for it, and changes no earlier leaf.', async () => {
    const grow = (leaves: readonly object[], size: string) =>
      `select * from troupe_audit_grow(${size}, '[]', 'x', '${JSON.stringify(leaves)}', '[]', '["x"]')`
    const size = '(select max(n) + 1 from security_audit_leaves)'
    await withClient(async (client) => {
      // In one transaction with what follows, so that the troupe of these tests takes no lease in between.
      await client.query(`begin; update "${schema}".security_audit_head set lease_until = 0`)
      await client.query(as('ada').replace('begin; ', ''))
      expect((await client.query(grow([], '0'))).rows).toEqual([])
      const text = grow([{ n: 5, id: 'x', hash: 'x' }], size)
      await expect(client.query(text)).rejects.toThrow(/no record that waits/)
      await client.query('rollback')
    })
  })

  test('The errors of a duplicate key, a missing value and a wrong one contain no values.', async () => {
    const wrong = [
      "insert into context_topics (user_id, grantee) values ('ada', '#hush'), ('ada', '#hush')",
      "insert into context_topics (user_id, grantee) values ('ada', null)",
      "insert into context_entries (user_id, key, value) values ('ada', 'hush', 'hush')",
      "insert into context_topics (user_id, grantee) values ('bob', '#hush')",
      "update context_entries set user_id = 'bob' where key = 'k1'",
    ]
    for (const text of wrong)
      await withClient(async (client) => {
        await client.query(as('ada'))
        const error = await client.query(text).then(
          () => undefined,
          (failed: Error & Record<string, unknown>) => failed,
        )
        expect(error).toBeInstanceOf(Error)
        const { message, detail, hint, where } = error as Error & Record<string, unknown>
        expect(JSON.stringify([message, detail, hint, where])).not.toMatch(/hush|bob|ada/)
      })
  })

  test('The functions over all users are a fixed list, return no values, and set their search path.', async () => {
    const { rows } = await pool.query(
      `select p.proname as name, p.proconfig::text as config, has_function_privilege('public', p.oid, 'execute') as is_public
       from pg_proc p where p.pronamespace = $1::text::regnamespace and p.prosecdef order by 1`,
      [schema],
    )
    expect([...new Set(rows.map(({ name }) => name))]).toEqual([
      // The host reads the audit log whole: who did what to which name, and no payload.
      'troupe_audit_erase',
      'troupe_audit_grow',
      'troupe_audit_leaves',
      'troupe_audit_list',
      'troupe_audit_oldest',
      'troupe_audit_prune',
      'troupe_audit_release',
      'troupe_audit_retirable',
      'troupe_audit_retire',
      'troupe_audit_strays',
      'troupe_audit_window',
      'troupe_changed',
      'troupe_cleanup',
      'troupe_next_user',
      'troupe_sizes',
    ])
    for (const { config, is_public } of rows) {
      expect(config).toMatch(new RegExp(`search_path=\\W*${schema}, pg_temp`))
      expect(is_public).toBe(false)
    }
  })

  test('An index by user serves the row-level policy of every table.', async () => {
    await withClient(async (client) => {
      await client.query(as('ada'))
      await client.query('set local enable_seqscan = off')
      for (const table of tables) {
        const { rows } = await client.query(`explain select * from ${table}`)
        const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
        expect(`${table}: ${plan}`).toMatch(/Index Cond: \(user_id = \(?(\$0|InitPlan 1)/)
      }
    })
  })

  test('An index is chosen among 50,000 rows of 500 users, for a key, a range and all rows.', async () => {
    await withClient(async (client) => {
      await client.query(`begin; set local search_path = ${schema}`)
      await client.query(
        `insert into context_visible (user_id, grantee, key)
         select 'many' || u, '#t', 'key.' || k from generate_series(1, 500) u, generate_series(1, 100) k`,
      )
      await client.query('analyze context_visible')
      await client.query("select set_config('troupe.user', 'many7', true), set_config('role', 'troupe_app', true)")
      for (const where of [
        "user_id = 'many7' and grantee = '#t' and key = 'key.5'",
        "user_id = 'many7' and grantee = '#t' and key >= 'key.1' and key < 'key.2'",
        'true',
      ]) {
        const { rows } = await client.query(`explain select * from context_visible where ${where}`)
        const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
        expect(plan).toMatch(/using context_visible_pkey|on context_visible_pkey/)
        expect(plan).not.toMatch(/Seq Scan/)
      }
      await client.query('rollback')
    })
  })

  test('The storage of the troupe itself sees one user per read.', async () => {
    const items = await troupe.user('ada').agent('A').context.list({ prefix: 'k' })
    expect(items.items.every(({ value }) => (value as { secret: string }).secret === 'ada')).toBe(true)
    expect(items.items).toHaveLength(20)
  })
})
