import { expect, test } from 'vitest'
import { createVirtualClock } from '../../../core/index.ts'
import { StorageTime } from './storage-time.ts'

test('The storage time follows the clock, and the monotonic time while the clock is behind.', () => {
  let [wall, monotonic] = [10_000.7, 0]
  const time = new StorageTime({ ...createVirtualClock(), now: () => wall, monotonic: () => monotonic })
  expect(time.now()).toBe(10_000)
  ;[wall, monotonic] = [4_000, 50.5]
  expect(time.now()).toBe(10_050)
  ;[wall, monotonic] = [3_000, 50.9]
  expect(time.now()).toBe(10_050)
  ;[wall, monotonic] = [20_000, 60]
  expect(time.now()).toBe(20_000)
})
