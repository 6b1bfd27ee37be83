/** The conformance suite on PostgreSQL, a schema of its own for each case. */
import { afterAll, describe, expect, test } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../test/postgres/postgres-server.ts'
import { seededRandom, systemClock, type UserId } from '../../core/index.ts'
import { storageConformance } from '../../testing/index.ts'
import { openStorage } from '../index.ts'

const missing = await missingServer()
const schemas: string[] = []
const fresh = () => {
  const schema = schemaName(`test_${schemas.length}`)
  schemas.push(schema)
  return schema
}

test.each([
  ['url', { url: 'postgres://db.test/x' }],
  ['migrateUrl', { postgres: { migrateUrl: 'postgres://db.test/x' } }],
  ['listenUrl', { postgres: { listenUrl: 'postgres://db.test/x' } }],
])('A storage in production rejects a remote %s without TLS before it connects.', async (_, options) => {
  const clock = systemClock
  const local = { url: 'postgres://127.0.0.1:1/x', migrations: [], clock, random: seededRandom(1), production: true }
  await expect(openStorage({ ...local, ...options })).rejects.toMatchObject({
    code: 'config.unsafe',
    message: expect.stringContaining('db.test'),
  })
})

describe.skipIf(missing !== undefined)('the storage on PostgreSQL', () => {
  afterAll(async () => {
    for (const schema of schemas) await dropSchema(schema)
  })
  for (const { name, run } of storageConformance((options) =>
    openStorage({
      ...options,
      url: server,
      postgres: { schema: fresh() },
      time: 'clock',
      random: seededRandom(schemas.length),
    }),
  ))
    test(name, run)

  test('A change behind a rejected one is committed on PostgreSQL, even if the rejection prevented preparation.', async () => {
    const storage = await openStorage({
      url: server,
      postgres: { schema: fresh(), poolSize: 1 },
      migrations: [],
      clock: systemClock,
      random: seededRandom(1),
    })
    const own = { id: null, scope: { user: 'ada' as UserId } }
    const feed = [{ kind: 'put', key: 'k', data: '{}' }] as const
    const guard = { sql: 'select 1 where false', binds: [], expect: { rows: 1 } } as const
    const outcomes = await Promise.all([
      // The others come while it is on its way, and go together.
      storage.commit({ ...own, statements: [] }),
      storage.commit({ ...own, statements: [guard], feed }),
      storage.commit({ ...own, statements: [], feed }),
    ])
    await storage.close()
    expect(outcomes).toMatchObject([{ ok: true }, { ok: false, statement: 0 }, { ok: true, revision: 1 }])
  })
})
