/** Opening a database: at once from several places, with a role of its own for the tables, and what it keeps of itself. */
import { afterAll, describe, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { type Hint, openStorage, type PostgresOptions, type Retention } from '../../src/storage/index.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './server.ts'

const missing = await missingServer()
const schemas = ['at_once', 'roles', 'sweep', 'lines', 'plain'].map(schemaName)
const open = (postgres: PostgresOptions, retention: Retention = {}) =>
  openStorage({ url: server, postgres, migrations: [], clock: systemClock, random: systemRandom, retention })
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe.skipIf(missing !== undefined)('opening', () => {
  afterAll(async () => {
    for (const schema of schemas) await dropSchema(schema)
    await withClient(async (client) => {
      for (const role of ['troupe_test_owner', 'troupe_test_login']) {
        await client.query(`drop owned by ${role}`).catch(() => {})
        await client.query(`drop role if exists ${role}`)
      }
    })
  })

  test('eight at once make the schema once', async () => {
    const schema = schemas[0] as string
    const all = await Promise.all(Array.from({ length: 8 }, () => open({ schema, poolSize: 2 })))
    const results = await Promise.all(
      all.map((storage, i) =>
        storage.commit({
          id: `${i}`,
          scope: { user: 'ada' },
          statements: [],
          feed: [{ kind: 'put', key: 'k', data: '{}' }],
        }),
      ),
    )
    const revisions = results.map((result) => result.ok && result.revision).sort()
    expect(revisions).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    await Promise.all(all.map((storage) => storage.close()))
  })

  test('roles that are no superusers: one owns the tables, the other only logs in', async () => {
    const schema = schemas[1] as string
    const database = await withClient(async (client) => {
      await client.query('create role troupe_test_owner login createrole')
      await client.query('create role troupe_test_login login')
      const { rows } = await client.query('select current_database() as name')
      await client.query(`grant create on database "${rows[0].name}" to troupe_test_owner`)
      await client.query('grant troupe_app to troupe_test_owner with admin option').catch(() => {})
      return rows[0].name as string
    })
    const { hostname, port } = new URL(server)
    const at = (user: string) => `postgres://${user}@${hostname}:${port || 5432}/${database}`
    await expect(openStorage({ ...base(at('troupe_test_login')), postgres: { schema } })).rejects.toMatchObject({
      code: 'storage.io',
    })
    const storage = await openStorage({
      ...base(at('troupe_test_login')),
      postgres: { schema, migrateUrl: at('troupe_test_owner') },
    })
    const feed = [{ kind: 'put', key: 'k', data: '{}' }] as const
    const result = await storage.commit({ id: null, scope: { user: 'ada' }, statements: [], feed })
    expect(result).toMatchObject({ ok: true, revision: 1 })
    expect((await storage.sizes()).tables.storage_feed).toBe(1)
    expect((await storage.feed('bob', 0, 10)).head).toBe(0)
    await storage.close()
    // The tables are there: no right to make any is needed any more.
    await (await openStorage({ ...base(at('troupe_test_login')), postgres: { schema } })).close()
  })

  test('old ids and revisions go, and the floor says so', async () => {
    const retention = { every: '50ms', changeIds: '200ms', feed: '1h', feedRevisions: 20 } as const
    const storage = await open({ schema: schemas[2] as string }, retention)
    for (let i = 0; i < 60; i++)
      await storage.commit({
        id: `${i}`,
        scope: { user: 'ada' },
        statements: [],
        feed: [{ kind: 'put', key: `${i}`, data: '{}' }],
      })
    const tables = async () => (await storage.sizes()).tables
    await expect.poll(async () => (await tables()).storage_changes, { timeout: 10_000 }).toBe(0)
    // A round that falls among the commits leaves up to a quarter more than asked.
    await expect.poll(async () => (await tables()).storage_feed, { timeout: 10_000 }).toBeLessThanOrEqual(25)
    const kept = (await tables()).storage_feed as number
    expect(kept).toBeGreaterThanOrEqual(20)
    const floor = 60 - kept
    expect(await storage.feed('ada', 0, 10)).toMatchObject({ items: [], head: 60, floor })
    expect((await storage.feed('ada', floor, 100)).items).toHaveLength(kept)
    await storage.close()
  })

  test('listening connections that are killed cost no hint', async () => {
    const [here, there] = [await open({ schema: schemas[3] as string }), await open({ schema: schemas[3] as string })]
    let newest = 0
    const works = new Set<string>()
    here.onHint((hint: Hint) => {
      if ('user' in hint) newest = Math.max(newest, hint.revision)
      else works.add(hint.work)
    })
    await pause(1_200)
    for (let i = 0; i < 20; i++) {
      if (i % 5 === 0)
        await withClient((client) =>
          client.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'troupe hints'",
          ),
        )
      const feed = [{ kind: 'put', key: `${i}`, data: '{}' }] as const
      await there.commit({ id: null, scope: { user: 'ada' }, statements: [], feed, wake: ['mailboxes'] })
      await pause(20)
    }
    await expect.poll(() => [newest, works.has('mailboxes')], { timeout: 4_000 }).toEqual([20, true])
    expect(here.state().state).toBe('open')
    await Promise.all([here.close(), there.close()])
  })

  test('a server that is not there is said to be, without the password', async () => {
    const away = openStorage({ ...base('postgres://ada:secret@127.0.0.1:1/shop'), postgres: { acquireTimeout: '1s' } })
    const error = await away.then(
      () => undefined,
      (failed: Error) => failed,
    )
    expect(error).toMatchObject({ code: 'storage.io' })
    expect(`${error?.message} ${error?.cause} ${error?.stack}`).not.toContain('secret')
  })
})

const base = (url: string) => ({ url, migrations: [], clock: systemClock, random: systemRandom })
