import { describe, expect, it } from 'vitest'
import { Bulkhead } from './bulkhead.ts'

/** Calls that end when they are told to, with the order in which they began. */
function held() {
  const begun: string[] = []
  const ends: (() => void)[] = []
  const call = (name: string) => () =>
    new Promise<string>((resolve) => {
      begun.push(name)
      ends.push(() => resolve(name))
    })
  const nextMacrotask = () => new Promise((resolve) => setImmediate(resolve))
  const end = async (count: number) => {
    for (let n = 0; n < count && ends.length > 0; n++) {
      ends.shift()?.()
      await nextMacrotask()
    }
  }
  return { begun, call, end, endAll: () => end(Number.POSITIVE_INFINITY) }
}

describe('a bulkhead among several users', () => {
  it('A bulkhead takes the calls of several users in turns, those of one user in their order.', async () => {
    const bulkhead = new Bulkhead({ concurrent: 1, queue: 10 })
    const { begun, call, endAll } = held()
    const calls = [
      ...['a1', 'a2', 'a3', 'a4'].map((name) => bulkhead.execute(call(name), { key: 'ada' })),
      ...['b1', 'b2'].map((name) => bulkhead.execute(call(name), { key: 'bob' })),
    ]
    await endAll()
    expect(await Promise.all(calls)).toEqual(['a1', 'a2', 'a3', 'a4', 'b1', 'b2'])
    expect(begun).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'a4'])
  })
  it('A bulkhead admits a user without calls if other users fill the queue, and stays bounded.', async () => {
    const bulkhead = new Bulkhead({ concurrent: 1, queue: 4 })
    const { begun, call, endAll } = held()
    const full = { name: 'CapacityError', code: 'bulkhead.full', retryable: true }
    const crowd = [1, 2, 3, 4, 5].map((n) => bulkhead.execute(call(`a${n}`), { key: 'ada' }))
    await expect(bulkhead.execute(call('too many'), { key: 'ada' })).rejects.toMatchObject(full)
    const isolated = bulkhead.execute(call('b1'), { key: 'bob' })
    await expect(bulkhead.execute(call('too many'), { key: 'bob' })).rejects.toMatchObject(full)
    const other = bulkhead.execute(call('c1'), { key: 'eve' })
    expect([bulkhead.running, bulkhead.waiting]).toEqual([1, 6])
    const last = expect(crowd.pop()).rejects.toMatchObject(full)
    const third = bulkhead.execute(call('d1'), { key: 'dan' })
    await last
    expect([bulkhead.running, bulkhead.waiting]).toEqual([1, 6])
    await endAll()
    await Promise.all([...crowd, isolated, other, third])
    expect(begun.indexOf('b1')).toBeLessThan(begun.indexOf('a3'))
    expect(begun).toHaveLength(7)
    expect(begun).not.toContain('a5')
  })
  it('A bulkhead prefers a user who was absent for a round to users who return repeatedly.', async () => {
    const bulkhead = new Bulkhead({ concurrent: 1, queue: 10 })
    const { begun, call, end, endAll } = held()
    const repeatCalls = async (key: string) => {
      for (let n = 1; n <= 4; n++) await bulkhead.execute(call(`${key}${n}`), { key })
    }
    const noisy = ['a', 'b', 'c', 'd', 'e'].map(repeatCalls)
    for (const first of ['q1', 'q2']) {
      await end(7)
      const before = begun.length
      const isolated = bulkhead.execute(call(first), { key: 'isolated' })
      await end(1)
      expect(begun[before]).toBe(first)
      await end(1)
      await isolated
    }
    await endAll()
    await Promise.all(noisy)
    expect(begun.filter((name) => !name.startsWith('q'))).toHaveLength(20)
  })
  it('A bulkhead starves no user, however many new users arrive.', async () => {
    const bulkhead = new Bulkhead({ concurrent: 1, queue: 100_000 })
    const { begun, call, end, endAll } = held()
    const ada = [1, 2].map((n) => bulkhead.execute(call(`a${n}`), { key: 'ada' }))
    const fresh = (name: string, count: number) =>
      Array.from({ length: count }, (_, n) => bulkhead.execute(call(name), { key: `${name} ${n}` }))
    const early = fresh('early', 10_100)
    await end(50)
    const late = fresh('late', 100)
    await endAll()
    await Promise.all([...ada, ...early, ...late])
    expect(begun.indexOf('a2')).toBeLessThan(begun.indexOf('late'))
  })
  it('A bulkhead never gives away the only call of a user.', async () => {
    const bulkhead = new Bulkhead({ concurrent: 1, queue: 2 })
    const { call, endAll } = held()
    const each = ['ada', 'bob', 'eve', 'dan'].map((key) => bulkhead.execute(call(key), { key }))
    expect(bulkhead.rejection({ key: 'moe' })).toMatchObject({ code: 'bulkhead.full' })
    await expect(bulkhead.execute(call('moe'), { key: 'moe' })).rejects.toMatchObject({ code: 'bulkhead.full' })
    await endAll()
    expect(await Promise.all(each)).toEqual(['ada', 'bob', 'eve', 'dan'])
    expect(bulkhead.rejection({ key: 'moe' })).toBeUndefined()
  })
})
