/** A server that is stopped at once and started again under load: what was acknowledged is there, and exactly once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { type Migration, openStorage, type Storage } from '../../src/storage/index.ts'
import { binaries, Cluster } from './cluster.ts'

const bin = binaries()
if (!bin) process.stderr.write('skipped: no programs of PostgreSQL in /usr/lib/postgresql\n')
const rounds = Number(process.env.TROUPE_RESTARTS ?? 3)
const migrations: readonly Migration[] = [
  {
    room: 'numbers',
    version: 1,
    name: 'numbers',
    lowestReader: 1,
    up: { sqlite: [], postgres: ['create table numbers (user_id text not null, n bigint not null)'] },
  },
]

describe.skipIf(bin === undefined)('a server that restarts', () => {
  let cluster: Cluster
  beforeAll(() => {
    cluster = new Cluster(bin as string, 20_000 + (process.pid % 20_000))
    cluster.start()
  }, 60_000)
  afterAll(() => cluster?.dispose())

  test(`${rounds} times under 8 writers loses nothing acknowledged and does nothing twice`, async () => {
    const storage: Storage = await openStorage({
      url: cluster.url,
      postgres: { acquireTimeout: '20s' },
      migrations,
      clock: systemClock,
      random: systemRandom,
    })
    const states: string[] = []
    storage.onState(({ state }) => states.push(state))
    let stopped = false
    const acknowledged: string[] = []
    const refused: unknown[] = []
    const write = async (writer: number) => {
      for (let n = 0; !stopped; n++) {
        const statements = [
          { sql: 'insert into numbers (user_id, n) values ($1, $2)', binds: [`u${writer}`, n], expect: { rows: 1 } },
        ]
        const feed = [{ kind: 'put', key: `${n}`, data: '{}' }] as const
        const id = n % 2 === 0 ? null : `${writer}-${n}`
        await storage.commit({ id, scope: { user: `u${writer}` }, statements, feed }).then(
          (result) => (result.ok ? acknowledged.push(`${writer} ${n}`) : refused.push(result)),
          (error: unknown) => refused.push(error),
        )
      }
    }
    const writers = Array.from({ length: 8 }, (_, i) => write(i))
    for (let round = 0; round < rounds; round++) {
      await new Promise((resolve) => setTimeout(resolve, 400))
      cluster.stop()
      cluster.start()
    }
    await new Promise((resolve) => setTimeout(resolve, 400))
    stopped = true
    await Promise.all(writers)
    const found: string[] = []
    for (let writer = 0; writer < 8; writer++) {
      const user = `u${writer}`
      const [rows = []] = await storage.read({ user }, [
        { sql: 'select n from numbers where user_id = $1 order by n', binds: [user], returns: true },
      ])
      found.push(...rows.map(({ n }) => `${writer} ${n}`))
      const { head } = await storage.feed(user, 0, 1)
      expect(head).toBe(rows.length)
    }
    expect(new Set(found).size).toBe(found.length)
    const there = new Set(found)
    expect(acknowledged.filter((each) => !there.has(each))).toEqual([])
    // Each outcome was found out, so what is there was acknowledged too.
    expect(refused).toEqual([])
    expect(found.length).toBe(acknowledged.length)
    expect(acknowledged.length).toBeGreaterThan(rounds * 100)
    process.stderr.write(`${acknowledged.length} changes over ${rounds} restarts, states ${states.join(' ')}\n`)
    expect(storage.state().state).toBe('open')
    await storage.close()
  }, 120_000)
})
