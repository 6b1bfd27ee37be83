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
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  const endAll = async () => {
    for (let end = ends.shift(); end; end = ends.shift()) {
      end()
      await settle()
    }
  }
  return { begun, call, endAll }
}

describe('a bulkhead among several users', () => {
  it('takes their calls in turns, those of one in their order', async () => {
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
  it('lets one in who has nothing there where a crowd fills the line, and stays bounded', async () => {
    const bulkhead = new Bulkhead({ concurrent: 1, queue: 4 })
    const { begun, call, endAll } = held()
    const full = { name: 'CapacityError', code: 'bulkhead.full', retryable: true }
    const crowd = [1, 2, 3, 4, 5].map((n) => bulkhead.execute(call(`a${n}`), { key: 'ada' }))
    await expect(bulkhead.execute(call('too many'), { key: 'ada' })).rejects.toMatchObject(full)
    const quiet = bulkhead.execute(call('b1'), { key: 'bob' })
    await expect(bulkhead.execute(call('too many'), { key: 'bob' })).rejects.toMatchObject(full)
    const other = bulkhead.execute(call('c1'), { key: 'eve' })
    expect([bulkhead.running, bulkhead.waiting]).toEqual([1, 6])
    const last = expect(crowd.pop()).rejects.toMatchObject(full)
    const third = bulkhead.execute(call('d1'), { key: 'dan' })
    await last
    expect([bulkhead.running, bulkhead.waiting]).toEqual([1, 6])
    await endAll()
    await Promise.all([...crowd, quiet, other, third])
    expect(begun.indexOf('b1')).toBeLessThan(begun.indexOf('a3'))
    expect(begun).toHaveLength(7)
    expect(begun).not.toContain('a5')
  })
  it("never gives anybody's only call away", async () => {
    const bulkhead = new Bulkhead({ concurrent: 1, queue: 2 })
    const { call, endAll } = held()
    const each = ['ada', 'bob', 'eve', 'dan'].map((key) => bulkhead.execute(call(key), { key }))
    expect(bulkhead.refusal({ key: 'moe' })).toMatchObject({ code: 'bulkhead.full' })
    await expect(bulkhead.execute(call('moe'), { key: 'moe' })).rejects.toMatchObject({ code: 'bulkhead.full' })
    await endAll()
    expect(await Promise.all(each)).toEqual(['ada', 'bob', 'eve', 'dan'])
    expect(bulkhead.refusal({ key: 'moe' })).toBeUndefined()
  })
})
