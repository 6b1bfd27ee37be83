import { expect, it } from 'vitest'
import { checkGuideTable } from '../table.test.fixture.ts'

it('The sample of single responsibility has a validator and a processor.', async () => {
  const { main } = await import('./single-responsibility.ts')
  expect(await main()).toEqual([{ sensor: 'roof', fahrenheit: 68 }, { rejected: ['celsius'] }])
})

it('The sample of immutable messages checks and freezes them, and copies their data.', async () => {
  const { main } = await import('./immutable-messages.ts')
  expect(await main()).toEqual({
    rejected: 'validation.failed',
    frozen: true,
    task: { title: 'report', tags: ['q3'] },
    changed: { title: 'report', tags: ['q3', 'late'] },
    same: true,
    metadata: { trace: 17 },
  })
})

it('The event-driven sample reacts to messages and to agents that join and leave.', async () => {
  const { main } = await import('./event-driven.ts')
  expect(await main()).toEqual([
    'Bob came',
    'Bob is a clerk of billing',
    'Cyd came',
    'Cyd left',
    'Bob left',
    'did the report',
  ])
})

it('The sample of layers runs three processors between a coordinator and a storage.', async () => {
  const { main } = await import('./layers.ts')
  expect(await main()).toEqual({ words: 6, stored: 6 })
})

it('The sample of a state machine changes states only as its table says.', async () => {
  const { main } = await import('./state-machine.ts')
  expect(await main()).toEqual({
    ends: ['completed', 'error'],
    changes: [
      'idle -> processing',
      'processing -> completed',
      'completed -> idle',
      'idle -> processing',
      'processing -> error',
      'error -> idle',
    ],
    rejected: 'There is no transition from idle to completed.',
    state: 'idle',
  })
})

it('The sample of resources closes what it opened, the last first.', async () => {
  const { main } = await import('./resources.ts')
  const opened = ['open files', 'open index', 'work', 'close index', 'close files']
  expect(await main()).toEqual([...opened, 'open files', 'close files', 'no index'])
})

it('The sample of retries tries a failing handler three times, and redrives its message.', async () => {
  const { main } = await import('./retries.ts')
  expect(await main()).toEqual({
    attempts: 3,
    reason: expect.stringMatching(/^Error: the service is down/),
    failures: [1, 2, 3],
    abandoned: ['the service is down'],
    done: 'the report',
    charged: 1,
  })
})

it('The sample of a circuit breaker rejects calls of a failing service, and retries after a minute.', async () => {
  const { main } = await import('./circuit-breaker.ts')
  expect(await main()).toEqual({
    asked: 6,
    rejected: [false, false, false, false, false, true],
    states: ['open', 'half-open', 'closed'],
    answer: 'tea',
  })
})

it('The sample of batches receives items by the hundred.', async () => {
  const { main } = await import('./batches.ts')
  expect(await main()).toEqual([100, 100])
})

it('The sample of a resource pool lends at most two resources, and gets all of them back.', async () => {
  const { main } = await import('./resource-pool.ts')
  expect(await main()).toEqual({ peak: 2, failed: 2, inUse: 0, acquired: 5, opened: 2, closed: 2 })
})

it('The sample of access control accepts messages only of trusted senders.', async () => {
  const { main } = await import('./access-control.ts')
  expect(await main()).toEqual({
    accepted: ['order of Boss', 'question of Clerk'],
    incidents: [{ agent: 'Stranger', action: 'authorize_peer' }],
  })
})

it('The sample of observability reports, counts and times what happens.', async () => {
  const { main } = await import('./observability.ts')
  const { last, logged, ...otherValues } = await main()
  expect(logged).toEqual([
    ...[1, 2, 3].map((n) => ['checked', 'ObservableAgent', 'ada', n]),
    ['a worker failed', 'ObservableAgent', 'ada', undefined],
    ['a message was dead-lettered', undefined, 'ada', undefined],
  ])
  expect(last).toEqual([
    ['worker.failed', 'ada', 'ObservableAgent', 'task'],
    ['message.dead-lettered', 'ada', 'ObservableAgent', 'task'],
  ])
  expect(otherValues).toEqual({ processed: 3, errorRate: 0.25, timed: true, waiting: 0 })
})

it('The sample of communication sends messages to all, to one, or to a topic.', async () => {
  const { main } = await import('./communication.ts')
  expect(await main()).toEqual({
    Ann: ['we open at nine', 'you have the key'],
    Bob: ['we open at nine', 'tea is cheaper'],
    Cyd: ['we open at nine', 'tea is cheaper'],
  })
})

it('The sample of pitfalls loses no update, reports a full mailbox, and isolates errors.', async () => {
  const { main } = await import('./pitfalls.ts')
  const { answers, ...rest } = await main()
  expect(rest).toEqual({ counter: 20, full: { code: 'mailbox.full', retryable: true } })
  expect(answers).toEqual([expect.stringContaining('it cannot be done'), 'did the report'])
})

it('The sample of configuration checks settings before an agent starts.', async () => {
  const { main } = await import('./configuration.ts')
  expect(await main()).toEqual({ answer: 'Hello, Ada', limits: [50, '5s'], rejected: 'ZodError' })
})

it('The sample of health reports connections and messages.', async () => {
  const { main } = await import('./health.ts')
  const { status, queues } = (await main()) as {
    status: string
    queues: { workers: number; messagesPerSecond: number }
  }
  expect(['healthy', 'degraded']).toContain(status)
  expect(queues.workers).toBe(2)
  expect(queues.messagesPerSecond).toBeGreaterThan(0)
})

it('The sample of an auction starts with four bidders, and the highest bid wins.', async () => {
  const { main } = await import('./auction.ts')
  expect(await main()).toEqual(['Ann goes home', 'Bob has the painting for 140', 'Cyd goes home', 'Dan goes home'])
})

it('The sample of a meeting moves it until enough attendees are free.', async () => {
  const { main } = await import('./meeting.ts')
  expect(await main()).toEqual({ two: { from: 10, to: 12, attendees: ['Ann', 'Bob'] }, three: null })
})

it('The sample of a task graph runs tasks by their graph, and names failures and cycles.', async () => {
  const { main } = await import('./task-graph.ts')
  expect(await main()).toEqual({
    sum: 75,
    steps: 3,
    failed: ['Second'],
    error: 'it cannot be multiplied',
    circle: ['cycle.no_exit'],
  })
})

checkGuideTable(import.meta.dirname, {
  S5: [
    13, 33, 48, 52, 62, 65, 74, 90, 105, 118, 127, 147, 161, 181, 192, 193, 204, 220, 226, 245, 257, 277, 280, 285, 291,
    297, 303, 311, 318, 325, 338, 348, 349, 360,
  ],
})
