import { expect, it } from 'vitest'
import { checkGuideTable } from '../table.test.fixture.ts'

it('an analyzer takes and gives what it declares', async () => {
  const { main } = await import('./single-responsibility.ts')
  expect(await main()).toEqual({
    analysed: { count: 3, average: 3 },
    wrongInput: 'ValidationError',
    wrongOutput: 'ValidationError',
  })
})

it('an agent remembers what is alike, and has few things in mind', async () => {
  const { main } = await import('./memory.ts')
  expect(await main()).toEqual({
    answer: 'Oil it.',
    shown: ['chain', 'hinge squeaked'],
    retained: true,
    inMind: ['the hinge squeaks', 'the shop closes at six'],
    displaced: 'it rains',
  })
})

it('errors are recovered from by their kind', async () => {
  const { main } = await import('./recovery.ts')
  expect(await main()).toEqual({
    recovered: { attempts: 3, outcome: 'fetched' },
    exhausted: { attempts: 3, outcome: 'MaxRetriesExceededError' },
    critical: { attempts: 1, outcome: 'CriticalError' },
    completeRun: { attempts: 3, outcome: 'fetched' },
    rerouted: { attempts: 1, outcome: 'from the archive' },
    fallback: { attempts: 1, outcome: 'from the cache' },
  })
})

it('executions are counted, and thresholds watched', async () => {
  const { main } = await import('./monitoring.ts')
  const alert = { alert: 'error-rate', state: 'raised', value: 0.5, threshold: 0.05 }
  expect(await main()).toEqual({
    executions: 2,
    successful: 1,
    runs: 2,
    before: 0,
    alerts: [['urgent', expect.objectContaining(alert)]],
  })
})

it('a run stops at an error, goes on, and tells what it did', async () => {
  const { main } = await import('./debugging.ts')
  expect(await main()).toEqual({
    stopped: ['waiting', 'question', 'error'],
    response: 'It rains.',
    path: ['Reporter completed', 'Editor failed', 'Editor completed'],
    interactions: ['Start invoke Reporter', 'Reporter invoke Editor', 'Editor question User', 'User answer Editor'],
    errors: ['Editor: out of ink'],
    states: 6,
    identical: true,
    shown: [
      ['Reporter', 'tool-call'],
      ['Reporter', 'tool-result'],
    ],
  })
})

it('a run that waits goes on in the next process, and repeats nothing', async () => {
  const { main } = await import('./persistence.ts')
  expect(await main()).toEqual({
    status: 'waiting',
    question: 'Publish "News, draft 1"?',
    response: 'published News, draft 1',
    prepared: 1,
  })
})

it('runs are started and asked about over HTTP', async () => {
  const { main } = await import('./http-api.ts')
  expect(await main()).toEqual({
    started: { code: 202, status: 'started' },
    result: { code: 200, status: 'completed', response: 'hello, hello' },
    status: { code: 200, status: 'completed' },
    unknown: 404,
    rejected: 400,
  })
})

it('a warm pool carries out thirty steps with ten instances', async () => {
  const { main } = await import('./agent-pool.ts')
  expect(await main()).toEqual({ warm: 10, response: 9455, made: 10, within: true })
})

it('neither a question nor a run is repeated', async () => {
  const { main } = await import('./caching.ts')
  const mugs = 'Mugs are for coffee.'
  expect(await main()).toEqual({ answers: 1, runs: [mugs, mugs, mugs], asked: 2 })
})

it('spokes work at once, as many as allowed, and answer in order', async () => {
  const { main } = await import('./parallel.ts')
  expect(await main()).toEqual({
    parallel: { response: ['Worker1: 1', 'Worker2: 2', 'Worker3: 3', 'Worker4: 4'], peak: 4 },
    two: 2,
    alone: 1,
  })
})

checkGuideTable(import.meta.dirname, {
  S4: [
    42, 44, 56, 85, 86, 99, 100, 119, 127, 135, 155, 172, 174, 183, 224, 229, 232, 238, 261, 268, 277, 285, 291, 297,
    309, 317, 323, 346, 357, 395, 413, 431, 443, 449, 464, 465, 466, 472, 488, 489, 491, 492, 493, 513,
  ],
})
