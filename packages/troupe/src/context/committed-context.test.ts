import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createVirtualClock, systemClock } from '../core/index.ts'
import { Access } from '../security/index.ts'
import { openMesh } from './context-testbed.test.fixture.ts'
import { defineKey } from './index.ts'
import { parseListOptions } from './reads/listing.ts'

const rejected = (code: string) => expect.objectContaining({ code })

describe('lost updates', () => {
  test('An update inside an update of the same key fails instead of waiting for itself.', async () => {
    await using opened = await openMesh(systemClock)
    const a = opened.mesh.agent('ada', 'A')
    const secondUpdate = a.update('n', async () => {
      await a.update('n', (n) => ((n as number) ?? 0) + 1)
      return 0
    })
    await expect(secondUpdate).rejects.toThrow(rejected('context.contention'))
  })

  test('A thousand concurrent updates need about one attempt each.', async () => {
    await using opened = await openMesh(systemClock)
    const a = opened.mesh.agent('ada', 'A')
    let calls = 0
    await Promise.all(
      Array.from({ length: 1_000 }, () =>
        a.update('n', (n) => {
          calls++
          return ((n as number) ?? 0) + 1
        }),
      ),
    )
    expect(await a.get('n')).toBe(1_000)
    expect(calls).toBeLessThan(2_100)
  })
})

test('A list of topics is required to be a list, and no other value selects all topics.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const a = opened.mesh.agent('ada', 'A')
  for (const topics of [null, '', 'sales'])
    for (const list of [a.list({ topics } as never), a.keys({ topics } as never)])
      await expect(list).rejects.toThrow(rejected('validation.failed'))
})

describe('a batch', () => {
  test('A batch whose signal aborts reports what was done and does no more.', async () => {
    await using opened = await openMesh(createVirtualClock())
    const a = opened.mesh.agent('ada', 'A')
    const controller = new AbortController()
    const aborts = defineKey('last', {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) => {
          controller.abort()
          return { value: value as number }
        },
      },
    })
    const results = await a.batch(
      [
        { type: 'push', key: 'a', value: 1 },
        { type: 'push', key: aborts(), value: 2 },
        { type: 'push', key: 'b', value: 3 },
        { type: 'get', key: 'a' },
        { type: 'delete', key: 'a' },
      ],
      { signal: controller.signal },
    )
    const cancelled = { success: false, error: { code: 'cancelled' } }
    expect(results).toMatchObject([{ version: 1 }, { version: 1 }, cancelled, cancelled, cancelled])
    expect(await a.getMany(['a', 'last', 'b'])).toEqual(
      new Map([
        ['a', 1],
        ['last', 2],
      ]),
    )
  })

  test('A batch that is atomic applies wholly or not at all, audience and expiry included.', async () => {
    const clock = createVirtualClock()
    await using opened = await openMesh(clock)
    const a = opened.mesh.agent('ada', 'A')
    const b = opened.mesh.agent('ada', 'B')
    await b.push('foreign', 1)
    await a.push('mine', 'secret', { audience: 'owner', ttl: '1h' })
    const before = await a.getEntry('mine')
    const failing = a.batch(
      [
        { type: 'push', key: 'mine', value: 'changed', audience: 'everyone' },
        { type: 'push', key: 'foreign', value: 2 },
      ],
      { atomic: true },
    )
    await expect(failing).rejects.toThrow(
      expect.objectContaining({
        code: 'context.denied',
        results: [
          expect.objectContaining({ success: false, error: expect.objectContaining({ code: 'batch.aborted' }) }),
          expect.objectContaining({ success: false, error: expect.objectContaining({ code: 'context.denied' }) }),
        ],
      }),
    )
    expect(await a.getEntry('mine')).toEqual(before)
    expect(await b.get('mine')).toBe(undefined)
  })

  test('A batch reads its own earlier writes, and a delete of a missing entry is not a failure.', async () => {
    await using opened = await openMesh(createVirtualClock())
    const a = opened.mesh.agent('ada', 'A')
    const results = await a.batch(
      [
        { type: 'delete', key: 'none' },
        { type: 'push', key: 'k', value: 1 },
        { type: 'get', key: 'k' },
        { type: 'push', key: 'k', value: 2 },
        { type: 'delete', key: 'k' },
        { type: 'get', key: 'k' },
      ],
      { atomic: true },
    )
    expect(results).toEqual([
      { type: 'delete', key: 'none', success: true, deleted: false },
      { type: 'push', key: 'k', success: true, version: 1, revision: 1 },
      { type: 'get', key: 'k', success: true, found: true, value: 1 },
      { type: 'push', key: 'k', success: true, version: 2, revision: 1 },
      { type: 'delete', key: 'k', success: true, deleted: true },
      { type: 'get', key: 'k', success: true, found: false },
    ])
  })

  test('A batch reports a schema that throws as a validation failure, and continues.', async () => {
    await using opened = await openMesh(createVirtualClock())
    const a = opened.mesh.agent('ada', 'A')
    const check = () => {
      throw new Error('boom')
    }
    const Invalid = defineKey('invalid', z.number().refine(check))
    const results = await a.batch([
      { type: 'push', key: Invalid(), value: 1 },
      { type: 'push', key: 'k', value: 1 },
    ])
    expect(results).toMatchObject([
      { success: false, error: { code: 'validation.failed', message: expect.stringContaining('threw: boom') } },
      { success: true, key: 'k' },
    ])
  })

  test('A batch rejects an unknown operation before it does any.', async () => {
    await using opened = await openMesh(createVirtualClock())
    const a = opened.mesh.agent('ada', 'A')
    const batch = [
      { type: 'push', key: 'k', value: 1 },
      { type: 'remove', key: 'k' },
    ] as never
    await expect(a.batch(batch)).rejects.toThrow(rejected('validation.failed'))
    expect(await a.get('k')).toBe(undefined)
  })
})

describe('lifetimes', () => {
  test('A lifecycle sets how long an entry lives, restarts at each push, and may end at once.', async () => {
    const clock = createVirtualClock()
    await using opened = await openMesh(clock, { lifecycles: { brief: { ttl: '10s', pattern: 'brief.*' } } })
    const a = opened.mesh.agent('ada', 'A')
    await a.push('temporary', 1, { lifecycle: 'temporary' })
    await a.push('brief.1', 1)
    await a.push('forever', 1)
    await clock.advance('9s')
    expect(await a.getEntry('brief.1')).toMatchObject({ lifecycle: 'brief' })
    await clock.advance('1s')
    expect(await a.get('brief.1')).toBe(undefined)
    await clock.advance('4m')
    await a.push('temporary', 2)
    await clock.advance('4m')
    expect(await a.getEntry('temporary')).toMatchObject({ value: 2, lifecycle: 'temporary' })
    await clock.advance('1m')
    expect(await a.get('temporary')).toBe(undefined)
    expect(await opened.mesh.host('ada').size()).toBe(1)
    await expect(a.push('k', 1, { lifecycle: 'eternal' })).rejects.toThrow(rejected('validation.failed'))
  })

  test('An expired entry is removed automatically, its history after a week, and its version continues.', async () => {
    const clock = createVirtualClock()
    await using opened = await openMesh(clock)
    opened.mesh.cleaner.start()
    const a = opened.mesh.agent('ada', 'A')
    await a.push('k', 1, { ttl: '1m' })
    await clock.advance('6m')
    expect(await opened.mesh.host('ada').stats()).toMatchObject({ entries: 0, expired: 0 })
    expect((await opened.mesh.host('ada').history('k')).items).toHaveLength(1)
    await clock.advance('8d')
    expect((await opened.mesh.host('ada').history('k')).items).toHaveLength(0)
    expect(await a.push('k', 2)).toMatchObject({ version: 2 })
  })
})

describe('reads of the context', () => {
  test('A cached read checks the audience each time.', async () => {
    const clock = createVirtualClock()
    await using opened = await openMesh(clock)
    const a = opened.mesh.agent('ada', 'A')
    const b = opened.mesh.agent('ada', 'B')
    await a.push('k', 'old')
    expect(await b.get('k', { maxAge: '5m' })).toBe('old')
    await a.push('k', 'new')
    expect(await b.get('k', { maxAge: '5m' })).toBe('old')
    await clock.advance('6m')
    expect(await b.get('k', { maxAge: '5m' })).toBe('new')
    await a.push('k', 'hidden', { audience: 'owner' })
    expect(await b.get('k', { maxAge: '5m' })).toBe(undefined)
  })

  test('A list is read through all pages, and a filtered page stops after its scan budget.', async () => {
    await using opened = await openMesh(systemClock, { limits: { scan: 50 } })
    const a = opened.mesh.agent('ada', 'A')
    for (let i = 0; i < 120; i++) await a.push(`k${String(i).padStart(3, '0')}`, i)
    const all: string[] = []
    for await (const key of await a.keys({ limit: 7 })) all.push(key)
    expect(all).toHaveLength(120)
    const first = await a.keys({ pattern: '*9' })
    expect(first.items.length).toBeLessThan(12)
    expect(first.cursor).toBeDefined()
    const found: string[] = []
    for await (const key of first) found.push(key)
    expect(found).toHaveLength(12)
    await expect(a.keys({ cursor: 'nonsense' })).rejects.toThrow(rejected('cursor.invalid'))
    await expect(a.keys({ limt: 3 } as never)).rejects.toThrow(rejected('option.unknown'))
  })

  test('A list by pattern reads only keys that begin with the literal part.', () => {
    expect(parseListOptions('list', { pattern: 'orders.1*.status' })).toMatchObject({
      from: 'orders.1',
      to: 'orders.2',
    })
    expect(parseListOptions('list', { pattern: 'exact' })).toMatchObject({
      from: 'exact',
      to: 'exact\u0001',
      pattern: undefined,
    })
    expect(parseListOptions('list', { prefix: 'a\u{10ffff}' })).toMatchObject({ from: 'a\u{10ffff}', to: 'b' })
  })

  test('The history shows the newest versions, and no earlier entry of another owner.', async () => {
    await using opened = await openMesh(systemClock, { limits: { history: 5 } })
    const a = opened.mesh.agent('ada', 'A')
    const b = opened.mesh.agent('ada', 'B')
    for (let i = 1; i <= 20; i++) await a.push('k', i)
    expect((await b.history('k')).items.map(({ value }) => value)).toEqual([15, 16, 17, 18, 19, 20])
    await a.push('private', 'secret', { audience: 'owner' })
    await a.delete('private')
    await b.push('private', 'mine')
    expect((await b.history('private')).items.map(({ value }) => value)).toEqual(['mine'])
  })
})

test('The storage holds nothing of entries that were removed, expired, cleared or deleted with their topic.', async () => {
  const clock = createVirtualClock()
  await using opened = await openMesh(clock)
  const a = opened.mesh.agent('ada', 'A', new Access({ role: 'admin' }))
  const host = opened.mesh.host('ada')
  const push = (key: string, more: object = {}) => a.push(key, 'x', { topics: ['t', 'u'], subscribers: ['B'], ...more })
  for (const key of ['removed', 'narrowed', 'cleared']) await push(key)
  await push('over', { ttl: '1m' })
  await a.push('of the topic', 'x', { topics: ['t'] })
  await a.delete('removed')
  await push('narrowed', { topics: [], subscribers: [] })
  await clock.advance('2m')
  await host.cleanup()
  await a.deleteTopic('t')
  await host.clear()
  await clock.advance('8d')
  await host.cleanup()
  const { tables } = await opened.storage.sizes()
  const left = ['entries', 'visible', 'history', 'tombstones'].map((table) => tables[`context_${table}`])
  expect(left).toEqual([0, 0, 0, 0])
  expect(await host.stats()).toMatchObject({ entries: 0, expired: 0, bytes: 0 })
  expect(await a.push('removed', 1)).toMatchObject({ version: expect.toSatisfy((version) => version > 1) })
})

test('The statistics of a user count live entries, expired entries, bytes, topics and changes.', async () => {
  const clock = createVirtualClock()
  await using opened = await openMesh(clock)
  const a = opened.mesh.agent('ada', 'A')
  const host = opened.mesh.host('ada')
  await a.subscribe(['sales'])
  await a.push('k', 'value', { topics: ['sales'] })
  await a.push('k', 'other')
  await a.push('short', 1, { ttl: '1s' })
  await opened.mesh.agent('eve', 'A').push('foreign', 1)
  await clock.advance('2s')
  const { revision } = await a.push('own', [1], { audience: 'owner' })
  const bytes = ['"other"', '1', '[1]'].join('').length
  expect(await host.stats()).toEqual({ entries: 2, expired: 1, bytes, topics: 1, revision })
  expect([await host.cleanup(), await host.size()]).toEqual([1, 2])
  expect(await host.stats()).toMatchObject({ entries: 2, expired: 0 })
})

describe('large values', () => {
  test('A large value is stored and read unchanged, and removed with the versions that had it.', async () => {
    const clock = createVirtualClock()
    await using opened = await openMesh(clock, { limits: { history: 2 } })
    const a = opened.mesh.agent('ada', 'A')
    const large = (i: number) => `${i}${'é'.repeat(200_000)}`
    const blobs = async () => (await opened.storage.sizes()).tables.storage_blobs
    for (let i = 0; i < 8; i++) await a.push('k', large(i))
    expect(await a.get('k')).toBe(large(7))
    expect((await a.getEntry('k'))?.value).toBe(large(7))
    expect((await a.history('k')).items.map(({ value }) => String(value)[0])).toEqual(['5', '6', '7'])
    expect(await blobs()).toBe(3)
    await a.delete('k')
    await clock.advance('8d')
    await opened.mesh.host('ada').cleanup()
    expect(await blobs()).toBe(0)
    await expect(a.push('k', 'x'.repeat(9 * 1024 * 1024))).rejects.toThrow(rejected('value.too_large'))
  })

  test('A large value stays for versions that lost a topic, even after its pushed version is removed.', async () => {
    await using opened = await openMesh(createVirtualClock(), { limits: { history: 1 } })
    const { mesh, storage } = opened
    const a = mesh.agent('ada', 'A')
    const large = (letter: string) => letter.repeat(300_000)
    await a.push('k', large('a'), { topics: ['x', 'y', 'z'] })
    await mesh.host('ada').deleteTopic('x')
    await mesh.host('ada').deleteTopic('y')
    await a.push('k', large('b'))
    expect((await a.history('k')).items.map(({ value }) => value)).toEqual([large('a'), large('b')])
    await a.push('k', large('c'))
    await a.push('k', large('d'))
    expect((await storage.sizes()).tables.storage_blobs).toBe(2)
  })
})

describe('keys with a form', () => {
  const OrderStatus = defineKey('orders.{id}.status', z.object({ paid: z.boolean() }))
  test('A typed key is checked at the push, and found by its pattern.', async () => {
    await using opened = await openMesh(createVirtualClock())
    const a = opened.mesh.agent('ada', 'A')
    await a.push(OrderStatus({ id: 17 }), { paid: true })
    const status = await a.get(OrderStatus({ id: 17 }))
    expect(status?.paid).toBe(true)
    expect(await a.get('orders.17.status')).toEqual({ paid: true })
    await expect(a.push(OrderStatus({ id: 17 }), { paid: 'yes' } as never)).rejects.toThrow(
      rejected('validation.failed'),
    )
    expect((await a.keys({ pattern: OrderStatus.pattern })).items).toEqual(['orders.17.status'])
    expect(() => OrderStatus({} as never)).toThrow(rejected('key.parameter'))
    expect(() => OrderStatus({ id: 1, other: 2 } as never)).toThrow(rejected('key.parameter'))
  })
})

describe('rights on the context', () => {
  test('A rejection is recorded as an incident without the key.', async () => {
    const opened = await openMesh(createVirtualClock())
    const a = opened.mesh.agent('ada', 'A', new Access({ allow: [] }))
    await expect(a.get('secret-key')).rejects.toThrow(rejected('access.denied'))
    await opened.incidents.flush()
    expect(await opened.incidents.list('ada')).toEqual([
      expect.objectContaining({ agent: 'A', action: 'get_context', code: 'access.denied' }),
    ])
    expect(await opened.incidents.list('bob')).toEqual([])
    expect(JSON.stringify(opened.events)).not.toContain('secret-key')
    await opened[Symbol.asyncDispose]()
  })

  test('An update shows its value to no function of an agent that may not read.', async () => {
    await using opened = await openMesh(createVirtualClock())
    await opened.mesh.host('ada').push('k', 'secret')
    const a = opened.mesh.agent('ada', 'A', new Access({ deny: ['get_context'] }))
    const seen: unknown[] = []
    await expect(a.update('k', (value) => seen.push(value))).rejects.toThrow(rejected('access.denied'))
    expect(seen).toEqual([])
    expect(await opened.incidents.list('ada')).toHaveLength(1)
  })

  test('An agent cannot have the reserved names `host` and `User`.', async () => {
    await using opened = await openMesh(createVirtualClock())
    for (const reserved of ['host', 'User'])
      expect(() => opened.mesh.agent('ada', reserved)).toThrow(rejected('name.invalid'))
  })

  test('An expired entry counts for no limit, cleaned up or not.', async () => {
    const clock = createVirtualClock()
    await using opened = await openMesh(clock, { limits: { entries: 2, bytes: 100 } })
    const a = opened.mesh.agent('ada', 'A')
    await a.push('1', 'x'.repeat(50), { ttl: '1m' })
    await a.push('2', 2, { ttl: '1m' })
    await clock.advance('59s')
    await expect(a.push('3', 3)).rejects.toThrow(rejected('context.quota'))
    await clock.advance('1s')
    await a.push('3', 'x'.repeat(90))
    await expect(a.push('4', 'x'.repeat(90))).rejects.toThrow(rejected('context.quota'))
    expect(await opened.mesh.host('ada').stats()).toMatchObject({ entries: 1, expired: 2 })
    await a.batch([{ type: 'push', key: '4', value: 4 }], { atomic: true })
    await expect(a.push('5', 5)).rejects.toThrow(rejected('context.quota'))
  })
})
