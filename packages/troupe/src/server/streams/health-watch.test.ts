import { expect, it } from 'vitest'
import { createVirtualClock, type VirtualClock } from '../../core/index.ts'
import { type CheckAnswer, HealthMonitor } from '../../observability/index.ts'
import { HealthWatch } from './health-watch.ts'

function watched(name = 'shop') {
  const clock = createVirtualClock()
  const health = new HealthMonitor({ clock })
  const found = { answer: true as CheckAnswer, checks: 0, reported: 0 }
  health.register(name, () => {
    found.checks++
    return found.answer
  })
  const watch = new HealthWatch({ clock, health, changed: () => found.reported++ })
  return { clock, found, watch }
}
const seconds = (clock: VirtualClock, count: number) => clock.advance(`${count}s`)

it('The watch of health sends one notice within 10 s after a check changed, for all of its readers, and none without a change.', async () => {
  const { clock, found, watch } = watched()
  watch.follow()
  watch.follow()
  await seconds(clock, 60)
  expect(found).toMatchObject({ reported: 0, checks: 7 })
  found.answer = { status: 'degraded', message: 'slow' }
  await seconds(clock, 10)
  expect(found.reported).toBe(1)
  found.answer = { status: 'degraded', message: 'slower' }
  await seconds(clock, 60)
  expect(found.reported).toBe(2)
})

it('The watch of health executes no check without a reader, and a reader who returns hears of a change meanwhile.', async () => {
  const { clock, found, watch } = watched()
  await seconds(clock, 60)
  expect(found.checks).toBe(0)
  const stop = watch.follow()
  await seconds(clock, 1)
  stop()
  found.answer = false
  await seconds(clock, 60)
  expect(found).toMatchObject({ reported: 0, checks: 1 })
  watch.follow()
  await seconds(clock, 1)
  expect(found.reported).toBe(1)
})

it('The watch of health compares counts of messages and workers, and no measurements.', async () => {
  const details = (answer: object) => ({ status: 'healthy' as const, details: { ...answer } })
  for (const [name, first, second, reported] of [
    ['queues', { waiting: 1, messagesPerSecond: 0.1 }, { waiting: 1, messagesPerSecond: 0.2 }, 0],
    ['queues', { waiting: 1 }, { waiting: 2 }, 1],
    ['memory', { used: 1 }, { used: 2 }, 0],
  ] as const) {
    const { clock, found, watch } = watched(name)
    found.answer = details(first)
    watch.follow()
    await seconds(clock, 1)
    found.answer = details(second)
    await seconds(clock, 10)
    expect(found.reported).toBe(reported)
  }
})
