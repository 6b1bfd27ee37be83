/**
 * A connection that is killed between COMMIT and its answer. A server that waits for a standby which does not exist has
 * committed by then: what nobody was told is there.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { type Migration, type OpenedStorage, openStorage } from '../../src/storage/index.ts'
import { binaries } from './binaries.ts'
import { Cluster, freePort } from './cluster.ts'

const bin = binaries()
if (!bin) process.stderr.write('skipped: no programs of PostgreSQL\n')
const migrations: readonly Migration[] = [
  {
    module: 'notes',
    version: 1,
    name: 'notes',
    lowestReader: 1,
    up: { sqlite: [], postgres: ['create table notes (user_id text not null, n bigint not null)'] },
  },
]
const scope = { user: 'ada' }

describe.skipIf(bin === undefined)('a lost answer after the commit', () => {
  let cluster: Cluster
  let client: Client
  let storage: OpenedStorage
  beforeAll(async () => {
    cluster = new Cluster({
      bin: bin as string,
      port: await freePort(),
      settings: { max_wal_senders: '4', track_functions: 'pl' },
    })
    cluster.start()
    // The bare URL, with the default schema.
    storage = await openStorage({ url: cluster.url, migrations, clock: systemClock, random: systemRandom })
    client = new Client({ connectionString: cluster.url })
    await client.connect()
    await client.query('set synchronous_commit = local')
  })
  afterAll(async () => {
    await storage?.close()
    await client?.end()
    cluster?.dispose()
  })

  const standby = async (name: string) => {
    await client.query(`alter system set synchronous_standby_names = '${name}'`)
    await client.query('select pg_reload_conf()')
    await expect
      .poll(async () => (await client.query('show synchronous_standby_names')).rows[0].synchronous_standby_names)
      .toBe(name)
    // The other connections hear of it a moment after this one.
    await pause(500)
  }
  /**
   * Commits a change, and kills its connection once its first COMMIT is done.
   * @returns the result or error of the change; the server still waits for a standby
   */
  const killed = async (id: string | null, n: number, { returns = false, isFed = true, isFresh = false } = {}) => {
    await standby('nobody')
    const sql = `insert into notes (user_id, n) values ($1, $2)${returns ? ' returning n' : ''}`
    const statements = [{ sql, binds: ['ada', n], expect: { rows: 1 }, returns }]
    const feed = isFed ? [{ kind: 'put', key: `${n}`, data: '{}' } as const] : []
    const change = storage.commit({ id, ...(isFresh && { fresh: true }), scope, statements, feed }).then(
      (result) => result,
      (error: unknown) => error,
    )
    const waiting = "application_name = 'troupe' and wait_event = 'SyncRep'"
    // Others may wait there too, as what cleans up; the change was among those killed once what it wrote is seen.
    const kill = async () => {
      await client.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${waiting}`)
      return (await client.query('select n from troupe.notes where n = $1', [n])).rowCount
    }
    await expect.poll(kill).toBe(1)
    return { change }
  }
  /** @returns what the change was answered, once its first COMMIT was done and its connection killed */
  const losing = async (...named: Parameters<typeof killed>) => {
    const { change } = await killed(...named)
    await standby('')
    return change
  }
  const notes = async (n: number) => {
    const count = [{ sql: 'select count(*) as count from notes where n = $1', binds: [n], returns: true }]
    return (await storage.read(scope, count))[0]?.[0]?.count
  }

  test('A lost answer is found by the id of the change, which is done once.', async () => {
    expect(await losing('mine', 1, { returns: true })).toMatchObject({ ok: true, repeated: true, revision: 1 })
    expect(await notes(1)).toBe(1)
  })

  test('A lost answer is found even if the caller gave no id.', async () => {
    expect(await losing(null, 2)).toMatchObject({ ok: true, repeated: true, revision: 2 })
    expect(await notes(2)).toBe(1)
  })

  test('A lost answer is reported as lost if the caller gave no id and needs rows.', async () => {
    expect(await losing(null, 3, { returns: true })).toMatchObject({
      code: 'storage.io',
      message: expect.stringMatching(/was committed, its answer is lost/),
    })
    expect(await notes(3)).toBe(1)
    expect((await storage.feed('ada', 0, 10)).head).toBe(3)
  })

  test('A lost answer is found by a generated id, and ids of callers are looked up.', async () => {
    const countLookups = async () => {
      const { rows } = await client.query("select calls from pg_stat_user_functions where funcname = 'troupe_begin'")
      return Number(rows[0]?.calls ?? 0)
    }
    const before = await countLookups()
    const add = (n: number, id: string | null, fresh?: true) =>
      storage.commit({
        id,
        ...(fresh && { fresh }),
        scope,
        statements: [{ sql: 'insert into notes (user_id, n) values ($1, $2)', binds: ['ada', n] }],
        feed: [{ kind: 'put', key: `${n}`, data: '{}' }],
      })
    for (let i = 0; i < 20; i++) await add(100 + i, `made-${i}`, true)
    expect(await losing('made', 10, { returns: true, isFresh: true })).toMatchObject({ ok: true, repeated: true })
    expect(await notes(10)).toBe(1)
    for (let i = 0; i < 20; i++) await add(200 + i, `given-${i}`)
    await expect.poll(countLookups).toBeGreaterThanOrEqual(before + 20)
    expect(await countLookups()).toBeLessThan(before + 40)
  })

  test('PostgreSQL storage answers a change whose connection was lost only when the standby has it too.', async () => {
    const { change } = await killed('replicated', 4)
    let isAnswered = false
    void change.then(() => {
      isAnswered = true
    })
    const waiting = "wait_event = 'SyncRep' and query like '%from storage_changes%'"
    const waits = async () =>
      isAnswered || (await client.query(`select from pg_stat_activity where ${waiting}`)).rowCount === 1
    await expect.poll(waits, { timeout: 10_000 }).toBe(true)
    expect(isAnswered).toBe(false)
    await standby('')
    expect(await change).toMatchObject({ ok: true, repeated: true })
  })

  test('PostgreSQL storage looks a change up whose connection was lost until the server accepts writes.', async () => {
    await client.query('alter database postgres set default_transaction_read_only = on')
    const { change } = await killed('read-only', 5, { isFed: false })
    await pause(500)
    await client.query('alter database postgres reset default_transaction_read_only')
    await standby('')
    expect(await change).toMatchObject({ ok: true, repeated: true })
    expect(await notes(5)).toBe(1)
  })
})
