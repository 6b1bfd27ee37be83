import { expect, it } from 'vitest'
import { checkGuideTable } from '../table.test.fixture.ts'

it('a validator and a processor have one responsibility each', async () => {
  const { main } = await import('./single-responsibility.ts')
  expect(await main()).toEqual([{ sensor: 'roof', fahrenheit: 68 }, { rejected: ['celsius'] }])
})

it('messages are checked, frozen, and carry their own data', async () => {
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

it('an agent acts on messages and on colleagues who come and go', async () => {
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

it('three processors work at once between a coordinator and a storage', async () => {
  const { main } = await import('./layers.ts')
  expect(await main()).toEqual({ words: 6, stored: 6 })
})

it('states change as the table says, and not otherwise', async () => {
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

it('what was opened is closed, last first', async () => {
  const { main } = await import('./resources.ts')
  const opened = ['open files', 'open index', 'work', 'close index', 'close files']
  expect(await main()).toEqual([...opened, 'open files', 'close files', 'no index'])
})

it('a failing handler is tried three times, and its message can be brought back', async () => {
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

it('a service that fails is left alone, and asked again after a minute', async () => {
  const { main } = await import('./circuit-breaker.ts')
  expect(await main()).toEqual({
    asked: 6,
    rejected: [false, false, false, false, false, true],
    states: ['open', 'half-open', 'closed'],
    answer: 'tea',
  })
})

it('items come by the hundred', async () => {
  const { main } = await import('./batches.ts')
  expect(await main()).toEqual([100, 100])
})

it('a pool lends two at most, and gets all of them back', async () => {
  const { main } = await import('./resource-pool.ts')
  expect(await main()).toEqual({ peak: 2, failed: 2, inUse: 0, acquired: 5, opened: 2, closed: 2 })
})

it('a worker accepts messages of those it trusts', async () => {
  const { main } = await import('./access-control.ts')
  expect(await main()).toEqual({
    accepted: ['order of Boss', 'question of Clerk'],
    incidents: [{ agent: 'Stranger', action: 'authorize_peer' }],
  })
})

it('what happens is told, counted and timed', async () => {
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

it('messages go to all, to one, or to a topic', async () => {
  const { main } = await import('./communication.ts')
  expect(await main()).toEqual({
    Ann: ['we open at nine', 'you have the key'],
    Bob: ['we open at nine', 'tea is cheaper'],
    Cyd: ['we open at nine', 'tea is cheaper'],
  })
})

it('no update is lost, a full mailbox says so, and errors stay where they are', async () => {
  const { main } = await import('./pitfalls.ts')
  const { answers, ...rest } = await main()
  expect(rest).toEqual({ counter: 20, full: { code: 'mailbox.full', retryable: true } })
  expect(answers).toEqual([expect.stringContaining('it cannot be done'), 'did the report'])
})

it('settings are checked before an agent starts', async () => {
  const { main } = await import('./configuration.ts')
  expect(await main()).toEqual({ answer: 'Hello, Ada', concurrency: 100, rejected: 'ZodError' })
})

it('health tells of connections and messages', async () => {
  const { main } = await import('./health.ts')
  const { well, ill } = await main()
  expect(well).toMatchObject({ status: 'healthy', storage: 'open', connections: 2, handled: 1 })
  expect(well.messagesPerSecond).toBeGreaterThan(0)
  expect(ill).toMatchObject({ status: 'degraded', storage: 'open', connections: 1, handled: 2 })
})

it('an auction begins when four bidders are there, and the highest bid wins', async () => {
  const { main } = await import('./auction.ts')
  expect(await main()).toEqual(['Ann goes home', 'Bob has the painting for 140', 'Cyd goes home', 'Dan goes home'])
})

it('a meeting is moved until enough are free', async () => {
  const { main } = await import('./meeting.ts')
  expect(await main()).toEqual({ two: { from: 10, to: 12, attendees: ['Ann', 'Bob'] }, three: null })
})

it('tasks run as their graph says; failures and circles are named', async () => {
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
