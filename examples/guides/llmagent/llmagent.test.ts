import { expect, it } from 'vitest'
import { checkGuideTable } from '../table.test.fixture.ts'

it('a coordinator has a project done phase by phase, and names what failed', async () => {
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

it('the methods of an agent are its tools', async () => {
  const { main } = await import('./research-agent.ts')
  expect(await main()).toEqual({
    text: 'They dance, and see light.',
    results: [
      ['Bees dance. They show the way.', 'Bees see polarised light.'],
      '- Bees dance\n- Bees see polarised light.',
    ],
  })
})

it('one agent searches a folder and the mesh, and sees what it may', async () => {
  const { main } = await import('./search-services.ts')
  expect(await main()).toEqual({ folder: ['Bees dance to show the way.'], mesh: ['Bees see polarised light.'] })
})

it('a request is validated, looked up, processed and kept', async () => {
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

it('messages are typed', async () => {
  const { main } = await import('./typed-messages.ts')
  expect(await main()).toEqual({
    receiver: 'Analyzer',
    priority: 'high',
    received: { type: 'data', content: 'test data' },
    wrong: 'ValidationError',
    batch: [2, 4, 6],
  })
})

it('every way in which a request can end has its answer', async () => {
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

it('logs are lines of JSON: each request under its id, with durations and sizes, and no payload', async () => {
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

it('a factory makes what is registered', async () => {
  const { main } = await import('./factory.ts')
  expect(await main()).toEqual({
    names: ['ResearchBot', 'AnalysisBot'],
    kinds: ['research', 'analysis', 'writing', 'coordination'],
    unknown: expect.stringMatching(/cooking; known are research, analysis/) as string,
  })
})

it('tools are chosen by context, by performance, or by hand', async () => {
  const { main } = await import('./tool-selection.ts')
  const { byContext, byPerformance, ownChoice } = await main()
  expect([byContext, ownChoice]).toEqual([['translate'], ['search_web']])
  expect(byPerformance).toEqual(['search_web', 'translate'])
})

it('observers come and go, and break nothing', async () => {
  const { main } = await import('./observers.ts')
  expect(await main()).toEqual({ answers: ['one', 'two'], logged: ['model.called mock/mock'], calls: 2 })
})

it('answers are kept per user for an hour', async () => {
  const { main } = await import('./caching.ts')
  expect(await main()).toEqual({
    answers: ['first', 'first', 'of another user', 'fresh'],
    asked: 3,
    results: ['result 1 for a', 'result 1 for a', 'result 1 for a'],
  })
})

it('a hundred requests take twenty connections', async () => {
  const { main } = await import('./connection-pool.ts')
  const { succeeded, failed, connections } = await main()
  expect([succeeded, failed]).toEqual([100, 2])
  expect(connections).toBeLessThanOrEqual(20)
})

it('a pool lends what it has, and gets it back', async () => {
  const { main } = await import('./agent-pool.ts')
  expect(await main()).toEqual({ done: 5, instances: 2, inUse: 0, closed: true })
})

it('items are worked on in batches of ten', async () => {
  const { main } = await import('./batch-processing.ts')
  expect(await main()).toEqual({ sizes: [10, 10, 5], failed: ['no thirteen'], last: 48 })
})

it('input is held to its schema', async () => {
  const { main } = await import('./validation.ts')
  expect(await main()).toEqual({
    good: { name: 'Ada Lovelace', email: 'ada@example.org', age: 36 },
    rejected: Array.from({ length: 4 }, () => 'ValidationError'),
    shown: '&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;',
  })
})

it('clients have a rate each', async () => {
  const { main } = await import('./rate-limit.ts')
  expect(await main()).toEqual({
    rejected: { error: 'Rate limit exceeded', retry_after: 60 },
    other: 'did x',
    later: 'did x',
  })
})

it('a secret is found, sent, or missed at the start', async () => {
  const { main } = await import('./secrets.ts')
  expect(await main()).toEqual({
    seen: ['Bearer from-the-environment', 'Bearer from-the-vault'],
    missing: ['secret.missing', 'OTHER_KEY'],
    redacted: 'the key is [redacted]',
  })
})

it('200 requests, 20 at once, succeed as the guide wants', async () => {
  const { main } = await import('./load.ts')
  const report = await main()
  expect(report).toMatchObject({ totalRequests: 200, failedRequests: 4, successRate: 0.98 })
  expect(report.breaches).toEqual([])
})

it('settings come from the environment', async () => {
  const { main } = await import('./environment.ts')
  expect(await main()).toEqual({
    model: 'offline/extractive',
    sent: [
      [0.2, 500],
      [1, 500],
    ],
    wrong: 'ZodError',
  })
})

it('health is checked in parts, and an agent that does not answer within five seconds is ill', async () => {
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

it('told to stop, it ends what is at work', async () => {
  const { main } = await import('./shutdown.ts')
  expect(await main()).toEqual({ first: { text: 'did the first' }, late: { error: 'Service shutting down' } })
})

it('figures are collected', async () => {
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
