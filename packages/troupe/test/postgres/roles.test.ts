/** The roles of PostgreSQL: one owns the tables, one only logs in, and who could see all users does not serve them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { createTroupe } from '../../src/index.ts'
import { openStorage, type PostgresOptions } from '../../src/storage/index.ts'
import { binaries } from './binaries.ts'
import { Cluster, freePort } from './cluster.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './postgres-server.ts'

const missing = await missingServer()
const [owner, login, deputy] = ['owner', 'login', 'deputy'].map((name) => `troupe_${name}_${process.pid}`) as [
  string,
  string,
  string,
]
const at = (user: string) => Object.assign(new URL(server), { username: user, password: '' }).href
const [schema, otherSchema] = [schemaName('roles'), schemaName('roles_other')]
const encryption = { keys: [{ id: 'test', key: new Uint8Array(32) }] }
const open = (url: string, postgres: PostgresOptions, production = false) =>
  openStorage({ url, postgres, production, migrations: [], clock: systemClock, random: systemRandom })

describe.skipIf(missing !== undefined)('the roles of PostgreSQL', () => {
  beforeAll(() =>
    withClient(async (client) => {
      const { rows } = await client.query('select current_database() as name')
      const database = client.escapeIdentifier(rows[0].name)
      // The first troupe of a server makes it, and its role is one for all of the server's databases.
      await open(server, { schema: schemaName('first') }).then((storage) => storage.close())
      await client.query(`create role ${owner} login createrole`)
      await client.query(`create role ${login} login`)
      await client.query(`create role ${deputy} login`)
      await client.query(`grant ${owner} to ${deputy}`)
      await client.query(`grant create on database ${database} to ${owner}`)
      await client.query(`grant troupe_app to ${owner} with admin option`)
    }),
  )
  afterAll(async () => {
    await dropSchema(schema)
    await dropSchema(schemaName('first'))
    await withClient(async (client) => {
      for (const role of [deputy, login, owner]) {
        await client.query(`drop owned by ${role}`)
        await client.query(`drop role ${role}`)
      }
    })
  })

  test('The role that owns the tables creates them, and a login role serves.', async () => {
    await expect(open(at(login), { schema })).rejects.toMatchObject({
      code: 'storage.denied',
      message: expect.stringContaining('permission denied'),
      hint: expect.stringContaining('migrateUrl'),
    })
    const storage = await open(at(login), { schema, migrateUrl: at(owner) }, true)
    const feed = [{ kind: 'put', key: 'k', data: '{}' }] as const
    const result = await storage.commit({ id: null, scope: { user: 'ada' }, statements: [], feed })
    expect(result).toMatchObject({ ok: true, revision: 1 })
    expect((await storage.sizes()).tables.storage_feed).toBe(1)
    expect((await storage.feed('bob', 0, 10)).head).toBe(0)
    expect(await storage.check()).toEqual([])
    await storage.close()
    // The tables are there: no right to make any is needed any more.
    await (await open(at(login), { schema }, true)).close()
  })

  test('A server in read-only mode rejects a write, the state of the storage shows it, and the change is retried on another connection.', async () => {
    const storage = await open(at(login), { schema, migrateUrl: at(owner) })
    const change = {
      id: null,
      scope: { user: 'ada' },
      statements: [],
      feed: [{ kind: 'put', key: 'k', data: '{}' }],
    } as const
    expect(await storage.commit(change)).toMatchObject({ ok: true })
    await storage.close()
    await withClient((client) => client.query(`alter role ${login} set default_transaction_read_only = on`))
    const standby = await open(at(login), { schema })
    const states: string[] = []
    standby.onState(({ state }) => states.push(state))
    try {
      await expect(standby.commit(change)).rejects.toMatchObject({
        code: 'storage.writes_rejected',
        retryable: true,
        message: expect.stringContaining('in a read-only transaction'),
      })
      expect(standby.state()).toMatchObject({
        state: 'failed',
        problem: expect.stringContaining('in a read-only transaction'),
      })
    } finally {
      await withClient((client) => client.query(`alter role ${login} reset default_transaction_read_only`))
    }
    expect(await standby.commit(change)).toMatchObject({ ok: true })
    expect([standby.state(), states]).toEqual([{ state: 'open' }, ['failed', 'open']])
    await standby.close()
  })

  test('A serving role and the application role can create nothing, and cannot become another role.', async () => {
    await withClient(async (client) => {
      for (const role of [login, 'troupe_app']) {
        const { rows } = await client.query(
          `select has_schema_privilege(r.oid, $2, 'create') as in_schema, has_schema_privilege(r.oid, 'public', 'create') as in_public,
            has_database_privilege(r.oid, current_database(), 'create') as in_database,
            rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as powers,
            exists (select from pg_shdepend d where d.refobjid = r.oid and d.deptype = 'o') as owns,
            array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid) as roles
            from pg_roles r where rolname = $1`,
          [role, schema],
        )
        const none = { in_schema: false, in_public: false, in_database: false, powers: false, owns: false }
        expect(rows).toEqual([{ ...none, roles: role === login ? ['troupe_app'] : [] }])
      }
    })
    for (const become of ['select 1', 'set role troupe_app'])
      await withClient(async (client) => {
        await client.query(become)
        for (const statement of [
          `create table ${schema}.mine (n int)`,
          'create table public.mine (n int)',
          `alter table ${schema}.storage_feed no force row level security`,
          `drop table ${schema}.storage_feed`,
          `create policy mine on ${schema}.storage_feed using (true)`,
          `set role ${owner}`,
        ])
          await expect(client.query(statement)).rejects.toThrow(/permission denied|must be owner/)
      }, at(login))
  })

  test('A superuser, the owner and its members cannot serve in production.', async () => {
    for (const url of [server, at(owner), at(deputy)]) {
      const rejected = { code: 'storage.insecure' }
      await expect(open(url, { schema }, true)).rejects.toMatchObject(rejected)
      const config = { storage: { url, schema }, profile: 'production', encryption } as const
      await expect(createTroupe(config)).rejects.toMatchObject(rejected)
      // It was refused before it changed anything: this one could still read it.
      await (await open(url, { schema })).close()
    }
  })

  test('A superuser and the owner can serve outside production, and the check warns of them.', async () => {
    for (const url of [server, at(owner)]) {
      const storage = await open(url, { schema })
      expect(await storage.check()).toMatchObject([{ code: 'storage.powerful_role', severity: 'warning' }])
      await storage.close()
    }
    await withClient((client) => client.query(`grant create on schema ${schema} to ${login}`))
    const storage = await open(at(login), { schema }, true)
    expect(await storage.check()).toMatchObject([{ code: 'storage.creating_role', severity: 'warning' }])
    await storage.close()
    await withClient((client) => client.query(`revoke create on schema ${schema} from ${login}`))
  })

  test('A backup of PostgreSQL by a role that does not see all rows is rejected, and a member of the owner makes one.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-roles-'))
    const backup = async (name: string, postgres: PostgresOptions) => {
      const troupe = await createTroupe({ storage: { schema: otherSchema, ...postgres }, log: 'silent' })
      try {
        await troupe.user('ada').context.push('k', 1)
        return await troupe.backup(join(folder, name))
      } finally {
        await troupe.close()
      }
    }
    const names = []
    for (const migrateUrl of [at(owner), at(deputy), server]) {
      const name = new URL(migrateUrl).username
      names.push(name)
      expect((await backup(name, { url: at(login), migrateUrl })).rows.context_entries).toBe(1)
    }
    await expect(backup('login', { url: at(login) })).rejects.toMatchObject({
      code: 'storage.denied',
      message: expect.stringContaining(`${login} does not see all rows`),
      hint: expect.stringContaining('migrateUrl'),
    })
    expect(readdirSync(folder).sort()).toEqual(names.sort())
    rmSync(folder, { recursive: true })
    await dropSchema(otherSchema)
  })

  test('A role without the right to create schemas creates the tables in a schema that it has.', async () => {
    await withClient((client) => client.query(`create schema ${otherSchema} authorization ${deputy}`))
    await withClient((client) => client.query(`grant troupe_app to ${deputy}; revoke ${owner} from ${deputy}`))
    await (await open(at(deputy), { schema: otherSchema })).close()
    await dropSchema(otherSchema)
  })

  test.each(['statement_timeout', 'lock_timeout'])(
    'A process waits for the migration of another one for longer than the %s of its role.',
    async (timeout) => {
      await withClient((client) => client.query(`alter role ${owner} set ${timeout} = '2s'`))
      try {
        await withClient(async (client) => {
          await client.query('begin')
          await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
            `troupe migrates ${otherSchema}`,
          ])
          const opening = open(at(owner), { schema: otherSchema })
          opening.catch(() => {})
          const isWaiting = () =>
            withClient(async (other) => {
              const { rows } = await other.query(
                `select from pg_stat_activity where usename = $1 and wait_event = 'advisory'
                  and clock_timestamp() > query_start + interval '2500ms'`,
                [owner],
              )
              return rows.length
            })
          await expect.poll(isWaiting, { timeout: 20_000, interval: 20 }).toBe(1)
          await client.query('commit')
          await (await opening).close()
        })
      } finally {
        await withClient((client) => client.query(`alter role ${owner} reset ${timeout}`))
        await dropSchema(otherSchema)
      }
    },
  )

  test('A statement that the timeout of a role cancels is rejected with the settings that can be its cause.', async () => {
    await withClient((client) => client.query(`alter role ${owner} set statement_timeout = '1ms'`))
    try {
      const error = await open(at(owner), { schema: otherSchema }).catch((thrown) => thrown)
      expect(error).toMatchObject({
        code: 'storage.slow',
        message: expect.stringMatching(/cancelled a statement: canceling statement due to statement timeout\.$/),
        hint: expect.stringContaining('statement_timeout of the role'),
      })
    } finally {
      await withClient((client) => client.query(`alter role ${owner} reset statement_timeout`))
      await dropSchema(otherSchema)
    }
  })

  test.each([
    ['alter table TABLE no force row level security', 'alter table TABLE force row level security'],
    ['create policy everyone on TABLE using (true)', 'drop policy everyone on TABLE'],
  ])('A database is not opened after "%s", and the check of an open one reports it.', async (weaken, restore) => {
    const storage = await open(at(login), { schema })
    const execute = (text: string) =>
      withClient((client) => client.query(text.replace('TABLE', `${schema}.storage_feed`)))
    await execute(weaken)
    expect(await storage.check()).toMatchObject([{ code: 'storage.insecure', severity: 'error' }])
    await expect(open(at(login), { schema })).rejects.toThrow(/not forced on storage_feed/)
    await storage.close()
    await execute(restore)
  })

  test('The key rotation of PostgreSQL finds the keys of all users after the tables got another owner.', async () => {
    const key = (id: string, byte: number) => ({ id, key: new Uint8Array(32).fill(byte) })
    const storage = { url: at(login), schema: otherSchema }
    const openAs = (migrateUrl: string, ...keys: readonly ReturnType<typeof key>[]) =>
      createTroupe({ storage: { ...storage, migrateUrl }, encryption: { keys }, log: 'silent' })
    const before = await openAs(at(owner), key('old', 1))
    await before.user('ada').context.push('k', 1)
    await before.close()
    await withClient((client) =>
      client.query(
        `revoke ${owner} from ${deputy}; grant troupe_app to ${deputy}; reassign owned by ${owner} to ${deputy}`,
      ),
    )
    const troupe = await openAs(at(deputy), key('old', 1), key('new', 2))
    expect(await troupe.encryption.rotate({ to: key('new', 2) })).toMatchObject({ users: 1 })
    await troupe.close()
    const after = await openAs(at(deputy), key('new', 2))
    expect(await after.user('ada').context.get('k')).toBe(1)
    await after.close()
    await dropSchema(otherSchema)
  })
})

const bin = binaries()
if (!bin) process.stderr.write('skipped: no programs of PostgreSQL\n')

describe.skipIf(bin === undefined)('the roles of the page', () => {
  test('The PostgreSQL roles of docs/postgres.md work in production on a new server, and when created twice.', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../../../docs/postgres.md'), 'utf8')
    const [, roles = ''] = /```sql\n(.*?)```/s.exec(page) ?? []
    const cluster = new Cluster({ bin: bin as string, port: await freePort() })
    try {
      cluster.start()
      await withClient((client) => client.query('create database shop'), cluster.url)
      await withClient((client) => client.query(roles), cluster.url)
      const of = (user: string) => `postgres://${user}@127.0.0.1:${cluster.port}/shop`
      for (let n = 1; n <= 2; n++) {
        const storage = { url: of('shop'), migrateUrl: of('shop_owner') }
        const troupe = await createTroupe({ storage, profile: 'production', encryption, log: 'silent' })
        await troupe.user('ada').context.push('k', n)
        expect(await troupe.user('ada').context.get('k')).toBe(n)
        await troupe.close()
      }
    } finally {
      cluster.dispose()
    }
  })
})
