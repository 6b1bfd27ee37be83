/** All of storage behind pgbouncer in transaction mode, where each transaction may be another connection of the server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededRandom, systemClock, systemRandom } from '../../src/core/index.ts'
import { createTroupe } from '../../src/index.ts'
import { type Hint, openStorage, type PostgresOptions } from '../../src/storage/index.ts'
import { storageConformance } from '../../src/testing/index.ts'
import { freePort } from './cluster.ts'
import { Pooler, pgbouncer } from './pooler.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './postgres-server.ts'

const program = pgbouncer()
if (!program) process.stderr.write('skipped: no pgbouncer\n')
const missing = (await missingServer()) ?? (program ? undefined : 'no pgbouncer')
const login = `troupe_login_${process.pid}`

describe.skipIf(missing !== undefined)('the storage behind pgbouncer in transaction mode', () => {
  let pooler: Pooler
  const schemas: string[] = []
  const fresh = () => {
    const schema = schemaName(`bouncer_${schemas.length}`)
    schemas.push(schema)
    return schema
  }
  const open = (postgres: PostgresOptions) =>
    openStorage({ url: pooler.url, postgres, migrations: [], clock: systemClock, random: systemRandom })

  beforeAll(async () => {
    const port = await freePort()
    pooler = new Pooler({ url: server, port, roles: [new URL(server).username, login], connections: 3 })
    await pooler.start()
    process.stderr.write(`${program}\n`)
  })
  afterAll(async () => {
    await pooler?.dispose()
    for (const schema of schemas) await dropSchema(schema)
    await withClient((client) => client.query(`drop role if exists ${login}`))
  })

  for (const { name, run } of storageConformance((options) =>
    openStorage({
      ...options,
      url: pooler.url,
      postgres: { schema: fresh() },
      time: 'clock',
      random: seededRandom(schemas.length),
    }),
  ))
    test(name, run)

  test('The storage behind pgbouncer prepares no statement, and sets nothing that outlives a transaction.', async () => {
    const storage = await open({ schema: fresh() })
    const sql = 'select count(*) as count from pg_prepared_statements'
    for (let i = 0; i < 20; i++)
      expect(await storage.read({ work: true }, [{ sql, binds: [], returns: true }])).toEqual([[{ count: 0 }]])
    const jit = { sql: "select current_setting('jit') as jit", binds: [], returns: true }
    expect(await storage.read({ work: true }, [jit])).toEqual([[{ jit: 'off' }]])
    await storage.close()
    const normal = await withClient((client) => client.query('show search_path'))
    for (let i = 0; i < 6; i++) {
      const text = "select current_setting('search_path') as search_path, current_setting('troupe.user', true) as user"
      const { rows } = await withClient((client) => client.query(text), pooler.url)
      expect([rows[0].search_path, rows[0].user ?? '']).toEqual([normal.rows[0].search_path, ''])
    }
  })

  test('The storage behind pgbouncer serves with a login role, while another role migrates directly.', async () => {
    const schema = fresh()
    await withClient((client) => client.query(`create role ${login} login`))
    const url = Object.assign(new URL(pooler.url), { username: login }).href
    const troupe = await createTroupe({
      storage: { url, schema, migrateUrl: server, listenUrl: Object.assign(new URL(server), { username: login }).href },
      profile: 'production',
      encryption: { keys: [{ id: 'test', key: new Uint8Array(32) }] },
      log: 'silent',
    })
    const agent = troupe.user('ada').agent('A')
    await agent.context.push('k', 1)
    expect(await agent.context.get('k')).toBe(1)
    await troupe.close()
    await withClient((client) => client.query(`drop owned by ${login}`))
  })

  test('Four users share three connections behind pgbouncer a thousand times and see no foreign row.', async () => {
    const troupe = await createTroupe({ storage: { url: pooler.url, schema: fresh(), poolSize: 8 }, log: 'silent' })
    const users = ['ada', 'bob', 'eve', 'joe']
    for (const user of users) await troupe.user(user).agent('A').context.push('k', user)
    let own = 0
    for (let i = 0; i < 250; i++) {
      const values = await Promise.all(
        users.map((user) =>
          troupe
            .user(user)
            .agent(i % 2 ? 'A' : 'B')
            .context.get('k'),
        ),
      )
      own += values.filter((value, n) => value === users[n]).length
    }
    expect(own).toBe(1_000)
    await troupe.close()
  })

  /** Which queue another process hears of first: a look cannot tell, so it begins with the first of all. */
  const codesEmitted = async (postgres: PostgresOptions, first: string) => {
    const [here, there] = [await open(postgres), await open(postgres)]
    const queues: string[] = []
    here.onHint((hint: Hint) => 'work' in hint && queues.push(hint.work))
    const wake = async () => {
      queues.length = 0
      await there.commit({ id: null, scope: { user: 'ada' }, statements: [], wake: ['mailboxes'] })
      await expect.poll(() => queues.length).toBeGreaterThan(0)
      return queues[0]
    }
    // A look may come just before the word does.
    await expect.poll(wake).toBe(first)
    const findings = (await here.check()).map(({ code }) => code)
    await Promise.all([here.close(), there.close()])
    return findings
  }

  test('The storage behind pgbouncer without LISTEN still receives notifications, and emits a warning.', async () => {
    expect(await codesEmitted({ schema: fresh() }, 'timers')).toContain('storage.no_listen')
  })

  test('The storage behind pgbouncer receives notifications with listenUrl.', async () => {
    expect(await codesEmitted({ schema: fresh(), listenUrl: server }, 'mailboxes')).not.toContain('storage.no_listen')
  })

  test('The storage behind pgbouncer loses no change if pgbouncer is killed and restarts.', async () => {
    const storage = await open({ schema: fresh(), acquireTimeout: '20s' })
    const feed = [{ kind: 'put', key: 'k', data: '{}' }] as const
    let isActive = true
    const written = (async () => {
      let done = 0
      for (; isActive; done++) await storage.commit({ id: null, scope: { user: 'ada' }, statements: [], feed })
      return done
    })()
    for (let i = 0; i < 3; i++) {
      await pooler.stop()
      await pooler.start()
      await storage.commit({ id: null, scope: { user: 'bob' }, statements: [], feed })
    }
    isActive = false
    const done = await written
    expect((await storage.feed('ada', 0, 1)).head).toBe(done)
    await storage.close()
  })
})
