/** The connections of one process: how many there are, how long one is waited for, and what happens when they break. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { type Migration, type OpenedStorage, openStorage, type PostgresOptions } from '../../src/storage/index.ts'
import { missingServer, server, withClient } from './postgres-server.ts'

const missing = await missingServer()
// Connections are counted by database.
const database = `troupe_pool_${process.pid}`
const url = Object.assign(new URL(server), { pathname: `/${database}` }).href
const migrations: readonly Migration[] = [
  {
    module: 'rows',
    version: 1,
    name: 'rows',
    lowestReader: 1,
    up: {
      sqlite: [],
      postgres: ['create table rows (user_id text not null, n bigint not null, primary key (user_id, n))'],
    },
  },
]
const work = { work: true } as const
const sleepFor = (seconds: number) => [{ sql: `select pg_sleep(${seconds})`, binds: [], returns: true }]
const insert = (n: number, user = 'ada') => [{ sql: 'insert into rows (user_id, n) values ($1, $2)', binds: [user, n] }]
const connections = (where = "application_name = 'troupe'") =>
  withClient(async (client) => {
    const { rows } = await client.query(`select pid from pg_stat_activity where datname = '${database}' and ${where}`)
    return rows.map(({ pid }) => Number(pid))
  })
const terminate = async (where?: string) => {
  const pids = await connections(where)
  await withClient((client) => client.query('select pg_terminate_backend(p) from unnest($1::int[]) as p', [pids]))
  return pids.length
}

describe.skipIf(missing !== undefined)('the connections of a process', () => {
  const opened: OpenedStorage[] = []
  const open = async (postgres: PostgresOptions) => {
    const storage = await openStorage({ url, postgres, migrations, clock: systemClock, random: systemRandom })
    opened.push(storage)
    return storage
  }
  const close = () => Promise.all(opened.splice(0).map((storage) => storage.close()))
  beforeAll(() => withClient((client) => client.query(`create database ${database}`)))
  afterAll(async () => {
    await close()
    await withClient((client) => client.query(`drop database if exists ${database} with (force)`))
  })

  test('The connections of a process have JIT compilation off.', async () => {
    const storage = await open({})
    const asked = { sql: "select current_setting('jit') as jit", binds: [], returns: true }
    expect(await storage.read(work, [asked])).toEqual([[{ jit: 'off' }]])
    const change = await storage.commit({ id: null, scope: work, statements: [asked] })
    expect(change).toMatchObject({ ok: true, rows: [[{ jit: 'off' }]] })
    await close()
  })

  test('The connections of a process leave one for the heartbeat of the process.', async () => {
    const storage = await open({ poolSize: 1 })
    let busy = true
    const reads = Promise.all(Array.from({ length: 5 }, () => storage.read(work, sleepFor(0.4)))).then(() => {
      busy = false
    })
    const urgent = { id: null, scope: work, statements: [{ sql: 'select 1', binds: [] }], urgent: true } as const
    expect(await storage.commit(urgent)).toMatchObject({ ok: true })
    expect(busy).toBe(true)
    await reads
    await close()
  })

  test('The connections of a process are limited by poolSize and poolOverflow, and idle ones above the size close.', async () => {
    const storage = await open({ poolSize: 2, poolOverflow: 3 })
    const reads = Array.from({ length: 10 }, () => storage.read(work, sleepFor(0.3)))
    await expect.poll(async () => (await connections()).length).toBe(5)
    await Promise.all(reads)
    await expect.poll(async () => (await connections()).length).toBe(2)
    await close()
    expect(await connections('true')).toEqual([])
  })

  test('A caller waits for a pooled connection for acquireTimeout, and the error names the option that is too small.', async () => {
    const storage = await open({ poolSize: 1, poolOverflow: 1, acquireTimeout: '300ms' })
    const slow = [storage.read(work, sleepFor(2)), storage.read(work, sleepFor(2))]
    await expect.poll(async () => (await connections("state = 'active'")).length).toBeGreaterThanOrEqual(2)
    const rejected = { code: 'storage.exhausted', details: { connections: 2, ms: 300 } }
    await expect(storage.read(work, sleepFor(0))).rejects.toMatchObject(rejected)
    const change = { id: null, scope: { user: 'ada' }, statements: insert(1) }
    await expect(storage.commit(change)).rejects.toMatchObject(rejected)
    await Promise.all(slow)
    expect(await storage.commit(change)).toMatchObject({ ok: true })
    await close()
  })

  test('A role at its limit of connections is reported with the limits to raise, and opened when others end.', async () => {
    const role = `troupe_pool_login_${process.pid}`
    await withClient((client) => client.query(`create role ${role} login connection limit 3 in role troupe_app`))
    try {
      const limited = { url: Object.assign(new URL(url), { username: role }).href, migrateUrl: url, poolSize: 1 }
      await open(limited)
      const rejected = { code: 'storage.connection_limit', status: 503, retryable: true }
      await expect(open({ ...limited, acquireTimeout: '300ms' })).rejects.toMatchObject({
        ...rejected,
        message: expect.stringContaining('too many connections for role'),
        hint: expect.stringContaining('max_connections'),
      })
      const second = open(limited)
      await close()
      expect((await second).state().state).toBe('open')
      await close()
    } finally {
      await close()
      await withClient((client) => client.query(`drop owned by ${role}; drop role ${role}`), url)
    }
  })

  test('A database that accepts no connections is reported as one that rejects the role.', async () => {
    const accept = (does: boolean) =>
      withClient((client) => client.query(`alter database ${database} allow_connections ${does}`))
    await accept(false)
    await expect(open({})).rejects.toMatchObject({ code: 'storage.denied', retryable: false })
    await accept(true)
  })

  test('The connections of a process are replaced after recycle.', async () => {
    const storage = await open({ poolSize: 1, recycle: '1s' })
    const own = async () => {
      const [[row] = []] = await storage.read(work, [
        { sql: 'select pg_backend_pid() as pid', binds: [], returns: true },
      ])
      return row?.pid
    }
    const first = await own()
    expect(await own()).toBe(first)
    await expect.poll(own).not.toBe(first)
    await close()
  })

  test('A statement ends after statementTimeout, and the storage continues to serve.', async () => {
    const storage = await open({ poolSize: 1, statementTimeout: '200ms' })
    const slow = { code: 'storage.slow', details: { ms: 200 } }
    await expect(storage.read(work, sleepFor(5))).rejects.toMatchObject(slow)
    const statements = [...insert(2), ...sleepFor(5)]
    const change = { id: null, scope: { user: 'ada' }, statements }
    await expect(storage.commit(change)).rejects.toMatchObject(slow)
    const count = [{ sql: 'select count(*) as count from rows where n = 2', binds: [], returns: true }]
    expect(await storage.read({ user: 'ada' }, count)).toEqual([[{ count: 0 }]])
    await close()
  })

  test('The connections that are killed cost no read and no change, idle or in use.', async () => {
    const storage = await open({ poolSize: 4 })
    const read = storage.read(work, sleepFor(0.5))
    const change = storage.commit({ id: 'slow', scope: { user: 'ada' }, statements: [...insert(3), ...sleepFor(0.5)] })
    await expect.poll(async () => (await connections("state = 'active'")).length).toBeGreaterThanOrEqual(2)
    expect(await terminate()).toBeGreaterThanOrEqual(2)
    expect(await change).toMatchObject({ ok: true, repeated: false })
    expect(await read).toHaveLength(1)
    await terminate()
    expect(await storage.commit({ id: null, scope: { user: 'ada' }, statements: insert(4) })).toMatchObject({
      ok: true,
    })
    const all = [{ sql: 'select n from rows where user_id = $1 and n > 2 order by n', binds: ['ada'], returns: true }]
    expect(await storage.read({ user: 'ada' }, all)).toEqual([[{ n: 3 }, { n: 4 }]])
    await close()
  })

  test('The connections that are cancelled at any moment do nothing outside their transaction, and show no foreign rows.', async () => {
    const storage = await open({ poolSize: 4 })
    const users = ['u0', 'u1', 'u2', 'u3']
    for (const user of users)
      for (let n = 0; n < 5; n++) await storage.commit({ id: null, scope: { user }, statements: insert(n, user) })
    let isActive = true
    let cancels = 0
    let outcomes = 0
    const cancelling = withClient(async (client) => {
      while (isActive) {
        const before = outcomes
        const { rowCount } = await client.query(
          `select pg_cancel_backend(pid) from pg_stat_activity where datname = '${database}' and application_name = 'troupe' and state = 'active'`,
        )
        cancels += rowCount ?? 0
        // A statement that takes longer than the pause would be cancelled each time, so the next cancels wait for an outcome.
        do await new Promise((resolve) => setTimeout(resolve, 3))
        while (isActive && outcomes === before)
      }
    })
    const seen = { own: 0, foreign: 0, rejected: 0 }
    const use = async (user: string, i: number) => {
      // Half of a change must never be there: two rows, or none.
      const pair = [...insert(1_000 + 2 * i, user), ...insert(1_001 + 2 * i, user)]
      await storage.commit({ id: null, scope: { user }, statements: pair }).catch(() => seen.rejected++)
      outcomes++
      const read = [{ sql: 'select user_id from rows where n < 1000', binds: [], returns: true }]
      await storage.read({ user }, read).then(
        ([rows = []]) => {
          for (const row of rows) seen[row.user_id === user ? 'own' : 'foreign']++
        },
        () => seen.rejected++,
      )
      outcomes++
    }
    for (let i = 0; i < 250; i++) await Promise.all(users.map((user) => use(user, i)))
    isActive = false
    await cancelling
    for (const user of users) {
      const [rows = []] = await storage.read({ user }, [
        {
          sql: 'select n / 2 as pair, count(*) as count from rows where n >= 1000 group by 1 having count(*) <> 2',
          binds: [],
          returns: true,
        },
      ])
      expect(rows).toEqual([])
    }
    process.stderr.write(`1,000 uses under ${cancels} cancels: ${JSON.stringify(seen)}\n`)
    expect(seen.foreign).toBe(0)
    expect(seen.own).toBeGreaterThan(0)
    await close()
  })
})
