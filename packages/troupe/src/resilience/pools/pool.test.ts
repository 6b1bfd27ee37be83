import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import { Pool } from './pool.ts'
import type { PoolOptions } from './pool-options.ts'

interface Connection {
  readonly id: number
  alive: boolean
}
const pooled = (options: Partial<PoolOptions<Connection>> = {}) => {
  const clock = createVirtualClock()
  const disposed: number[] = []
  let made = 0
  const pool = new Pool<Connection>({
    clock,
    create: () => ({ id: ++made, alive: true }),
    dispose: ({ id }) => disposed.push(id),
    validate: ({ alive }) => alive,
    ...options,
  })
  return { clock, pool, disposed, made: () => made }
}

describe('a pool', () => {
  it('A resource pool lends idle resources, creates more on demand, and retains no more than its size.', async () => {
    const { pool, disposed, made } = pooled({ size: 2, overflow: 1 })
    const lent = [await pool.acquire(), await pool.acquire(), await pool.acquire()]
    expect(made()).toBe(3)
    for (const one of lent) await one.release()
    expect(pool.stats).toMatchObject({ idle: 2, inUse: 0, created: 3, disposed: 1 })
    expect(disposed).toEqual([1])
    await lent[0]?.release()
    expect(await pool.use(({ id }) => id)).toBe(3)
  })
  it('A resource pool serves waiters in order, and stops waiting at its timeout or signal.', async () => {
    const { clock, pool } = pooled({ size: 1, overflow: 0, acquireTimeout: '30s' })
    const first = await pool.acquire()
    const order: string[] = []
    const abort = new AbortController()
    const noted = async (name: string) => {
      const lent = await pool.acquire()
      order.push(name)
      return lent
    }
    const second = noted('second')
    const gone = pool.acquire({ signal: abort.signal })
    const third = noted('third')
    abort.abort()
    await expect(gone).rejects.toMatchObject({ code: 'cancelled' })
    await first.release()
    await (await second).release()
    const held = await third
    expect(order).toEqual(['second', 'third'])
    const late = expect(pool.acquire()).rejects.toMatchObject({ code: 'pool.timeout' })
    await clock.advance('30s')
    await late
    await held.release()
    expect(pool.stats).toMatchObject({ waiting: 0, inUse: 0, timeouts: 1 })
  })
  it('A resource pool stops waiting for a slow creation or check, and gives the resource to the next waiter.', async () => {
    const slow: PromiseWithResolvers<Connection>[] = []
    const create = () => {
      slow.push(Promise.withResolvers<Connection>())
      return slow.at(-1)?.promise as Promise<Connection>
    }
    const { clock, pool } = pooled({ size: 1, overflow: 0, acquireTimeout: '30s', create })
    const late = expect(pool.acquire()).rejects.toMatchObject({ code: 'pool.timeout' })
    await clock.advance('30s')
    await late
    expect(pool.stats).toMatchObject({ inUse: 1, timeouts: 1 })
    const next = pool.acquire()
    slow[0]?.resolve({ id: 7, alive: true })
    expect((await next).resource.id).toBe(7)
    await (await next).release({ broken: true })
    const abort = new AbortController()
    const gone = pool.acquire({ signal: abort.signal })
    abort.abort()
    await expect(gone).rejects.toMatchObject({ code: 'cancelled' })
    slow[1]?.reject(new Error('no server'))
    await pool.close()
    expect(pool.stats).toMatchObject({ inUse: 0, idle: 0, created: 1, disposed: 1 })
  })
  it('A resource pool lends no resource that is invalid, broken or too old.', async () => {
    const { clock, pool, disposed } = pooled({ maxLifetime: '1h', idle: '1d' })
    const one = await pool.acquire()
    await one.release()
    one.resource.alive = false
    const two = await pool.acquire()
    expect(two.resource.id).toBe(2)
    await two.release({ broken: true })
    const three = await pool.acquire()
    await three.release()
    await clock.advance('1h')
    expect(await pool.use(({ id }) => id)).toBe(4)
    expect(disposed).toEqual([1, 2, 3])
  })
  it('A resource pool creates its minimum at once and retains it, and disposes of other idle resources.', async () => {
    const { clock, pool, made } = pooled({ min: 2, idle: '5m' })
    await clock.advance('1s')
    expect(made()).toBe(2)
    const lent = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()])
    for (const one of lent) await one.release()
    expect(pool.stats.idle).toBe(3)
    await clock.advance('20m')
    expect(pool.stats.idle).toBe(2)
  })
  it('A resource pool regains every place if a creation fails.', async () => {
    let broken = true
    const create = () => {
      if (broken) throw new Error('no server')
      return { id: 1, alive: true }
    }
    const { pool } = pooled({ size: 1, overflow: 0, create })
    await expect(pool.acquire()).rejects.toThrow('no server')
    broken = false
    const held = await pool.acquire()
    const waiting = pool.acquire()
    await held.release({ broken: true })
    await (await waiting).release()
    expect(pool.stats).toMatchObject({ inUse: 0, idle: 1 })
  })
  it('A resource pool closes once everything lent has returned, and disposes of it.', async () => {
    const { pool, disposed } = pooled()
    const lent = await pool.acquire()
    const closing = pool.close()
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'pool.closed' })
    expect(disposed).toEqual([])
    await lent.release()
    await closing
    expect(disposed).toEqual([1])
  })
  it('A resource pool whose resource is never created closes after the limit of an acquire.', async () => {
    const clock = createVirtualClock()
    const created = Promise.withResolvers<string>()
    const disposed: string[] = []
    const pool = new Pool<string>({
      create: () => created.promise,
      dispose: (one) => void disposed.push(one),
      acquireTimeout: '5s',
      min: 1,
      clock,
    })
    const states: string[] = []
    void pool.close().then(() => states.push('closed'))
    await clock.advance('4s')
    expect(states).toEqual([])
    await clock.advance('1s')
    expect(states).toEqual(['closed'])
    created.resolve('late')
    await clock.advance('1s')
    expect(disposed).toEqual(['late'])
  })

  it('A resource pool that is closed twice closes once, and waits for every disposal.', async () => {
    const ended = Promise.withResolvers<void>()
    const { pool } = pooled({ dispose: () => ended.promise })
    const lent = await pool.acquire()
    const closed: number[] = []
    const closings = [pool.close(), pool.close()].map((closing, i) => closing.then(() => void closed.push(i)))
    const released = lent.release()
    await new Promise(setImmediate)
    expect(closed).toEqual([])
    ended.resolve()
    await Promise.all([...closings, released])
    expect(closed).toEqual([0, 1])
  })
  it('A resource pool rejects contradictory and unknown options.', () => {
    expect(() => pooled({ min: 21 })).toThrow(/at most size/)
    expect(() => pooled({ sise: 3 } as never)).toThrow(/no option sise/)
    expect(() => pooled({ create: undefined } as never)).toThrow(
      /create of Pool is not valid: it must be a function, got undefined/,
    )
  })
})
