import { expect, it } from 'vitest'
import { Feeds } from './feeds.ts'
import { followed } from './followed.ts'

const total = 6_000

/** A source that gives all there is at once, and then more, one by one. */
function sourceOf() {
  const more = Promise.withResolvers<void>()
  const ends = Promise.withResolvers<void>()
  let readings = 0
  async function* source(from: number) {
    readings++
    for (let at = from + 1; at <= total; at++) yield { at, item: at }
    await more.promise
    yield { at: total + 1, item: total + 1 }
    await ends.promise
  }
  return { source, more: more.resolve, ends: ends.resolve, readings: () => readings }
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

it('A slow reader of the update stream gets each item once, and joins the shared feed after it has caught up.', async () => {
  const { source, more, ends, readings } = sourceOf()
  const feeds = new Feeds()
  const { signal } = new AbortController()
  const read = () => followed({ feeds, key: 'run', from: 0, signal, source })
  const [slow, quick] = [read(), read()]
  expect((await slow.next()).value).toBe(1)
  const seen: number[] = []
  const quickly = (async () => {
    for await (const item of quick) seen.push(item)
  })()
  // The one who takes at once drives the reading ahead, beyond what is kept of it.
  while (!feeds.reaches('run', total)) await turn()
  const got = [1]
  while (got.length < total) got.push((await slow.next()).value as number)
  expect(got).toEqual(Array.from({ length: total }, (_, i) => i + 1))
  const before = readings()
  more()
  expect((await slow.next()).value).toBe(total + 1)
  expect(readings()).toBe(before)
  ends()
  expect((await slow.next()).done).toBe(true)
  await quickly
  expect(seen).toEqual([...got, total + 1])
})
