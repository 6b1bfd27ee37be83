/** What the doctor sees of a server: roles, row-level security, indexes, clocks, room for connections, and a pooler before it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/index.ts'
import { createTroupe, type Troupe, type TroupeConfig } from '../../src/index.ts'
import { type DoctorResult, examineConfig } from '../../src/operations.ts'
import { freePort } from './cluster.ts'
import { Pooler, pgbouncer } from './pooler.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './postgres-server.ts'

const missing = await missingServer()
const hasPooler = pgbouncer() !== undefined
if (!hasPooler) process.stderr.write('skipped: no pgbouncer\n')
const login = `troupe_doctor_${process.pid}`
const schemas: string[] = []
const fresh = () => {
  const schema = schemaName(`doctor_${schemas.length}`)
  schemas.push(schema)
  return schema
}

async function checksOf(troupe: Troupe): Promise<Readonly<Record<string, DoctorResult>>> {
  const { checks } = await troupe.doctor()
  return Object.fromEntries(checks.map((check) => [check.id, check]))
}
const examined = async (storage: TroupeConfig['storage'], more: Partial<TroupeConfig> = {}) => {
  await using troupe = await createTroupe({ storage, log: 'silent', ...more })
  return await checksOf(troupe)
}
const broken = (found: Readonly<Record<string, DoctorResult>>) =>
  Object.values(found).filter(({ evidence }) => evidence.startsWith('The check itself'))
const asLogin = Object.assign(new URL(server), { username: login, password: '' }).href

describe.skipIf(missing !== undefined)('the doctor on PostgreSQL', () => {
  beforeAll(() => withClient((client) => client.query(`create role ${login} login`)))
  afterAll(async () => {
    for (const schema of schemas) await dropSchema(schema)
    await withClient(async (client) => {
      await client.query(`drop owned by ${login}`)
      await client.query(`drop role if exists ${login}`)
    })
  })

  test('The doctor passes for a serving role that owns nothing, in production.', async () => {
    const found = await examined(
      { url: asLogin, migrateUrl: server, schema: fresh(), poolSize: 4 },
      {
        profile: 'production',
        encryption: { keys: [{ id: 'k', key: 'ab'.repeat(32) }] },
        // Other tests may take the processor for longer than the default of a second.
        health: { lag: '30s' },
      },
    )
    const ids = [
      'troupe.opens',
      'storage.shared',
      'storage.pool',
      'storage.isolation',
      'storage.role',
      'storage.listen',
    ]
    const more = [
      'storage.indexes',
      'clock.agrees',
      'encryption.rest',
      'health.good',
      'writes.undisputed',
      'messages.frozen',
    ]
    expect(
      Object.fromEntries([...ids, ...more].filter((id) => found[id]?.status !== 'pass').map((id) => [id, found[id]])),
    ).toEqual({})
    // Its disk is the server's own affair.
    expect(found['storage.space']).toMatchObject({
      status: 'warn',
      evidence: expect.stringContaining('is not visible from here'),
    })
    expect(broken(found)).toEqual([])
  })

  test('The doctor reports a role that could see all users, too many connections, and differing clocks.', async () => {
    const clock = { ...systemClock, now: () => systemClock.now() - 60_000 }
    const found = await examined({ url: server, schema: fresh(), poolSize: 1_000 }, { clock })
    expect(found['storage.role']).toMatchObject({ status: 'warn', remedy: expect.stringContaining('migrateUrl') })
    expect(found['storage.pool']).toMatchObject({ status: 'fail', remedy: expect.stringContaining('storage.poolSize') })
    expect(found['clock.agrees']).toMatchObject({ status: 'fail', evidence: expect.stringContaining('behind') })
  })

  test('The doctor counts the connections against the limit of the role.', async () => {
    const limit = (n: number) => withClient((client) => client.query(`alter role ${login} connection limit ${n}`))
    await limit(5)
    const storage = { url: asLogin, migrateUrl: server, schema: fresh() }
    const found = await examined({ ...storage, poolSize: 4 })
    const fitting = await examined({ ...storage, poolSize: 3 })
    await limit(-1)
    expect(found['storage.pool']).toMatchObject({
      status: 'fail',
      evidence: 'Up to 6 connections of this process; the server accepts 5.',
    })
    expect(fitting['storage.pool']).toMatchObject({ status: 'warn' })
  })

  test('The doctor reports tables without row-level security, and a missing index.', async () => {
    const schema = fresh()
    await using troupe = await createTroupe({ storage: { url: server, schema }, log: 'silent' })
    expect((await checksOf(troupe))['storage.isolation']).toMatchObject({ status: 'pass' })
    await withClient(async (client) => {
      await client.query(`alter table ${schema}.context_entries disable row level security`)
      await client.query(`drop index ${schema}.messages_dead`)
    })
    const found = await checksOf(troupe)
    expect(found['storage.isolation']).toMatchObject({
      status: 'fail',
      evidence: expect.stringContaining('context_entries'),
    })
    expect(found['storage.indexes']).toMatchObject({
      status: 'fail',
      evidence: expect.stringContaining('messages_dead'),
    })
  })

  test('The doctor reports pending migrations, and applies none.', async () => {
    const schema = fresh()
    const config = { storage: { url: server, schema } } as const
    await (await createTroupe({ ...config, log: 'silent' })).close()
    const count = `select count(*)::int as steps from ${schema}.storage_schema`
    const steps = () => withClient(async (client) => (await client.query(count)).rows[0].steps as number)
    await withClient((client) => client.query(`delete from ${schema}.storage_schema where module = 'observability'`))
    const before = await steps()
    const { checks } = await examineConfig(config)
    expect(checks.find(({ id }) => id === 'storage.migrated')).toMatchObject({
      status: 'warn',
      evidence: expect.stringContaining('observability 1'),
    })
    expect(await steps()).toBe(before)
  })

  test('The doctor checks what each user has, under row-level security.', async () => {
    await using troupe = await createTroupe({
      storage: { url: asLogin, migrateUrl: server, schema: fresh() },
      messaging: { maxAttempts: 1 },
      log: 'silent',
    })
    for (const user of ['ada', 'bob']) {
      const to = troupe.user(user).agent('Dead')
      await to.tools.call('send_message_to_agent', { to_agent: 'Dead', message: 'x' })
      const [delivery] = await to.mailbox.receive({ wait: '10s' })
      await delivery?.nack()
    }
    const { evidence, status } = (await checksOf(troupe))['letters.dead'] as DoctorResult
    expect({ evidence, status }).toEqual({
      evidence: '1 dead letter in Dead of ada, 1 dead letter in Dead of bob.',
      status: 'warn',
    })
  })

  describe.skipIf(!hasPooler)('the doctor behind pgbouncer in transaction mode', () => {
    let pooler: Pooler
    beforeAll(async () => {
      pooler = new Pooler({
        url: server,
        port: await freePort(),
        roles: [new URL(server).username, login],
        connections: 3,
      })
      await pooler.start()
    })
    afterAll(() => pooler?.dispose())

    test('The doctor reports behind pgbouncer that LISTEN does not work, with the consequence and the setting.', async () => {
      const found = await examined({ url: pooler.url, schema: fresh() })
      expect(found['storage.listen']).toMatchObject({
        status: 'warn',
        evidence: expect.stringMatching(/pooler.*up to one second late; nothing is lost/),
        remedy: expect.stringContaining('listenUrl'),
      })
      expect(broken(found)).toEqual([])
    })

    test('The doctor passes behind pgbouncer with listenUrl.', async () => {
      const found = await examined({ url: pooler.url, listenUrl: server, schema: fresh() })
      expect(found['storage.listen']).toMatchObject({ status: 'pass' })
    })
  })
})
