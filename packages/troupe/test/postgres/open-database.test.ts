/** Opening a database: at once from several places, and what it keeps of itself. */
import { afterAll, describe, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { type Hint, openStorage, type PostgresOptions, type StorageRetention } from '../../src/storage/index.ts'
import { FaultProxy } from './fault-proxy.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './postgres-server.ts'
import { dumpSchema } from './schema-dump.ts'

const missing = await missingServer()
const schemas = ['at_once', 'roles', 'sweep', 'lines', 'many', 'earlier', 'away'].map(schemaName)
const open = (postgres: PostgresOptions, retention: StorageRetention = {}) =>
  openStorage({ url: server, postgres, migrations: [], clock: systemClock, random: systemRandom, retention })
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe.skipIf(missing !== undefined)('opening', () => {
  afterAll(async () => {
    for (const schema of schemas) await dropSchema(schema)
  })

  test('Eight concurrent openings create the schema once.', async () => {
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

  test('A schema of an earlier build is rejected with storage.incompatible and is not changed.', async () => {
    const schema = schemas[5] as string
    const rejected = () => expect(open({ schema })).rejects.toMatchObject({ code: 'storage.incompatible' })
    const run = (sql: string) => withClient((client) => client.query(sql))
    const dump = () => withClient((client) => dumpSchema(client, schema))
    await (await open({ schema })).close()
    await run(`create table ${schema}.run_leases (run_id text)`)
    const before = await dump()
    await rejected()
    expect(await dump()).toEqual(before)
    await run(`drop table ${schema}.run_leases; alter table ${schema}.storage_schema rename column module to chamber`)
    await rejected()
    await run(`alter table ${schema}.storage_schema rename column chamber to module`)
    await (await open({ schema })).close()
  })

  test('A schema without a table that its migrations created is rejected with storage.corrupt.', async () => {
    const schema = schemas[5] as string
    const run = (sql: string) => withClient((client) => client.query(sql))
    await (await open({ schema })).close()
    for (const table of ['storage_blobs', 'storage_schema']) {
      await run(`alter table ${schema}.${table} rename to removed`)
      await expect(open({ schema })).rejects.toMatchObject({
        code: 'storage.corrupt',
        message: expect.stringContaining(`the table ${table} is missing`),
      })
      await run(`alter table ${schema}.removed rename to ${table}`)
    }
    await (await open({ schema })).close()
  })

  test('The cleanup removes old ids and revisions, and the feed reports its horizon.', async () => {
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
    await expect.poll(async () => (await tables()).storage_changes).toBe(0)
    // A round that falls among the commits leaves up to a quarter more than asked.
    await expect.poll(async () => (await tables()).storage_feed).toBeLessThanOrEqual(25)
    const stored = (await tables()).storage_feed as number
    expect(stored).toBeGreaterThanOrEqual(20)
    const horizon = 60 - stored
    expect(await storage.feed('ada', 0, 10)).toMatchObject({ items: [], head: 60, horizon })
    expect((await storage.feed('ada', horizon, 100)).items).toHaveLength(stored)
    await storage.close()
  })

  test('The storage loses no notification if its listening connections are killed.', async () => {
    const [here, there] = [await open({ schema: schemas[3] as string }), await open({ schema: schemas[3] as string })]
    let newest = 0
    const works = new Set<string>()
    here.onHint((hint: Hint) => {
      if ('user' in hint) newest = Math.max(newest, hint.revision)
      else if ('work' in hint) works.add(hint.work)
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
    await expect.poll(() => [newest, works.has('mailboxes')]).toEqual([20, true])
    expect(here.state().state).toBe('open')
    await Promise.all([here.close(), there.close()])
  })

  test('The safety read finds every user that changed, and foreign notifications do no harm.', async () => {
    const schema = schemas[4] as string
    const storage = await open({ schema })
    const hinted = new Set<string>()
    storage.onHint((hint) => 'user' in hint && hinted.add(hint.user))
    const noted: unknown[] = []
    storage.broadcast?.on((message) => noted.push(message))
    await pause(1_200)
    await withClient(async (client) => {
      const junks = ['junk', 'null', '["x",7]', '["x",[null,1,{"work":"x"},{"user":7}],[{},"after all"]]']
      for (const junk of junks) await client.query('select pg_notify($1, $2)', [`troupe_${schema}`, junk])
      // As if as many processes had died between commit and telling.
      await client.query(`insert into ${schema}.storage_revisions (user_id, revision, horizon, at)
        select 'u' || n, 1, 0, floor(extract(epoch from clock_timestamp()) * 1000) from generate_series(1, 20050) n`)
    })
    await expect.poll(() => hinted.size).toBe(20_050)
    expect(noted).toEqual(['after all'])
    await storage.close()
  })

  test('A server that rejects connections at first is opened when it answers.', async () => {
    const before = await FaultProxy.open(server)
    const { port } = before
    await before.close()
    const opening = openBy(port)
    await pause(600)
    const proxy = await FaultProxy.open(server, undefined, port)
    await (await opening).close()
    await proxy.close()
  })

  test.each([
    ['its first message', 'startup', 1],
    ['a statement about its tables', 'P', 1],
    ['a statement about the server', 'P', 2],
    ['its first message for what is inspected', 'startup', 2],
    ['its first message for the pool', 'startup', 3],
    ['the first poll', 'P', 3],
    ['its first message for hints', 'startup', 4],
    ['the statement that listens', 'Q', 4],
  ])('A server that goes away before %s is opened when it is back.', async (_, type, connection) => {
    const proxy = await FaultProxy.open(server, {
      at: (message) => message.connection === connection && message.type === type,
      when: 'before',
      how: 'cut',
    })
    const storage = await openBy(proxy.port)
    expect(proxy.reached).toMatchObject({ connection, type })
    expect(storage.state().state).toBe('open')
    await storage.close()
    await proxy.close()
  })

  test('A server that stays away is abandoned after acquireTimeout.', async () => {
    const begun = performance.now()
    await expect(
      openStorage({ ...base('postgres://127.0.0.1:1/shop'), postgres: { acquireTimeout: '700ms' } }),
    ).rejects.toMatchObject({ code: 'storage.unreachable', retryable: true })
    expect(performance.now() - begun).toBeGreaterThan(690)
  })

  test('A server that is unreachable is reported without the password.', async () => {
    const unreachable = openStorage({
      ...base('postgres://ada:secret@127.0.0.1:1/shop'),
      postgres: { acquireTimeout: '1s' },
    })
    const error = await unreachable.then(
      () => undefined,
      (failed: Error) => failed,
    )
    expect(error).toMatchObject({ code: 'storage.unreachable', details: { path: 'postgres://ada@127.0.0.1:1/shop' } })
    expect(`${error?.message} ${error?.cause} ${error?.stack}`).not.toContain('secret')
  })

  test('An unreachable migrateUrl or listenUrl is named in the error.', async () => {
    for (const wrong of ['migrateUrl', 'listenUrl'])
      await expect(
        open({ schema: schemas[4] as string, [wrong]: 'postgres://eve@127.0.0.1:1', acquireTimeout: '1s' }),
      ).rejects.toMatchObject({
        code: 'storage.unreachable',
        details: { path: expect.stringContaining('eve@127.0.0.1:1') },
      })
  })
})

/** Through a proxy, with all that its URL says of the server but the port. */
const openBy = (port: number) =>
  open({ url: Object.assign(new URL(server), { port: String(port) }).href, schema: schemas[6] as string })
const base = (url: string) => ({ url, migrations: [], clock: systemClock, random: systemRandom })
