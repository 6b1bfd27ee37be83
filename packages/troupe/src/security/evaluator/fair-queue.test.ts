import { expect, test } from 'vitest'
import { FairQueue } from './fair-queue.ts'

test('A fair queue serves the sources in turns, and the items of a source in their order.', () => {
  const queue = new FairQueue<string>()
  for (const item of ['eve 1', 'eve 2', 'eve 3', 'ada 1', 'bob 1', 'bob 2']) queue.push(item.slice(0, 3), item)
  expect([queue.size, queue.sizeOf('eve'), queue.sizeOf('ann')]).toEqual([6, 3, 0])
  const served = [queue.shift(), queue.shift()]
  queue.push('ada', 'ada 2')
  while (queue.size > 0) served.push(queue.shift())
  expect(served).toEqual(['eve 1', 'ada 1', 'bob 1', 'eve 2', 'ada 2', 'bob 2', 'eve 3'])
  expect(queue.shift()).toBe(undefined)
})
