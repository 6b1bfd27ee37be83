import { expect, it } from 'vitest'
import { checkGuideTable } from '../table.test.fixture.ts'

it('The sample of a coordinator runs a project phase by phase, and names what failed.', async () => {
  const { main } = await import('./coordinator.ts')
  expect(await main()).toEqual([
    {
      status: 'success',
      research_data: 'Tea sells in winter.',
      analysis_results: 'Stock it in autumn.',
      final_report: 'Buy tea in September.',
    },
    { status: 'error', error: 'the library is closed' },
  ])
})

it('The sample of a research agent has its methods as tools.', async () => {
  const { main } = await import('./research-agent.ts')
  expect(await main()).toEqual({
    text: 'They dance, and see light.',
    results: [
      ['Bees dance. They show the way.', 'Bees see polarised light.'],
      '- Bees dance\n- Bees see polarised light.',
    ],
  })
})

it("The sample of search services searches a folder and the mesh within the agent's rights.", async () => {
  const { main } = await import('./search-services.ts')
  expect(await main()).toEqual({ folder: ['Bees dance to show the way.'], mesh: ['Bees see polarised light.'] })
})

it('The well-structured sample validates a request, looks it up, processes it and stores it.', async () => {
  const { main } = await import('./well-structured.ts')
  expect(await main()).toEqual({
    first: { words: 3, cached: false },
    second: { words: 3, cached: true },
    processed: 1,
    logged: [
      ['processed', 'Counter', 3],
      ['an agent failed', 'Counter', undefined],
    ],
    wrong: 'ValidationError',
  })
})

it('The sample of typed messages rejects a message of another form.', async () => {
  const { main } = await import('./typed-messages.ts')
  expect(await main()).toEqual({
    receiver: 'Analyzer',
    priority: 'high',
    received: { type: 'data', content: 'test data' },
    wrong: 'ValidationError',
    batch: [2, 4, 6],
  })
})

it('The sample of a robust agent has an answer for every end of a request.', async () => {
  const { main } = await import('./robust-agent.ts')
  expect(await main()).toEqual({
    wrong: { status: 'error', error_type: 'validation', message: 'Missing required field: data' },
    fallback: { status: 'success', data: 'from the stand-in', note: 'fallback_used' },
    unavailable: {
      status: 'error',
      error_type: 'service_unavailable',
      message: expect.stringContaining('HTTP 503') as string,
    },
    unexpected: { status: 'error', error_type: 'unexpected', message: 'Internal error occurred' },
  })
})

it('The sample of a structured log writes JSON lines with request ids, durations and sizes, and no payload.', async () => {
  const { main } = await import('./structured-log.ts')
  const lines = await main()
  const request = { action: 'count', request_id: expect.any(String) }
  const step = { agent: 'Counter', userId: 'ada' }
  const duration = expect.any(Number)
  expect(lines).toMatchObject([
    { msg: 'request_start', ...request, data_size: 10 },
    { msg: 'counted', ...step, words: 2 },
    { msg: 'step.released', ...step, success: true, durationMs: duration },
    { msg: 'request_complete', ...request, duration, result_size: expect.any(Number) },
    { msg: 'request_start', ...request, data_size: 2 },
    { msg: 'an agent failed', level: 50, ...step, code: 'agent.failed' },
    { msg: 'step.released', agent: 'Counter' },
    { msg: 'request_error', ...request, duration, error_type: 'TypeError' },
  ])
  expect(new Set(lines.map(({ request_id: id }) => id)).size).toBe(3)
  expect(JSON.stringify(lines)).not.toMatch(/secret|private/)
})

it('The sample of a factory makes what is registered.', async () => {
  const { main } = await import('./factory.ts')
  expect(await main()).toEqual({
    names: ['ResearchBot', 'AnalysisBot'],
    kinds: ['research', 'analysis', 'writing', 'coordination'],
    unknown: expect.stringMatching(/cooking; known are research, analysis/) as string,
  })
})

it('The sample of tool selection selects tools by context, by performance or by a function.', async () => {
  const { main } = await import('./tool-selection.ts')
  const { byContext, byPerformance, ownChoice } = await main()
  expect([byContext, ownChoice]).toEqual([['translate'], ['search_web']])
  expect(byPerformance).toEqual(['search_web', 'translate'])
})

it('The sample of observers adds and removes them without breaking anything.', async () => {
  const { main } = await import('./observers.ts')
  expect(await main()).toEqual({ answers: ['one', 'two'], logged: ['model.called mock/mock'], calls: 2 })
})

it('The sample of caching stores answers per user for an hour.', async () => {
  const { main } = await import('./caching.ts')
  expect(await main()).toEqual({
    answers: ['first', 'first', 'of another user', 'fresh'],
    asked: 3,
    results: ['result 1 for a', 'result 1 for a', 'result 1 for a'],
  })
})

it('The sample of a connection pool serves a hundred requests with twenty connections.', async () => {
  const { main } = await import('./connection-pool.ts')
  const { succeeded, failed, connections } = await main()
  expect([succeeded, failed]).toEqual([100, 2])
  expect(connections).toBeLessThanOrEqual(20)
})

it('The sample of an agent pool lends its agents, and gets them back.', async () => {
  const { main } = await import('./agent-pool.ts')
  expect(await main()).toEqual({ done: 5, instances: 2, inUse: 0, closed: true })
})

it('The sample of batch processing works on items in batches of ten.', async () => {
  const { main } = await import('./batch-processing.ts')
  expect(await main()).toEqual({ sizes: [10, 10, 5], failed: ['no thirteen'], last: 48 })
})

it('The sample of validation checks input by its schema.', async () => {
  const { main } = await import('./validation.ts')
  expect(await main()).toEqual({
    good: { name: 'Ada Lovelace', email: 'ada@example.org', age: 36 },
    rejected: Array.from({ length: 4 }, () => 'ValidationError'),
    shown: '&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;',
  })
})

it('The sample of a rate limit limits each client separately.', async () => {
  const { main } = await import('./rate-limit.ts')
  expect(await main()).toEqual({
    rejected: { error: 'Rate limit exceeded', retry_after: 60 },
    other: 'did x',
    later: 'did x',
  })
})

it('The sample of secrets finds, sends and redacts a secret, and reports a missing one at the start.', async () => {
  const { main } = await import('./secrets.ts')
  expect(await main()).toEqual({
    seen: ['Bearer from-the-environment', 'Bearer from-the-vault'],
    missing: ['secret.missing', 'OTHER_KEY'],
    redacted: 'the key is [redacted]',
  })
})

it('The sample of a load test sends 200 requests, 20 at once, within the thresholds of the guide.', async () => {
  const { main } = await import('./load.ts')
  const report = await main()
  expect(report).toMatchObject({ totalRequests: 200, failedRequests: 4, successRate: 0.98 })
  expect(report.breaches).toEqual([])
})

it('The sample of an environment reads its settings from variables.', async () => {
  const { main } = await import('./environment.ts')
  expect(await main()).toEqual({
    model: 'offline/extractive',
    sent: [
      [0.2, 500],
      [1, 500],
    ],
    wrong: [['ValidationError', true]],
  })
})

it('The sample of health checks parts, and an agent without an answer in five seconds is unhealthy.', async () => {
  const { main } = await import('./health.ts')
  const well = { status: 'healthy', external_services: 'healthy', agent_responsive: 'healthy' }
  const ill = { ...well, status: 'unhealthy', agent_responsive: 'unhealthy' }
  expect(await main()).toMatchObject({
    well,
    down: ill,
    slow: ill,
    free: { memory: 'healthy', disk: 'healthy' },
    full: { status: 'degraded', memory: 'degraded', disk: 'degraded' },
  })
})

it('The sample of a shutdown finishes the work in progress.', async () => {
  const { main } = await import('./shutdown.ts')
  expect(await main()).toEqual({
    first: 'did the first',
    late: { code: 'troupe.draining', retryable: true },
    exitCode: 0,
  })
})

it('The sample of metrics collects counts, rates and durations.', async () => {
  const { main } = await import('./metrics.ts')
  expect(await main()).toMatchObject({
    total_requests: 4,
    successful_requests: 3,
    success_rate: 0.75,
    error_breakdown: { ExternalServiceError: 1, TimeoutError: 0 },
    steps_failed: 1,
    uptime_seconds: expect.any(Number) as number,
    calls_per_second: expect.any(Number) as number,
    timed: true,
    model_calls: 4,
  })
})

checkGuideTable(import.meta.dirname, {
  S3: [
    24, 30, 53, 89, 128, 141, 158, 176, 205, 212, 221, 228, 233, 250, 293, 332, 338, 380, 385, 394, 403, 417, 440, 468,
    501, 506, 536, 558, 577, 647, 669, 683, 725, 758, 770, 805, 807, 829, 841, 858, 875, 889, 909, 918, 985, 998, 1009,
    1030, 1050, 1051, 1085, 1108, 1145, 1171, 1229, 1276, 1346, 1359, 1366, 1373, 1380, 1387, 1397, 1399,
  ],
})
