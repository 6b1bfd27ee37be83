import { expect, it } from 'vitest'
import { createVirtualClock } from '../../../core/index.ts'
import { IdleInstances } from './idle-instances.ts'

it('The instance that came back last is taken first, and one that is idle too long is removed.', async () => {
  const clock = createVirtualClock()
  const expired: string[] = []
  const idle = new IdleInstances<string>(clock, 1_000, (instance) => expired.push(instance))
  for (const instance of ['a', 'b', 'c']) idle.add(instance)
  expect(idle.take()?.instance).toBe('c')
  await clock.advance('1s')
  expect([expired, idle.size, idle.take()]).toEqual([['a', 'b'], 0, undefined])
})
it('Pool instances in use do not expire.', async () => {
  const clock = createVirtualClock()
  const expired: string[] = []
  const idle = new IdleInstances<string>(clock, 1_000, (instance) => expired.push(instance))
  for (const instance of ['a', 'b']) idle.add(instance)
  expect(idle.takeAll()).toEqual(['a', 'b'])
  await clock.advance('5s')
  expect([expired, idle.size]).toEqual([[], 0])
})
