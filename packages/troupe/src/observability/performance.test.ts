import { expect, it } from 'vitest'
import { createVirtualClock } from '../core/index.ts'
import { MetricsCollector } from './metrics/index.ts'
import { Performance } from './performance.ts'

const timed = () => {
  const clock = createVirtualClock()
  const metrics = new MetricsCollector(clock)
  return { clock, metrics, performance: new Performance(clock, metrics) }
}

it('A performance report has each operation, the total, and the slowest calls with their metadata.', async () => {
  const { clock, metrics, performance } = timed()
  for (let i = 1; i <= 4; i++) {
    using timer = performance.time('import', { batch: i })
    await clock.advance(`${i}s`)
    timer.addMetadata('orders', i * 10)
    if (i === 4) timer.fail(new TypeError('no'))
  }
  metrics.time('tool.called', 5)
  metrics.increment('orders')
  const report = performance.report({ slowest: 2 })
  expect(report.operations).toMatchObject([
    {
      operation: 'import',
      calls: 4,
      successes: 3,
      failures: 1,
      successRate: 0.75,
      averageMs: 2_500,
      p50Ms: 2_000,
      slowestMs: 4_000,
    },
    { operation: 'tool.called', calls: 1, averageMs: 5 },
  ])
  expect(report.timestamp).toBe(new Date(clock.now()).toISOString())
  expect(report.summary).toMatchObject({ calls: 4, failures: 1, errorRate: 0.25, callsPerSecond: 0.4 })
  expect(report.slowest.map(({ durationMs, success, metadata }) => [durationMs, success, metadata])).toEqual([
    [4_000, false, { batch: 4, orders: 40, error: 'TypeError' }],
    [3_000, true, { batch: 3, orders: 30 }],
  ])
  expect(JSON.parse(JSON.stringify(report))).toMatchObject({ summary: { calls: 4 } })
  expect(String(report)).toMatch(/import: 4 calls, 1 failures, average 2500\.0 ms/)
})

it('A performance report covers only its window, and omits operations without calls.', async () => {
  const { clock, performance } = timed()
  performance.time('old').end()
  await clock.advance('10m')
  performance.time('new').end()
  const report = performance.report({ window: '5m' })
  expect(report.operations.map(({ operation }) => operation)).toEqual(['new'])
  expect(report.summary.calls).toBe(1)
  expect(() => performance.report({ slowest: 51 })).toThrow(/from 0 to 50/)
})

it('A performance report with a window has the slowest calls of the window only.', async () => {
  const { clock, performance } = timed()
  for (let i = 0; i < 60; i++) {
    using _timer = performance.time('old')
    await clock.advance('1m')
  }
  await clock.advance('10m')
  for (const seconds of [1, 3, 2]) {
    using _timer = performance.time('new')
    await clock.advance(`${seconds}s`)
  }
  const durations = (window?: '5m') =>
    performance.report(window === undefined ? {} : { window }).slowest.map(({ durationMs }) => durationMs)
  expect(durations('5m')).toEqual([3_000, 2_000, 1_000])
  expect(durations()).toEqual(Array(5).fill(60_000))
})

it('A tracked call is timed, counted as failed if it fails, and returns its result.', async () => {
  const { clock, performance } = timed()
  const result = await performance.track('lookup', async (timer) => {
    await clock.advance('2s')
    timer.addMetadata('found', true)
    return 17
  })
  const failing = performance.track('lookup', () => Promise.reject(new TypeError('a secret')), { user: '12345' })
  await expect(failing).rejects.toThrow('a secret')
  expect(result).toBe(17)
  performance.time('again and again').end()
  const { operations, slowest } = performance.report()
  expect(operations).toMatchObject([
    { operation: 'lookup', calls: 2, failures: 1, averageMs: 1_000 },
    { operation: 'again and again', calls: 1 },
  ])
  expect(slowest.map(({ durationMs, success, metadata }) => [durationMs, success, metadata]).slice(0, 2)).toEqual([
    [2_000, true, { found: true }],
    [0, false, { user: '12345', error: 'TypeError' }],
  ])
})
