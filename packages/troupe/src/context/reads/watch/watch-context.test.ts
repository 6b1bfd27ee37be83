import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { createVirtualClock, TroupeError } from '../../../core/index.ts'
import type { ContextClient, WatchItem, WatchOptions } from '../../context-client.ts'
import { openMesh } from '../../context-testbed.test.fixture.ts'
import { clientOf, type Name, type Operation, onMesh, operation, roles } from '../../random-operations.test.fixture.ts'

/** What a watcher would believe, and what it was told. */
function follow(client: ContextClient, options: WatchOptions = {}) {
  const items: WatchItem[] = []
  const stop = new AbortController()
  const watch = client.watch({ ...options, signal: stop.signal })
  const done = (async () => {
    for await (const item of watch) items.push(item)
  })()
  const until = async (enough: (items: readonly WatchItem[]) => boolean) => {
    for (let i = 0; i < 2_000 && !enough(items); i++) await new Promise((resolve) => setImmediate(resolve))
    expect(enough(items), JSON.stringify(items)).toBe(true)
  }
  return {
    items,
    until,
    async stop() {
      stop.abort()
      await done
    },
  }
}
const believed = (items: readonly WatchItem[]) => {
  const known = new Map<string, unknown>()
  for (const item of items)
    if (item.type === 'put') known.set(item.key, item.value)
    else if (item.type !== 'resync') known.delete(item.key)
  return known
}

const skipped = (error: unknown) => {
  if (!(error instanceof TroupeError)) throw error
}

test('A follower of a watch knows exactly what it can see, whatever users and agents do.', { timeout: 60_000 }, () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(operation, { maxLength: 40 }),
      fc.integer({ min: 0, max: 40 }),
      async (operations, split) => {
        const clock = createVirtualClock()
        await using opened = await openMesh(clock)
        const play = async (some: readonly Operation[]) => {
          for (const operation of some)
            if (operation.type === 'wait') await clock.advance(`${operation.ms}ms`)
            else await onMesh(opened.mesh, operation).catch(skipped)
        }
        const names = (Object.keys(roles) as Name[]).filter((name) => name !== 'R')
        const early = names.map((name) => follow(clientOf(opened.mesh, 'ada', name)))
        await play(operations.slice(0, split))
        const { revision } = await opened.mesh.host('ada').stats()
        const before = await Promise.all(names.map(async (name) => believedNow(clientOf(opened.mesh, 'ada', name))))
        await play(operations.slice(split))
        await opened.mesh.host('ada').cleanup()
        const late = names.map((name) => follow(clientOf(opened.mesh, 'ada', name), { from: revision }))
        await opened.mesh.host('ada').push('zz.end', 'end')
        for (const [i, name] of names.entries()) {
          const ended = (items: readonly WatchItem[]) =>
            items.some((item) => item.type === 'put' && item.key === 'zz.end')
          await early[i]?.until(ended)
          await late[i]?.until(ended)
          const seen = await believedNow(clientOf(opened.mesh, 'ada', name))
          expect(believed(early[i]?.items ?? []), name).toEqual(seen)
          const resumed = new Map([...(before[i] as Map<string, unknown>)])
          for (const item of late[i]?.items ?? [])
            if (item.type === 'put') resumed.set(item.key, item.value)
            else if (item.type !== 'resync') resumed.delete(item.key)
          expect(resumed, `${name} resumed`).toEqual(seen)
          const all = early[i]?.items ?? []
          const cut = Math.floor((all.length * split) / 41)
          const from = all[cut]?.position
          if (from !== undefined) {
            const rest = follow(clientOf(opened.mesh, 'ada', name), { from })
            await opened.mesh.host('ada').push('zz.end', 'end')
            await rest.until(ended)
            const combined = believed([...all.slice(0, cut + 1), ...rest.items])
            expect(combined, `${name} resumed after ${from}`).toEqual(new Map([...seen, ['zz.end', 'end']]))
            await rest.stop()
          }
          const revisions = (early[i]?.items ?? []).map((item) => item.revision)
          expect(revisions).toEqual([...revisions].sort((a, b) => a - b))
        }
        await Promise.all([...early, ...late].map((watcher) => watcher.stop()))
      },
    ),
    { numRuns: 80 },
  ),
)

async function believedNow(client: ContextClient): Promise<Map<string, unknown>> {
  const known = new Map<string, unknown>()
  for await (const { key, value } of await client.list()) known.set(key, value)
  return known
}

test('A replay of a watch gives no value that the reader may no longer read.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const a = opened.mesh.agent('ada', 'A')
  const b = opened.mesh.agent('ada', 'B')
  await a.push('open', 'once open')
  await a.push('open', 'secret', { audience: 'owner' })
  await b.subscribe(['x'])
  await a.push('topic', 'for subscribers', { topics: ['x'] })
  await b.unsubscribe(['x'])
  const watcher = follow(b, { from: 0 })
  await a.push('end', 1)
  await watcher.until((items) => items.some((item) => 'key' in item && item.key === 'end'))
  expect(watcher.items.filter((item) => item.type === 'put').map((item) => 'key' in item && item.key)).toEqual(['end'])
  await watcher.stop()
})

test('A watch gives a resync, never a gap, for changes that are no longer retained.', async () => {
  const clock = createVirtualClock()
  await using opened = await openMesh(clock, { limits: { history: 2 } })
  const a = opened.mesh.agent('ada', 'A')
  for (let i = 0; i < 10; i++) await a.push('hot', i)
  await clock.advance('1h')
  for (let i = 0; i < 10; i++) await a.push('hot', i)
  const watcher = follow(a, { from: 0 })
  await watcher.until((items) => items.some(({ type }) => type === 'resync'))
  await a.push('hot', 'after')
  await watcher.until((items) => items.some((item) => item.type === 'put' && item.value === 'after'))
  await watcher.stop()
})

test('A watch resumes after the position of any item, also in the middle of a revision.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const [a, b] = [opened.mesh.agent('ada', 'A'), opened.mesh.agent('ada', 'B')]
  const host = opened.mesh.host('ada')
  const push = (key: string) => ({ type: 'push', key, value: key, topics: ['news'] }) as const
  await a.batch([push('k1'), push('k2'), push('k3')], { atomic: true })
  // A subscription brings three entries into view with one change.
  await b.subscribe(['news'])
  await b.unsubscribe(['news'])
  await host.push('end', 1)
  for (const client of [host, b]) {
    const first = follow(client, { from: 0 })
    await first.until((items) => items.some((item) => 'key' in item && item.key === 'end'))
    await first.stop()
    expect(new Set(first.items.map(({ position }) => position)).size).toBe(first.items.length)
    for (const [i, { position }] of first.items.entries()) {
      const rest = follow(client, { from: position })
      await rest.until((items) => items.length >= first.items.length - i - 1)
      await rest.stop()
      expect(rest.items, position).toEqual(first.items.slice(i + 1))
    }
  }
})

test('A watch rejects an invalid position.', async () => {
  await using opened = await openMesh(createVirtualClock())
  for (const from of [-1, 1.5, '', 'x', '1.', '1.2.3.4', '-1', null, {}, Symbol('s')])
    expect(() => opened.mesh.host('ada').watch({ from: from as never })).toThrow(
      expect.objectContaining({ code: 'validation.failed' }),
    )
})

test('A watch from a future revision starts with a resync.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const a = opened.mesh.agent('ada', 'A')
  await a.push('k', 1)
  const watcher = follow(a, { from: 900 })
  await watcher.until((items) => items.length === 1)
  await a.push('k', 2)
  await watcher.until((items) => items.length === 2)
  expect(watcher.items).toMatchObject([
    { type: 'resync', revision: 1, position: '1' },
    { type: 'put', value: 2, revision: 2, position: '2.0' },
  ])
  await watcher.stop()
})

test('A watch starts at its call, whatever is written before its first read.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const [a, b] = [opened.mesh.agent('ada', 'A'), opened.mesh.agent('ada', 'B')]
  await a.push('before', 1)
  const watch = b.watch()
  await a.push('x', 1)
  await a.delete('before')
  const seen: unknown[] = []
  for await (const item of watch) if (seen.push(['key' in item && item.key, item.type]) === 2) break
  expect(seen).toEqual([
    ['x', 'put'],
    ['before', 'removed'],
  ])
})

test('An entry that loses one of its topics is reported in its new version to agents that still see it.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const [a, b, c] = ['A', 'B', 'C'].map((name) => opened.mesh.agent('ada', name))
  await b?.subscribe(['gone', 'stays'])
  await c?.subscribe(['gone'])
  await a?.push('k', 'v', { topics: ['gone', 'stays'] })
  const watches = [a, b, c].map((client) => follow(client as ContextClient))
  await opened.mesh.host('ada').deleteTopic('gone')
  // The value is still from who wrote it, and not from who deleted a topic.
  expect(await b?.getEntry('k')).toMatchObject({ version: 2, provenance: { agent: 'A' } })
  for (const watch of watches) await watch.until((items) => items.length === 1)
  const put = { type: 'put', key: 'k', value: 'v', version: 2 }
  expect(watches.map(({ items }) => items[0])).toMatchObject([put, put, { type: 'left', key: 'k', version: 1 }])
  expect(await a?.push('k', 'w', { ifVersion: 2 })).toMatchObject({ version: 3 })
  for (const watch of watches) await watch.stop()
})

test('An expired entry that lost a topic is reported as expired, and never with its value.', async () => {
  const clock = createVirtualClock()
  await using opened = await openMesh(clock)
  const [a, b] = [opened.mesh.agent('ada', 'A'), opened.mesh.agent('ada', 'B')]
  await b.subscribe(['stays'])
  await a.push('k', 'v', { topics: ['gone', 'stays'], ttl: '10s' })
  const watch = follow(b)
  await clock.advance('20s')
  await opened.mesh.host('ada').deleteTopic('gone')
  await opened.mesh.host('ada').cleanup()
  await watch.until((items) => items.some(({ type }) => type === 'expired'))
  await watch.stop()
  expect(watch.items.map(({ type }) => type)).toEqual(['expired'])
})

test('A watch that is left while it waits ends, and closing the mesh ends all watches.', async () => {
  const opened = await openMesh(createVirtualClock())
  const waiting = opened.mesh.agent('ada', 'A').watch()[Symbol.asyncIterator]()
  const next = waiting.next()
  await waiting.return?.()
  expect(await next).toEqual({ done: true, value: undefined })
  const other = opened.mesh.agent('ada', 'A').watch()[Symbol.asyncIterator]().next()
  await opened[Symbol.asyncDispose]()
  expect((await other).done).toBe(true)
})

test('A watch reports entries of many new subscriptions in a few reads, in pages for large topics.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const [a, b] = [opened.mesh.agent('ada', 'A'), opened.mesh.agent('ada', 'B')]
  const topics = Array.from({ length: 256 }, (_, i) => `t${i}`)
  const pushed = (topic: string, count: number) =>
    Array.from({ length: count }, (_, i) => a.push(`${topic}.${i}`, i, { topics: [topic] }))
  await Promise.all([...pushed('t0', 30), ...pushed('t99', 1), ...pushed('t255', 2)])
  const watch = follow(b)
  const reads = vi.spyOn(opened.storage, 'read')
  await b.subscribe(topics)
  await watch.until((items) => items.length === 33)
  expect(reads.mock.calls.length).toBeLessThan(20)
  await b.unsubscribe(topics)
  await watch.until((items) => items.length === 66)
  expect(believed(watch.items).size).toBe(0)
  await watch.stop()
})

test('A change costs 100 watchers of four agents a few reads, and each watcher has a value of its own.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const writer = opened.mesh.agent('ada', 'W')
  const watches = Array.from({ length: 100 }, (_, i) => follow(opened.mesh.agent('ada', `A${i % 4}`)))
  await writer.push('first', 0)
  for (const watch of watches) await watch.until((items) => items.length === 1)
  const reads = vi.spyOn(opened.storage, 'read')
  await writer.push('k', { n: 1 }, { subscribers: ['A0', 'A1', 'A2'] })
  for (const [i, watch] of watches.entries()) if (i % 4 < 3) await watch.until((items) => items.length === 2)
  expect(reads.mock.calls.length).toBeLessThan(30)
  const values = watches.flatMap(({ items }) => items.flatMap((item) => (item.type === 'put' ? [item.value] : [])))
  const seen = values.filter((value) => typeof value === 'object')
  expect(seen).toHaveLength(75)
  expect(new Set(seen).size).toBe(75)
  for (const watch of watches) await watch.stop()
})

/** Reads the next items of a watch one by one. */
function stepwise(client: ContextClient, options: WatchOptions = {}) {
  const items = client.watch(options)[Symbol.asyncIterator]()
  return {
    next: async () => (await items.next()).value as WatchItem,
    stop: () => items.return?.(),
  }
}

test('A watch gives a slow reader no value that it may no longer read when it asks for it.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const [a, b] = [opened.mesh.agent('ada', 'A'), opened.mesh.agent('ada', 'B')]
  await b.subscribe(['x'])
  const watch = stepwise(b)
  for (const key of ['first', 'narrowed', 'stays']) await a.push(key, key)
  await a.push('topic', 'for subscribers', { topics: ['x'] })
  await a.push('last', 'last')
  expect(await watch.next()).toMatchObject({ type: 'put', key: 'first' })
  await a.push('narrowed', 'secret', { audience: 'owner' })
  await b.unsubscribe(['x'])
  const rest = [await watch.next(), await watch.next(), await watch.next(), await watch.next()]
  expect(rest.map((item) => [item.type, 'key' in item && item.key])).toEqual([
    ['put', 'stays'],
    ['put', 'last'],
    ['left', 'narrowed'],
    ['left', 'topic'],
  ])
  await watch.stop()
})

test('A watch gives nothing of a user after the erasure of the user, whatever it has read before.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const a = opened.mesh.agent('ada', 'A')
  const watch = stepwise(a)
  for (const key of ['k1', 'k2', 'k3']) await a.push(key, key)
  expect(await watch.next()).toMatchObject({ key: 'k1' })
  opened.mesh.forget('ada')
  expect(await watch.next()).toMatchObject({ type: 'resync' })
  await watch.stop()
})

test('A watch gives no value of an entry that has expired.', async () => {
  const clock = createVirtualClock()
  await using opened = await openMesh(clock)
  const [a, b] = [opened.mesh.agent('ada', 'A'), opened.mesh.agent('ada', 'B')]
  const slow = stepwise(b)
  await a.push('first', 1)
  await a.push('k', 'v', { ttl: '10s' })
  await a.push('last', 1)
  expect(await slow.next()).toMatchObject({ key: 'first' })
  await clock.advance('20s')
  const late = stepwise(b, { from: 0 })
  expect(await late.next()).toMatchObject({ key: 'first' })
  for (const watch of [slow, late]) {
    expect(await watch.next()).toMatchObject({ type: 'put', key: 'last' })
    await watch.stop()
  }
})

test('A replay of a subscription gives no earlier value of an entry that the reader may no longer read.', async () => {
  await using opened = await openMesh(createVirtualClock())
  const [a, b] = [opened.mesh.agent('ada', 'A'), opened.mesh.agent('ada', 'B')]
  await a.push('k', 'once shared', { topics: ['x'] })
  await b.subscribe(['x'])
  await a.push('k', 'secret', { audience: 'owner' })
  await a.push('end', 1)
  const watcher = follow(b, { from: 0 })
  await watcher.until((items) => items.some((item) => 'key' in item && item.key === 'end'))
  expect(watcher.items.filter((item) => item.type === 'put').map((item) => 'key' in item && item.key)).toEqual(['end'])
  await watcher.stop()
})

test.each([false, true])(
  'A watch loads each large value when its item is due, with encryption: %s.',
  async (encrypted) => {
    await using opened = await openMesh(createVirtualClock(), { encrypted })
    const [a, b] = [opened.mesh.agent('ada', 'A'), opened.mesh.agent('ada', 'B')]
    const sizes = [100_000, 300_000, 50, 100_001, 300_001, 51, 100_002]
    const watch = stepwise(a)
    for (const size of sizes) await a.push(`k.${size}`, 'x'.repeat(size), { topics: ['t'] })
    const reads = vi.spyOn(opened.storage, 'read')
    const readBytes = async () => JSON.stringify(await Promise.all(reads.mock.results.map(({ value }) => value))).length
    for (const [i, size] of sizes.entries()) {
      expect(await watch.next()).toMatchObject({ key: `k.${size}`, value: 'x'.repeat(size) })
      if (i === 0) expect(await readBytes()).toBeLessThan(150_000)
    }
    await watch.stop()
    reads.mockClear()
    // A subscription brings all entries of a topic into view at once.
    const topic = stepwise(b)
    await b.subscribe(['t'])
    expect(await topic.next()).toMatchObject({ key: 'k.100000', value: 'x'.repeat(100_000) })
    expect(await readBytes()).toBeLessThan(150_000)
    await topic.stop()
  },
)
