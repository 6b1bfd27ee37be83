import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { createVirtualClock, nextMacrotask, systemClock } from '../../core/index.ts'
import type { Statement, Storage } from '../../storage/index.ts'
import { openMesh } from '../context-testbed.test.fixture.ts'
import { ValueCache } from './value-cache.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-values-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Counts what is asked of the storage for values. */
function counted(storage: Storage): { count(): number } {
  const read = storage.read.bind(storage)
  let count = 0
  storage.read = (scope, statements) => {
    if (statements.some(({ sql }) => sql.includes('context_entries'))) count++
    return read(scope, statements)
  }
  return {
    count: () => {
      const found = count
      count = 0
      return found
    },
  }
}

test('A cached value is read from the storage once, until a change affects it.', async () => {
  const clock = createVirtualClock()
  await using opened = await openMesh(clock)
  const reads = counted(opened.storage)
  const [a, b] = [opened.mesh.agent('ada', 'A'), opened.mesh.agent('ada', 'B')]
  await a.push('k', { n: 1 })
  await a.push('other', 1, { ttl: '10s' })
  for (let i = 0; i < 3; i++)
    expect([await a.get('k'), await b.get('k'), await b.get('other')]).toEqual([{ n: 1 }, { n: 1 }, 1])
  expect(reads.count()).toBe(2)

  await a.push('k', { n: 2 })
  expect([await b.get('k'), await b.get('k'), await b.get('other')]).toEqual([{ n: 2 }, { n: 2 }, 1])
  expect(reads.count()).toBe(1)

  await clock.advance('10s')
  expect([await a.get('other'), await a.get('other')]).toEqual([undefined, undefined])
  expect(reads.count()).toBe(2)

  opened.mesh.forget('bob')
  expect([await a.get('k'), reads.count()]).toEqual([{ n: 2 }, 0])
  opened.mesh.forget('ada')
  await a.get('missing')
  expect(opened.mesh.values?.size).toBe(0)
  expect([await a.get('k'), reads.count()]).toEqual([{ n: 2 }, 2])
})

test('A cached value is read again when a subscription of the user changes.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const reads = counted(opened.storage)
  const [a, b] = [opened.mesh.agent('ada', 'A'), opened.mesh.agent('ada', 'B')]
  await a.push('k', 1, { topics: ['t'] })
  await b.subscribe(['t'])
  for (let i = 0; i < 5; i++) expect(await b.get('k')).toBe(1)
  expect(reads.count()).toBe(2)
  await b.unsubscribe(['t'])
  expect([await b.get('k'), await a.get('k'), await b.get('k')]).toEqual([undefined, 1, undefined])
  await opened.mesh.host('ada').setTopicPolicy('t', { subscribe: ['A'] })
  expect(await b.get('k')).toBe(undefined)
})

test('A cached value is returned as a copy that a reader may change.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const a = opened.mesh.agent('ada', 'A')
  await a.push('k', { list: [1] })
  await a.get('k')
  const found = (await a.get('k')) as { list: number[] }
  found.list.push(2)
  expect(await a.get('k')).toEqual({ list: [1] })
})

test.each<readonly [string, Pick<Statement, 'sql' | 'binds'>, unknown]>([
  ['removed', { sql: 'delete from context_entries where user_id = ?', binds: ['ada'] }, undefined],
  ['changed', { sql: `update "context_entries" set value = '2' where user_id = ?`, binds: ['ada'] }, 2],
  ['changed', { sql: `with n as (select 2 as n) update context_entries set value = '2'`, binds: [] }, 2],
])('A change without a feed entry is visible at once: %s.', async (_, statement, expected) => {
  await using opened = await openMesh(createVirtualClock())
  const a = opened.mesh.agent('ada', 'A')
  await a.push('k', 1)
  expect([await a.get('k'), await a.get('k')]).toEqual([1, 1])
  await opened.storage.commit({ id: null, scope: { user: 'ada' }, statements: [statement] })
  expect(await a.get('k')).toBe(expected)
})

test('A change that names one key in its feed and writes another is visible at once.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const a = opened.mesh.agent('ada', 'A')
  await a.push('k', 1)
  expect([await a.get('k'), await a.get('k')]).toEqual([1, 1])
  const statements = [{ sql: `update context_entries set value = '2' where key = ?`, binds: ['k'] }]
  await opened.storage.commit({
    id: null,
    scope: { user: 'ada' },
    statements,
    feed: [{ kind: 'put', key: 'other', data: 'x' }],
  })
  expect(await a.get('k')).toBe(2)
})

test('A value that was read before a change and returned after it is not cached.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const a = opened.mesh.agent('ada', 'A')
  await a.push('k', 1)
  const { storage } = opened
  const [read, answer] = [storage.read.bind(storage), Promise.withResolvers<void>()]
  storage.read = async (scope, statements) => {
    const found = await read(scope, statements)
    await answer.promise
    return found
  }
  const early = a.get('k')
  await nextMacrotask(systemClock)
  storage.read = read
  await a.push('k', 2)
  answer.resolve()
  expect(await early).toBe(1)
  expect([await a.get('k'), await a.get('k')]).toEqual([2, 2])
})

test('The value cache answers nothing after the storage closed, and does not cache encrypted storage.', async () => {
  const opened = await openMesh(createVirtualClock())
  const a = opened.mesh.agent('ada', 'A')
  await a.push('k', 1)
  expect([await a.get('k'), await a.get('k')]).toEqual([1, 1])
  const closing = opened.storage.close()
  await expect(a.get('k')).rejects.toMatchObject({ code: 'troupe.closed' })
  await closing
  await using encrypted = await openMesh(createVirtualClock(), { encrypted: true })
  expect(encrypted.storage.singleWriter).toBe(undefined)
  expect(encrypted.mesh.values).toBe(undefined)
})

test.each(['io-before', 'io-after', 'full'] as const)(
  'The value cache returns the stored value after a change that failed (%s).',
  async (kind) => {
    const clock = createVirtualClock()
    let next: typeof kind | undefined
    const at = () => {
      const fault = next
      next = undefined
      return fault
    }
    await using opened = await openMesh(clock, { faults: { at } })
    const a = opened.mesh.agent('ada', 'A')
    await a.push('k', 1)
    await a.get('k')
    next = kind
    const pushed = a.push('k', 2).catch((error: { code: string }) => error.code)
    const meanwhile = a.get('k')
    expect(await pushed).toBe(kind === 'full' ? 'storage.full' : 'storage.io')
    expect([1, 2]).toContain(await meanwhile)
    await a.get('k')
    await clock.advance('10s')
    for (let i = 0; i < 3; i++) expect(await a.get('k')).toBe((await a.getEntry('k'))?.value)
    await a.push('k', 3)
    expect([await a.get('k'), await a.get('k')]).toEqual([3, 3])
  },
)

const step = fc.record({ act: fc.constantFrom('push', 'get', 'get', 'pause'), key: fc.nat(2) })
type Step = { readonly act: string; readonly key: number }

/** The value of each key counts its pushes: nobody is given less than was acknowledged, or seen, before it asked. */
async function neverStale(url: string, steps: readonly Step[], delayMs = 0) {
  await using opened = await openMesh(systemClock, { url, ...(delayMs ? { faults: { delayMs } } : {}) })
  const [a, b] = [opened.mesh.agent('ada', 'A'), opened.mesh.agent('ada', 'B')]
  await b.subscribe(['t'])
  const [least, sent] = [
    [0, 0, 0],
    [0, 0, 0],
  ]
  const atLeast = (key: number, n: number) => {
    least[key] = Math.max(least[key] as number, n)
  }
  const readValue = async (key: number, by = b) => {
    const from = least[key] as number
    const found = ((await by.get(`k${key}`)) ?? 0) as number
    expect(found).toBeGreaterThanOrEqual(from)
    atLeast(key, found)
  }
  const push = async (key: number) => {
    const n = (sent[key] as number) + 1
    sent[key] = n
    await a.push(`k${key}`, n, key === 0 ? { topics: ['t'] } : {})
    atLeast(key, n)
    await readValue(key)
  }
  const underway: Promise<void>[] = []
  for (const { act, key } of steps)
    if (act === 'push') underway.push(push(key))
    else if (act === 'get') underway.push(readValue(key), readValue(key, a))
    else await nextMacrotask(systemClock)
  await Promise.all(underway)
}

test.each([
  ['in memory', 'memory:', 0, 80],
  ['in memory with a slow writer', 'memory:', 1, 40],
  ['on a file', 'sqlite:', 0, 8],
] as const)(
  'Reads among writes never return an older value, %s.',
  { timeout: 60_000 },
  async (_, kind, delayMs, numRuns) => {
    let files = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) =>
        neverStale(kind === 'memory:' ? kind : `sqlite:${join(folder, `${files++}.db`)}`, steps, delayMs),
      ),
      { numRuns },
    )
  },
)

test('The value cache is bounded, and admits what is read often.', () => {
  const cache = new ValueCache({ now: () => 0, observe: () => () => {} }, 100_000)
  const row = { value: `"${'x'.repeat(200)}"`, owner: 'A', audience: '["*"]', everyone: 1, expires_at: null }
  const [user, other] = ['ada', 'bob'].map((name) => ({ user: name, agent: 'A', all: false }))
  const read = (reader = user, key = 'k') => {
    if (!reader || cache.find(reader, key) !== undefined) return true
    cache.add(cache.changeCount(reader.user), reader, key, row)
    return false
  }
  read(other, 'first')
  for (let i = 0; i < 5_000; i++) read(user, `k${i}`)
  expect(cache.size).toBeLessThanOrEqual(100_000)
  expect(cache.size).toBeGreaterThan(98_000)
  expect(read(other, 'first')).toBe(false)
  let times = 0
  while (!read(user, 'often')) times++
  expect(times).toBeLessThanOrEqual(8)
  for (let i = 0; i < 50; i++) cache.add(0, { user: `u${i}`, agent: 'A', all: false }, 'k', undefined, [row])
  for (let i = 0; i < 5_000; i++) read(other, `k${i}`)
  expect(cache.size).toBeLessThanOrEqual(100_000)
  cache.closed()
  expect(cache.size).toBe(0)
})

test('The value cache counts letters of two bytes as two.', () => {
  const reader = { user: 'ada', agent: 'A', all: false }
  const sizeWith = (text: string) => {
    const cache = new ValueCache({ now: () => 0, observe: () => () => {} })
    const row = { value: JSON.stringify(text), owner: 'A', audience: '["*"]', everyone: 1, expires_at: null }
    cache.add(cache.changeCount('ada'), reader, 'k', row)
    expect(cache.find(reader, 'k')).toBe(row.value)
    return cache.size
  }
  expect(sizeWith('ж'.repeat(100)) - sizeWith('x'.repeat(100))).toBe(102)
})
