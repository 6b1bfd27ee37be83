import { expect, it } from 'vitest'
import { createVirtualClock, sleep } from '../../core/index.ts'
import { createTroupe, LlmAgent } from '../../startup/index.ts'
import { LoadTester } from './load-tester.ts'

it('A load tester keeps a number of requests in flight, counts failures, and reports the durations.', async () => {
  const clock = createVirtualClock()
  let inFlight = 0
  let peak = 0
  const tester = new LoadTester(
    async (request: number) => {
      peak = Math.max(peak, ++inFlight)
      await sleep(clock, request === 9 ? 1_000 : 100)
      inFlight--
      if (request % 5 === 0) throw new TypeError('no')
    },
    { clock },
  )
  const running = tester.run({ concurrent: 5, total: 10 })
  await clock.advance('5s')
  const report = await running
  expect(peak).toBe(5)
  expect(report).toMatchObject({
    totalRequests: 10,
    successfulRequests: 8,
    failedRequests: 2,
    successRate: 0.8,
    minResponseTime: 100,
    maxResponseTime: 1_000,
    averageResponseTime: 190,
    percentiles: { p50: 100, p95: 1_000, p99: 1_000 },
    totalTime: 1_100,
    errors: { TypeError: 2 },
  })
  expect([report.passed, report.breaches]).toEqual([true, []])
  await expect(tester.run({ total: 0 })).rejects.toThrow(/total/)
})

it('A load tester compares the metrics with thresholds, and rejects unknown thresholds.', async () => {
  const clock = createVirtualClock()
  const tester = new LoadTester(
    (request: number) => (request === 1 ? Promise.reject(new Error('no')) : sleep(clock, 300)),
    { clock },
  )
  const running = tester.run({
    concurrent: 4,
    total: 4,
    thresholds: { successRate: 0.95, p95: 200, averageResponseTime: 2_000 },
  })
  await clock.advance('1s')
  expect(await running).toMatchObject({
    passed: false,
    breaches: ['successRate is 0.75, the threshold 0.95', 'p95 is 300, the threshold 200'],
  })
  await expect(tester.run({ thresholds: { sucessRate: 1 } as never })).rejects.toThrow(/sucessRate/)
  await expect(tester.run({ thresholds: { p95: -1 } })).rejects.toThrow(/p95/)
})

it('A load tester needs only the function under load.', async () => {
  const report = await new LoadTester(async () => 'ok').run({ concurrent: 2, total: 6 })
  expect(report).toMatchObject({ totalRequests: 6, successfulRequests: 6, successRate: 1 })
})

it('One session is rejected, whose requests wait for each other.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const session = troupe.user('ada').session(new LlmAgent({ name: 'Quick', model: 'offline/extractive' }))
  expect(() => new LoadTester(session)).toThrow(
    expect.objectContaining({ code: 'validation.failed', message: expect.stringContaining('one session') }),
  )
})
