import { expect, it } from 'vitest'
import { RecoveryQueue } from './recovery-queue.ts'

it.each([
  [true, ['a begins', 'a ends', 'b begins', 'b ends']],
  [false, ['a begins', 'b begins', 'a ends', 'b ends']],
])('A recovery queue that is serial: %s runs its work in this order.', async (isSerial, order) => {
  const queue = new RecoveryQueue(isSerial)
  const log: string[] = []
  const work = (name: string) => async () => {
    log.push(`${name} begins`)
    await Promise.resolve()
    log.push(`${name} ends`)
  }
  void queue.run(work('a'))
  void queue.run(work('b'))
  await queue.idle()
  expect(log).toEqual(order)
})
