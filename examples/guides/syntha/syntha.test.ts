import { expect, it } from 'vitest'
import { checkGuideTable } from '../table.test.fixture.ts'

it('The sample of single responsibility stores profiles, and loses no update.', async () => {
  const { main } = await import('./single-responsibility.ts')
  expect(await main()).toEqual({
    profile: { name: 'John Doe', email: 'doe@example.com' },
    missing: undefined,
    rejected: 'ValidationError',
  })
})

it('The sample of routing sends requests to the agent of their type.', async () => {
  const { main } = await import('./route-requests.ts')
  expect(await main()).toEqual([
    'Catalog handled a teapot',
    'Inventory handled a teapot',
    'Orders handled order 17',
    'Payments handled order 17',
    'Shipping handled parcel 4',
    'Support handled parcel 4',
    'Analytics handled the month',
    'route.unknown',
  ])
})

it('The sample of context keys has keys in levels.', async () => {
  const { main } = await import('./context-keys.ts')
  expect(await main()).toEqual({
    ofOneOrder: ['orders.ORDER_123.details', 'orders.ORDER_123.status'],
    details: ['orders.ORDER_123.details', 'products.SKU_9.details'],
    measured: ['system.api.response_time'],
    responseTime: 12,
  })
})

it('The sample of lifecycles has named lifetimes.', async () => {
  const { main } = await import('./lifecycles.ts')
  const lifetimes = await main()
  expect(lifetimes.now).toHaveLength(8)
  expect(lifetimes['2m']).not.toContain('code')
  expect(lifetimes['45m']).toEqual(['incidents.4', 'offers.9', 'report', 'sessions.17', 'vision'])
  expect(lifetimes['90m']).toEqual(['incidents.4', 'offers.9', 'report', 'vision'])
  expect(lifetimes['1d']).toEqual(['incidents.4', 'vision'])
})

it('The sample of a batch is atomic, or applies its operations one by one.', async () => {
  const { main } = await import('./batch.ts')
  expect(await main()).toEqual({
    rejected: 'context.denied',
    teapots: { type: 'get', key: 'stock.teapot', success: true, found: true, value: 4 },
    successes: [true, false, true],
    left: ['prices.teapot', 'stock.teapot'],
  })
})

it('The sample of cached reads accepts an age, and checks the audience.', async () => {
  const { main } = await import('./cached-reads.ts')
  expect(await main()).toEqual({
    first: 1.08,
    second: 1.08,
    fresh: 1.09,
    several: { 'rates.eur': 1.09, 'rates.gbp': 1.27 },
    revoked: undefined,
  })
})

it('The sample of messages delivers by urgency, in batches, and to many recipients.', async () => {
  const { main } = await import('./messages.ts')
  expect(await main()).toEqual({
    order: ['stop the press', 'call the customer', 'write the report', 'tidy up'],
    outcomes: [
      { to: 'Clerk', success: true },
      { to: 'Sales', success: true },
      { to: '', success: false },
    ],
    batches: [10],
  })
})

it('The sample of fallbacks replaces a failing source.', async () => {
  const { main } = await import('./fallbacks.ts')
  expect(await main()).toEqual({
    missing: '503',
    fallback: 1,
    whileOpen: [1, 2],
    fresh: 1.08,
    lastKnownGood: 1.08,
  })
})

it('The sample of errors distinguishes them by code and class.', async () => {
  const { main } = await import('./errors.ts')
  expect(await main()).toEqual({
    denied: { code: 'access.denied', tools: expect.arrayContaining(['get_context']) },
    missing: { code: 'context.missing', similar: ['orders.17.status'] },
    mistaken: 'tool.arguments',
    attempts: 3,
    answer: 'It is 1.08.',
    failed: false,
    caught: ['AccessDeniedError', 'access.denied', false],
    incidents: [
      { agent: 'Reader', action: 'push_context', code: 'access.denied' },
      { agent: 'Reader', action: 'push_context', code: 'access.denied' },
    ],
  })
})

it('The sample of health checks services, and sends alerts to agents.', async () => {
  const { main } = await import('./health.ts')
  expect(await main()).toEqual({
    status: 'healthy',
    healthy: expect.arrayContaining(['storage', 'mesh', 'messages']),
    entries: 0,
    alerts: Array(2).fill(expect.objectContaining({ alert: 'failing-calls', value: 0.5, threshold: 0.05 })),
  })
})

it('The sample of performance measures operations.', async () => {
  const { main } = await import('./performance.ts')
  const { rate, slowest, ...otherValues } = await main()
  expect(otherValues).toEqual({ lookups: [3, 1], failures: 1, basket: 3 })
  expect(rate).toBeGreaterThan(0)
  expect(slowest).toContainEqual(['user_profile_lookup', { profile: '12345' }])
})

it('The sample of configuration checks settings before anything opens.', async () => {
  const { main } = await import('./configuration.ts')
  expect(await main()).toEqual({
    cleanup: '300s',
    database: { host: 'db', database: 'syntha', user: 'app', password: 'p@ss:word' },
    rejected: ['SYNTHA_ENABLE_INDEXING', 'SYNTHA_LOG_LEVEL', 'SYNTHA_CLEANUP_INTERVAL'].map((name) => [
      'ValidationError',
      name,
    ]),
    shared: 'name.invalid',
    pushed: 'v',
    checked: true,
    calls: 1,
  })
})

it('The sample of isolation separates users, and gives agents only the rights that they need.', async () => {
  const { main } = await import('./isolation-and-roles.ts')
  expect(await main()).toEqual({
    read: 'closed',
    write: 'access.denied',
    otherUser: undefined,
    auditor: ['get_context', 'list_context'],
    narrow: ['get_context'],
  })
})

it('The sample of an agent manager opens, calls and closes.', async () => {
  const { main } = await import('./agent-manager.ts')
  expect(await main()).toEqual({ pushed: true, failed: 'Access denied to tool: delete_topic', warnings: 1 })
})

it('The event-driven sample of an agent reacts to changes.', async () => {
  const { main } = await import('./event-driven.ts')
  expect(await main()).toEqual(['escalated urgent_refund', 'did task_last'])
})

it('The sample of events reports what happens, with durations and without payload.', async () => {
  const { main } = await import('./events-and-logs.ts')
  expect(await main()).toEqual({
    rejected: 'access.denied',
    calls: [
      ['Sales', 'get_context', true],
      ['Sales', 'push_context', true],
      ['Sales', 'delete_topic', false],
    ],
    timed: true,
    security: [
      ['tool.called', 'push_context'],
      ['incident.recorded', 'delete_topic'],
      ['tool.called', 'delete_topic'],
    ],
    size: 1,
    payload: false,
  })
})

it('The sample of tools lets a model work with the built-in tools.', async () => {
  const { main } = await import('./tools-for-a-model.ts')
  expect(await main()).toEqual({
    text: 'There are blue ones.',
    tools: 12,
    found: ['teapots in blue'],
    keys: ['found.teapots'],
  })
})

it('The sample of prompts contains the entries that are permanent.', async () => {
  const { main } = await import('./prompts.ts')
  const { fixed, everything, repeated } = await main()
  expect(fixed).toBe('You are {name}, and help customers.\n\n[Context]\nCompany Vision: to help (from host)')
  expect(everything).toMatch(/^What we know:\n.*\n.*"days": 30/s)
  expect(everything).not.toContain('0.4')
  expect(repeated).toEqual(['Support'])
})

it('The sample of pitfalls gets each mistake reported.', async () => {
  const { main } = await import('./pitfalls.ts')
  const { reported, closed } = await main()
  expect(reported).toEqual(
    expect.arrayContaining(['ValidationError', 'Access denied to tool: push_context', '2 tools', 'tool.ignored']),
  )
  expect(closed).toBe(true)
})

it('The sample in the older spelling works with the compatibility module.', async () => {
  const { main } = await import('./older-spelling.ts')
  expect(await main()).toEqual({
    messages: [expect.objectContaining({ from_agent: 'Agent1', message: 'Check test_data' })],
    value: { text: 'Hello' },
    context: { test_data: { text: 'Hello' } },
    deal: { usd: 90 },
    hours: 24,
  })
})

checkGuideTable(import.meta.dirname, {
  S1: [
    20, 49, 67, 92, 117, 125, 138, 151, 174, 214, 246, 249, 259, 277, 298, 307, 317, 322, 340, 381, 385, 395, 426, 438,
    471, 482, 486, 495, 498, 507, 533, 546, 573, 602, 615, 647, 666, 714, 734, 747, 775, 799, 836, 850, 880, 908, 909,
    913, 914, 917, 918, 921, 922, 925, 939, 950, 995, 1003, 1011, 1019, 1027, 1042,
  ],
  S2: [
    7, 13, 36, 41, 51, 57, 65, 89, 106, 111, 157, 172, 197, 217, 230, 249, 274, 304, 311, 328, 331, 355, 382, 400, 423,
    456, 477, 484, 494, 518, 550, 556, 576, 579, 581, 585, 586, 591, 601, 616, 623, 645, 654, 675, 678,
  ],
})
