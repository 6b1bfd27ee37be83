/** Patterns of callers: lists and watches whose keys the thread of the evaluator matches. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import { BoundedEvaluator } from '../../security/index.ts'
import type { WatchItem } from '../context-client.ts'
import { openMesh } from '../context-testbed.test.fixture.ts'
import type { CallerPatterns } from '../mesh-core.ts'

const pollOptions = { timeout: 20_000, interval: 1 }
let evaluator: BoundedEvaluator
beforeEach(() => {
  evaluator = new BoundedEvaluator({ clock: createVirtualClock() })
})
afterEach(() => evaluator.close())

/** Opens a mesh whose calls all come from callers. */
async function opened(matching: CallerPatterns['matching'] = (...request) => evaluator.matching(...request)) {
  const requests = vi.fn(matching)
  const mesh = await openMesh(createVirtualClock(), { patterns: { sourceFor: (user) => user, matching: requests } })
  return { mesh: mesh.mesh, requests, [Symbol.asyncDispose]: () => mesh[Symbol.asyncDispose]() }
}

const isDone = (key: string) => /^orders\..*\.done$/.test(key)
const pattern = 'orders.*.done'

test('A list with the pattern of a caller has the pages of the application, with one request for each page of keys.', async () => {
  await using testbed = await opened()
  const context = testbed.mesh.host('ada')
  const keys = Array.from({ length: 1_200 }, (_, i) => `orders.${i}.${i % 3 ? 'open' : 'done'}`)
  for (let i = 0; i < keys.length; i += 100)
    await context.batch(keys.slice(i, i + 100).map((key) => ({ type: 'push' as const, key, value: 1 })))
  const pages: string[][] = []
  for (
    let page = await context.keys({ pattern, limit: 150 });
    ;
    page = await context.keys({ pattern, limit: 150, cursor: page.cursor as string })
  ) {
    pages.push([...page.items])
    if (page.cursor === undefined) break
  }
  expect(pages.map(({ length }) => length)).toEqual([150, 150, 100])
  expect(pages.flat()).toEqual(keys.filter(isDone).sort())
  // Each page reads up to 500 keys after the one before.
  expect(testbed.requests.mock.calls.map(([source, , some]) => [source, some.length])).toEqual([
    ['ada', 500],
    ['ada', 500],
    ['ada', 299],
  ])
  testbed.requests.mockClear()
  await context.keys({ pattern: 'orders.1*' })
  await context.keys({ pattern: 'orders.1.open' })
  expect(testbed.requests).not.toHaveBeenCalled()
})

test('A watch with the pattern of a caller yields each change once and in order under a burst, also if it resumes.', async () => {
  await using testbed = await opened(async (source, asked, keys) => {
    // Some answers come later than further changes.
    if (keys.length % 2) await new Promise((resolve) => setTimeout(resolve, 3))
    return evaluator.matching(source, asked, keys)
  })
  const { mesh, requests } = testbed
  const context = mesh.host('ada')
  const keys = Array.from({ length: 600 }, (_, i) => `orders.${i % 50}.${i % 7 ? 'done' : 'open'}`)
  const expected = keys.map((key, value) => ({ key, value })).filter(({ key }) => isDone(key))
  async function follow(from?: string, maxItems = Number.POSITIVE_INFINITY) {
    const items: WatchItem[] = []
    for await (const item of context.watch({ pattern, ...(from === undefined ? {} : { from }) })) {
      items.push(item)
      if (items.length === maxItems || (item.type === 'put' && item.value === expected.at(-1)?.value)) break
    }
    return items
  }
  const all = follow()
  const first = follow(undefined, 100)
  for (const [value, key] of keys.entries()) await context.push(key, value)
  const seen = (items: readonly WatchItem[]) =>
    items.map((item) => (item.type === 'put' ? { key: item.key, value: item.value } : item))
  expect(seen(await all)).toEqual(expected)
  const begun = await first
  expect(seen([...begun, ...(await follow(begun.at(-1)?.position))])).toEqual(expected)
  // The changes that wait are one request.
  expect(requests.mock.calls.length).toBeLessThan(600)
})

test('A watch whose keys are being matched ends at once, by its signal, by its reader, and with the mesh.', async () => {
  const testbed = await opened(() => new Promise(() => {}))
  const { mesh, requests } = testbed
  const context = mesh.host('ada')
  const aborted = new AbortController()
  const watches = [
    context.watch({ pattern, signal: aborted.signal }),
    context.watch({ pattern }),
    context.watch({ pattern }),
  ]
  const [first, second, third] = watches.map((watch) => watch[Symbol.asyncIterator]())
  const ends = [first?.next(), second?.next(), third?.next()]
  await context.push('orders.1.done', 1)
  await expect.poll(() => requests.mock.calls.length, pollOptions).toBe(3)
  aborted.abort()
  expect(await ends[0]).toEqual({ done: true, value: undefined })
  expect(await second?.return?.()).toEqual({ done: true, value: undefined })
  await testbed[Symbol.asyncDispose]()
  expect(await ends[2]).toEqual({ done: true, value: undefined })
})

test('A list and a watch whose thread ends fail with the error of the evaluator, and the watch resumes without a loss.', async () => {
  let isFailing = false
  await using testbed = await opened(async (source, asked, keys) => {
    if (isFailing) await evaluator.close()
    return evaluator.matching(source, asked, keys)
  })
  const context = testbed.mesh.host('ada')
  const next = (watch: AsyncIterable<WatchItem>) => watch[Symbol.asyncIterator]().next()
  const watch = context.watch({ pattern })[Symbol.asyncIterator]()
  await context.push('orders.1.done', 1)
  const { value: before } = await watch.next()
  isFailing = true
  await context.push('orders.2.done', 2)
  await expect(watch.next()).rejects.toMatchObject({ code: 'troupe.closed' })
  await expect(context.keys({ pattern })).rejects.toMatchObject({ code: 'troupe.closed' })
  isFailing = false
  evaluator = new BoundedEvaluator({ clock: createVirtualClock() })
  expect(await next(context.watch({ pattern, from: before.position }))).toMatchObject({
    value: { key: 'orders.2.done', value: 2 },
  })
})

test('A watch yields no change that its reader may no longer read when the thread has matched the keys.', async () => {
  const gate = Promise.withResolvers<void>()
  await using testbed = await opened(async (source, asked, keys) => {
    await gate.promise
    return evaluator.matching(source, asked, keys)
  })
  const { mesh, requests } = testbed
  const reader = mesh.agent('ada', 'Reader')
  await reader.subscribe(['orders'])
  const watch = reader.watch({ pattern })[Symbol.asyncIterator]()
  const item = watch.next()
  await mesh.host('ada').push('orders.1.done', 1, { topics: ['orders'] })
  await expect.poll(() => requests.mock.calls.length, pollOptions).toBe(1)
  await reader.unsubscribe(['orders'])
  gate.resolve()
  await mesh.host('ada').push('orders.2.done', 2, { subscribers: ['Reader'] })
  const seen = [(await item).value, (await watch.next()).value]
  expect(seen.filter(({ type }) => type === 'put')).toMatchObject([{ key: 'orders.2.done' }])
})
