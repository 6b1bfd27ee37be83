import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../test/postgres/postgres-server.ts'
import { createVirtualClock, type Duration, seededRandom, systemClock, systemRandom } from '../../core/index.ts'
import { type OpenedStorage, openStorage } from '../../storage/index.ts'
import { journalMigrations } from '../journal-migrations.ts'
import { cleanupRateLimits, SharedRateLimiter } from './shared-rate-limiter.ts'

const missing = await missingServer()
const schema = schemaName('rates')

let open: OpenedStorage[] = []
afterEach(async () => {
  for (const storage of open) await storage.close()
  open = []
})
async function limited() {
  const clock = createVirtualClock()
  const storage = await openStorage({ url: 'memory:', migrations: journalMigrations, clock, random: seededRandom(1) })
  open.push(storage)
  const limiter = (limit: number, name = 'search', window: Duration = '1m') =>
    new SharedRateLimiter({ storage, clock }, { name, limit, window })
  return { clock, storage, limiter }
}

describe('a shared rate limit', () => {
  it('A shared rate limit counts the calls of several limiters together, separately for each user, agent, key and name.', async () => {
    const { limiter } = await limited()
    const [one, other] = [limiter(3), limiter(3)]
    expect(await one.take({ user: 'ada' })).toEqual({ allowed: true, remaining: 2, retryAfterMs: 0 })
    expect((await other.take({ user: 'ada' })).remaining).toBe(1)
    expect((await one.take({ user: 'ada' })).allowed).toBe(true)
    expect(await other.take({ user: 'ada' })).toMatchObject({ allowed: false, remaining: 0 })
    expect((await one.take({ user: 'eve' })).allowed).toBe(true)
    expect((await one.take({ user: 'ada', agent: 'A' })).allowed).toBe(true)
    expect((await limiter(3, 'orders').take({ user: 'ada' })).allowed).toBe(true)
  })
  it('A shared rate limit allows no more calls in any window than its limit, however the calls fall.', async () => {
    const { clock, limiter } = await limited()
    const random = seededRandom('calls')
    const search = limiter(10)
    const times: number[] = []
    for (let i = 0; i < 400; i++) {
      if ((await search.take()).allowed) times.push(clock.now())
      await clock.advance(`${1 + Math.floor(random.next() * 3_000)}ms`)
    }
    expect(times.length).toBeGreaterThan(80)
    for (const [i, at] of times.entries())
      expect(times.filter((time) => time > at - 60_000 && time <= at).length, `${i}`).toBeLessThanOrEqual(10)
  })
  it('A shared rate limit does not count calls of a clock that was far ahead.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-rates-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const url = `sqlite:${join(folder, 'troupe.db')}`
    const at = async (start: number) => {
      const clock = createVirtualClock({ start })
      const storage = await openStorage({ url, migrations: journalMigrations, clock, random: seededRandom(1) })
      onTestFinished(() => storage.close())
      return { clock, storage, search: new SharedRateLimiter({ storage, clock }, { name: 'search', limit: 1 }) }
    }
    const ahead = await at(Date.UTC(2026, 0, 1, 1))
    expect((await ahead.search.take()).allowed).toBe(true)
    await ahead.storage.close()
    const { search } = await at(Date.UTC(2026, 0, 1))
    expect((await search.take()).allowed).toBe(true)
    expect((await search.take()).retryAfterMs).toBeLessThanOrEqual(63_000)
  })
  it('A shared rate limit reports when a call is free, and waits for it.', async () => {
    const { clock, limiter } = await limited()
    const search = limiter(2)
    await search.take()
    await clock.advance('20s')
    await search.take()
    const { retryAfterMs } = await search.take()
    expect(retryAfterMs).toBeGreaterThan(30_000)
    expect(retryAfterMs).toBeLessThanOrEqual(46_000)
    await clock.advance(`${retryAfterMs}ms`)
    expect((await search.take()).allowed).toBe(true)
    await expect(search.wait({}, { maxWait: '1s' })).rejects.toMatchObject({ code: 'rate.limited' })
    const waiting = search.wait()
    await clock.advance('1m')
    await waiting
    await expect(search.execute(() => search.execute(() => 1))).rejects.toMatchObject({
      code: 'rate.limited',
      details: { retryAfterMs: expect.any(Number) },
    })
  })
  it('A shared rate limit counts every call within its window, however long the window is.', async () => {
    const { clock, storage, limiter } = await limited()
    const weekly = limiter(1, 'weekly', '7d')
    expect((await weekly.take()).allowed).toBe(true)
    await clock.advance('6d')
    await cleanupRateLimits(storage)
    expect(await weekly.take()).toMatchObject({ allowed: false, remaining: 0 })
    await clock.advance('2d')
    await cleanupRateLimits(storage)
    expect((await weekly.take()).allowed).toBe(true)
    expect(() => limiter(1, 'none', '0ms')).toThrow(/at least 1ms/)
  })
  it('A shared rate limit stores no names, and nothing for longer than a day.', async () => {
    const { clock, storage, limiter } = await limited()
    await limiter(3).take({ user: 'ada', agent: 'Researcher', key: 'SECRET' })
    const rows = async () => {
      const found = await storage.read({ work: true }, [
        { sql: 'select * from rate_limits', binds: [], returns: true },
        { sql: 'select * from rate_limit_slots', binds: [], returns: true },
      ])
      return found.flat()
    }
    expect(await rows()).toHaveLength(2)
    expect(JSON.stringify(await rows())).not.toMatch(/ada|Researcher|SECRET/)
    await clock.advance('12h')
    await cleanupRateLimits(storage)
    expect(await rows()).toHaveLength(2)
    await clock.advance('13h')
    await cleanupRateLimits(storage)
    expect(await rows()).toHaveLength(0)
  })
})

it.skipIf(missing !== undefined)(
  'A shared rate limit on PostgreSQL gives concurrent processes exactly the limit.',
  async () => {
    const [clock, random] = [systemClock, systemRandom]
    const storages: OpenedStorage[] = []
    try {
      for (let i = 0; i < 3; i++)
        storages.push(
          await openStorage({
            url: 'postgres:',
            postgres: { url: server, schema },
            migrations: journalMigrations,
            clock,
            random,
          }),
        )
      const limiters = storages.map(
        (storage) => new SharedRateLimiter({ storage, clock }, { name: 'n', limit: 20, window: '1h' }),
      )
      const tickets = await Promise.all(
        Array.from({ length: 60 }, (_, i) => limiters[i % limiters.length]?.take({ user: 'ada' })),
      )
      expect(tickets.filter((ticket) => ticket?.allowed)).toHaveLength(20)
      const rejected = tickets.find((ticket) => ticket && !ticket.allowed)
      expect(rejected?.retryAfterMs).toBeGreaterThan(3_000_000)
    } finally {
      for (const storage of storages) await storage.close()
      await dropSchema(schema)
    }
  },
)
