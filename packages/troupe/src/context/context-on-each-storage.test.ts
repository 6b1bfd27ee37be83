/** What is promised of entries and topics, on each storage. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { missingServer, server, withClient } from '../../test/postgres/postgres-server.ts'
import { createVirtualClock, systemClock } from '../core/index.ts'
import { Access } from '../security/index.ts'
import type { ContextClient, WatchItem } from './context-client.ts'
import { openMesh } from './context-testbed.test.fixture.ts'

const rejected = (code: string) => expect.objectContaining({ code })
const missing = await missingServer()
const folder = mkdtempSync(join(tmpdir(), 'troupe-every-storage-'))
const schema = `troupe_every_storage_${process.pid}`
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  if (!missing) await withClient((client) => client.query(`drop schema if exists ${schema} cascade`))
})
const storages = [
  { name: 'memory', url: 'memory:' },
  { name: 'a file', url: `sqlite:${join(folder, 'troupe.db')}` },
  { name: 'PostgreSQL', url: server, schema, missing },
]
let users = 0

describe.each(storages)('the context on $name', ({ name: _, missing: absent, ...storage }) => {
  if (absent) return test.skip(absent, () => {})
  const user = () => `user ${users++}`

  test('The increments of four concurrent writers are all counted.', { timeout: 240_000 }, async () => {
    // On PostgreSQL, `two-processes.test.ts` counts to 2,000 in four processes.
    const increments = 250
    await using opened = await openMesh(systemClock, storage)
    const of = user()
    await opened.mesh.host(of).push('n', 0)
    const writer = async (name: string) => {
      const client = opened.mesh.agent(of, name, new Access({ role: 'admin' }))
      for (let i = 0; i < increments; i++) await client.update('n', (n) => (n as number) + 1)
    }
    await Promise.all(['A', 'B', 'C', 'D'].map(writer))
    expect(await opened.mesh.host(of).get('n')).toBe(4 * increments)
  })

  test('An agent has at most 256 subscriptions, and an entry at most 32 topics.', async () => {
    await using opened = await openMesh(createVirtualClock(), storage)
    const a = opened.mesh.agent(user(), 'A')
    const topics = Array.from({ length: 256 }, (_, i) => `t${String(i).padStart(3, '0')}`)
    await a.subscribe(topics)
    await a.subscribe(['t000'])
    await expect(a.subscribe(['one more'])).rejects.toThrow(rejected('topic.limit'))
    expect(await a.topics()).toEqual(topics)
    await a.unsubscribe(['t000'])
    await a.subscribe(['one more'])
    await a.push('k', 1, { topics: topics.slice(0, 32) })
    await expect(a.push('k', 2, { topics: topics.slice(0, 33) })).rejects.toThrow(rejected('topic.limit'))
    expect(await a.getEntry('k')).toMatchObject({ value: 1, audience: { topics: topics.slice(0, 32) } })
  })

  test('A list of names with a hole is rejected, and no agent named undefined gets access.', async () => {
    await using opened = await openMesh(createVirtualClock(), storage)
    const a = opened.mesh.agent(user(), 'A')
    const hole = new Array<string>(1)
    for (const options of [{ subscribers: hole }, { topics: hole }, { writers: hole }])
      await expect(a.push('k', 1, options)).rejects.toThrow(rejected('name.invalid'))
    await expect(a.list({ topics: hole })).rejects.toThrow(rejected('name.invalid'))
    await expect(a.getMany(hole)).rejects.toThrow(rejected('name.invalid'))
    expect(await a.get('k')).toBeUndefined()
  })

  test('The history has the last hundred versions besides the current one, in pages.', async () => {
    await using opened = await openMesh(createVirtualClock(), storage)
    const a = opened.mesh.agent(user(), 'A')
    for (let i = 1; i <= 130; i++) await a.push('k', i)
    const found: unknown[] = []
    for await (const { value } of await a.history('k', { limit: 40 })) found.push(value)
    expect(found).toEqual(Array.from({ length: 101 }, (_, i) => i + 30))
  })

  test('A user has at most the configured entries and bytes, in a batch too, and other users are not affected.', async () => {
    await using opened = await openMesh(createVirtualClock(), { ...storage, limits: { entries: 2, bytes: 100 } })
    const of = user()
    const a = opened.mesh.agent(of, 'A')
    const entry = (key: string) => ({ type: 'push', key, value: key }) as const
    await expect(a.batch(['1', '2', '3'].map(entry), { atomic: true })).rejects.toThrow(rejected('context.quota'))
    expect(await opened.mesh.host(of).size()).toBe(0)
    await a.batch(['1', '2'].map(entry), { atomic: true })
    await expect(a.push('3', 3)).rejects.toThrow(rejected('context.quota'))
    await expect(a.push('2', 'x'.repeat(200))).rejects.toThrow(rejected('context.quota'))
    await opened.mesh.agent(user(), 'A').push('1', 1)
    await a.delete('1')
    await a.push('3', 'x'.repeat(90))
    // Only what is left of a batch in the end counts.
    await a.batch([entry('4'), { type: 'delete', key: '2' }, { type: 'delete', key: '3' }], { atomic: true })
    const oversized = a.batch([entry('5'), entry('6'), { type: 'get', key: '4' }], { atomic: true })
    await expect(oversized).rejects.toMatchObject({
      code: 'context.quota',
      results: ['batch.aborted', 'context.quota', 'batch.aborted'].map((code) => ({ error: { code } })),
    })
  })

  test('An atomic batch that fails leaves value, audience and expiry as they were.', async () => {
    await using opened = await openMesh(createVirtualClock(), storage)
    const of = user()
    const a = opened.mesh.agent(of, 'A')
    await opened.mesh.agent(of, 'B').push('foreign', 1)
    await a.push('mine', 'secret', { audience: 'owner', ttl: '1h' })
    const before = await a.getEntry('mine')
    const operations = [
      { type: 'push', key: 'mine', value: 'changed', audience: 'everyone', ttl: '1d' },
      { type: 'delete', key: 'foreign' },
    ] as const
    await expect(a.batch(operations, { atomic: true })).rejects.toThrow(rejected('context.denied'))
    expect(await a.getEntry('mine')).toEqual(before)
  })

  test('A push preserves what it does not name: metadata, lifetime, audience, writers and owner.', async () => {
    await using opened = await openMesh(createVirtualClock(), storage)
    const of = user()
    const [a, b] = [opened.mesh.agent(of, 'A'), opened.mesh.agent(of, 'B')]
    const options = {
      subscribers: ['B'],
      writers: ['B'],
      lifecycle: 'session',
      metadata: { from: ['mail', null] },
    } as const
    await a.push('k', 1, options)
    await b.push('k', 2)
    expect(await a.getEntry('k')).toMatchObject({
      value: 2,
      owner: 'A',
      audience: { subscribers: ['B'], topics: [] },
      writers: ['B'],
      lifecycle: 'session',
      metadata: { from: ['mail', null] },
      provenance: { agent: 'B' },
    })
    await a.push('k', 3, { metadata: {}, lifecycle: 'permanent' })
    const lasting = await a.getEntry('k')
    expect(lasting).toMatchObject({ metadata: {}, lifecycle: 'permanent' })
    expect(lasting).not.toHaveProperty('expiresAt')
    for (const metadata of ['text', [1], { long: 'x'.repeat(20_000) }])
      await expect(a.push('k', 4, { metadata } as never)).rejects.toThrow()
  })

  test('A list of a topic that is named twice has all of its entries, page by page.', async () => {
    await using opened = await openMesh(createVirtualClock(), storage)
    const a = opened.mesh.agent(user(), 'A')
    await a.subscribe(['x'])
    const entry = (i: number) => ({ type: 'push', key: `k${i}`, value: i, topics: ['x'] }) as const
    await a.batch(Array.from({ length: 40 }, (_, i) => entry(i)))
    const found: string[] = []
    for await (const key of await a.keys({ topics: ['x', 'x', 'x'], limit: 15 })) found.push(key)
    expect(found).toHaveLength(40)
  })

  test.each<[string, (a: ContextClient) => Promise<unknown>]>([
    ['gets', (a) => a.get('k')],
    ['gets of nothing', (a) => a.get('none')],
    ['lists', (a) => a.list()],
  ])('Timers and writers have their turn among %s that follow each other.', { timeout: 60_000 }, async (_, ask) => {
    await using opened = await openMesh(systemClock, storage)
    const a = opened.mesh.agent(user(), 'A')
    await a.push('k', 1)
    let timed = false
    systemClock.after(0, () => {
      timed = true
    })
    let written = false
    void a.push('k', 2).then(() => {
      written = true
    })
    for (let i = 0; i < 50_000 && !(timed && written); i++) await ask(a)
    expect([timed, written]).toEqual([true, true])
  })

  test.skipIf(!storage.schema)('A read that the server delays is awaited no longer than its signal.', async () => {
    await using opened = await openMesh(systemClock, storage)
    const a = opened.mesh.agent(user(), 'A')
    await a.push('k', 1)
    await withClient(async (client) => {
      await client.query(`begin; lock table ${storage.schema}.context_entries in access exclusive mode`)
      const controller = new AbortController()
      const { signal } = controller
      const asked = [
        a.get('k', { signal }),
        a.get('k', { signal, maxAge: '1h' }),
        a.list({ signal }),
        a.keys({ signal }),
      ]
      const ended = Promise.allSettled(asked)
      controller.abort()
      expect(await ended).toEqual(asked.map(() => expect.objectContaining({ reason: rejected('cancelled') })))
      await client.query('rollback')
    })
    expect(await a.get('k', { signal: new AbortController().signal })).toBe(1)
  })

  test('A topic that is closed to an agent is not listed for it, and a partly closed one shows which part.', async () => {
    await using opened = await openMesh(createVirtualClock(), storage)
    const of = user()
    const host = opened.mesh.host(of)
    const [a, b] = [opened.mesh.agent(of, 'A'), opened.mesh.agent(of, 'B')]
    await b.subscribe(['board', 'news', 'open'])
    await host.setTopicPolicy('board', { subscribe: ['B'], post: [] })
    await host.setTopicPolicy('news', { post: ['B'] })
    const topicsSeenBy = async (client: typeof a) => (await client.discoverTopics({ names: true })).items
    expect(await topicsSeenBy(a)).toEqual([
      { topic: 'news', subscribers: 1, names: ['B'], maySubscribe: true, mayPost: false },
      { topic: 'open', subscribers: 1, names: ['B'], maySubscribe: true, mayPost: true },
    ])
    expect((await topicsSeenBy(b)).map(({ topic, mayPost }) => [topic, mayPost])).toEqual([
      ['board', false],
      ['news', true],
      ['open', true],
    ])
    await host.setTopicPolicy('board', { subscribe: [] })
    expect(await b.topics()).toEqual(['news', 'open'])
    await expect(a.subscribe(['open', 'board'])).rejects.toThrow(rejected('topic.closed'))
    expect(await a.topics()).toEqual([])
  })

  test('A closed topic that an agent deletes stays closed, and opens if the application deletes it.', async () => {
    await using opened = await openMesh(createVirtualClock(), storage)
    const of = user()
    const [host, a] = [opened.mesh.host(of), opened.mesh.agent(of, 'A')]
    const moderator = opened.mesh.agent(of, 'M', new Access({ role: 'moderator' }))
    await host.setTopicPolicy('board', { subscribe: ['B'], post: ['B'] })
    await host.push('k', 1, { topics: ['board'] })
    expect(await moderator.deleteTopic('board')).toMatchObject({ entriesDeleted: 1 })
    await expect(a.subscribe(['board'])).rejects.toThrow(rejected('topic.closed'))
    await expect(a.push('k', 1, { topics: ['board'] })).rejects.toThrow(rejected('topic.closed'))
    await host.deleteTopic('board')
    await a.subscribe(['board'])
    await a.push('k', 1, { topics: ['board'] })

    // Its owner, too, cannot post to a topic that was closed since, and is told what it can do.
    await host.setTopicPolicy('board', { post: [] })
    const denied = { code: 'context.denied', hint: expect.stringContaining('set another audience') }
    await expect(a.push('k', 2)).rejects.toThrow(expect.objectContaining(denied))
    await a.push('k', 2, { audience: 'owner' })
  })

  test('A watch reports each change once: put, left, removed and expired, of keys of its pattern alone.', async () => {
    const clock = createVirtualClock()
    await using opened = await openMesh(clock, storage)
    const of = user()
    const [a, b] = [opened.mesh.agent(of, 'A'), opened.mesh.agent(of, 'B')]
    await a.push('k.topic', 1, { topics: ['x'] })
    const seen: WatchItem[] = []
    const watching = (async () => {
      for await (const item of b.watch({ pattern: 'k.*' }))
        if (seen.push(item) && item.type === 'put' && item.key === 'k.end') return
    })()
    // A watcher that comes late is not given what it may no longer read, so each step waits until the last one was told.
    const receivedCount = (count: number) => vi.waitFor(() => expect(seen).toHaveLength(count), { timeout: 20_000 })
    await b.subscribe(['x'])
    await receivedCount(1)
    await b.unsubscribe(['x'])
    await a.push('k.open', 1, { ttl: '1s' })
    await a.push('other', 1)
    await a.push('k.hidden', 1, { audience: 'owner' })
    await a.push('k.hidden', 2, { subscribers: ['B'] })
    await receivedCount(4)
    await a.push('k.hidden', 3, { audience: 'owner' })
    await a.push('k.gone', 1)
    await receivedCount(6)
    await a.delete('k.gone')
    await receivedCount(7)
    await clock.advance('2s')
    await opened.mesh.host(of).cleanup()
    await receivedCount(8)
    await a.push('k.end', 1)
    await watching
    expect(seen.map((item) => 'key' in item && [item.type, item.key, item.version])).toEqual([
      ['put', 'k.topic', 1],
      ['left', 'k.topic', 1],
      ['put', 'k.open', 1],
      ['put', 'k.hidden', 2],
      ['left', 'k.hidden', 2],
      ['put', 'k.gone', 1],
      ['removed', 'k.gone', 1],
      ['expired', 'k.open', 1],
      ['put', 'k.end', 1],
    ])
    const revisions = seen.map(({ revision }) => revision)
    expect(new Set(revisions).size).toBe(revisions.length)
  })
})
