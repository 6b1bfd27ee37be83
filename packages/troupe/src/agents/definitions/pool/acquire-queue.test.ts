import { expect, it } from 'vitest'
import { createVirtualClock } from '../../../core/index.ts'
import { AcquireQueue } from './acquire-queue.ts'

it('The queue of a pool returns its waiters in their order.', async () => {
  const queue = new AcquireQueue<number>(createVirtualClock(), '2s')
  const [first, second] = [queue.createWaiter(undefined), queue.createWaiter(undefined)]
  queue.enqueue(first)
  queue.enqueue(second)
  expect([queue.dequeue() === first, queue.dequeue() === second, queue.dequeue()]).toEqual([true, true, undefined])
  first.resolve(1)
  expect([await first.instance, first.isFinished, second.isFinished]).toEqual([1, true, false])
})
it('A caller that waits too long or aborts leaves the queue with an error.', async () => {
  const clock = createVirtualClock()
  const queue = new AcquireQueue<number>(clock, '2s')
  const abort = new AbortController()
  const waiters = [queue.createWaiter(undefined), queue.createWaiter(abort.signal), queue.createWaiter(undefined)]
  for (const waiter of waiters) queue.enqueue(waiter)
  const outcomes = Promise.allSettled(waiters.map(({ instance }) => instance))
  abort.abort()
  expect([queue.size, queue.timeouts]).toEqual([2, 0])
  await clock.advance('2s')
  expect([queue.size, queue.timeouts]).toEqual([0, 2])
  expect((await outcomes).map((one) => one.status === 'rejected' && one.reason.code)).toEqual([
    'pool.timeout',
    'cancelled',
    'pool.timeout',
  ])
})
