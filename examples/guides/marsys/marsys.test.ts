import { expect, it } from 'vitest'
import { checkGuideTable } from '../table.test.fixture.ts'

it('The sample of single responsibility checks its input and its output.', async () => {
  const { main } = await import('./single-responsibility.ts')
  expect(await main()).toEqual({
    analysed: { count: 3, average: 3 },
    wrongInput: 'ValidationError',
    wrongOutput: 'ValidationError',
  })
})

it('The sample of memory retrieves similar episodes, and has a bounded working memory.', async () => {
  const { main } = await import('./memory.ts')
  expect(await main()).toEqual({
    answer: 'Oil it.',
    shown: ['chain', 'hinge squeaked'],
    retained: true,
    inMind: ['the hinge squeaks', 'the shop closes at six'],
    displaced: 'it rains',
  })
})

it('The sample of recovery handles errors by their kind.', async () => {
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

it('The sample of monitoring counts executions, and raises an alert at its threshold.', async () => {
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

it('The sample of debugging stops a run at an error, resumes it, and traces it.', async () => {
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

it('The sample of persistence resumes a waiting run in the next process, and repeats nothing.', async () => {
  const { main } = await import('./persistence.ts')
  expect(await main()).toEqual({
    status: 'waiting',
    question: 'Publish "News, draft 1"?',
    response: 'published News, draft 1',
    prepared: 1,
  })
})

it('The sample of the HTTP API starts runs and asks for their results.', async () => {
  const { main } = await import('./http-api.ts')
  expect(await main()).toMatchObject({
    started: { code: 202, status: 'started' },
    result: { code: 200, success: true, result: 'hello, hello' },
    status: { code: 200, status: 'completed' },
    unknown: 404,
    rejected: 404,
  })
})

it('The sample of a warm pool executes thirty steps with ten instances.', async () => {
  const { main } = await import('./agent-pool.ts')
  expect(await main()).toEqual({ warm: 10, response: 9455, made: 10, within: true })
})

it('The sample of caching repeats neither a prompt nor a run.', async () => {
  const { main } = await import('./caching.ts')
  const mugs = 'Mugs are for coffee.'
  expect(await main()).toEqual({ answers: 1, runs: [mugs, mugs, mugs], asked: 2 })
})

it('The sample of parallel spokes respects its limit, and answers in order.', async () => {
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
