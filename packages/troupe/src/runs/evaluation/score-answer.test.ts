import { describe, expect, it } from 'vitest'
import { defineAgent } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { parseDataset } from './datasets/parse-dataset.ts'
import { exactMatch } from './scorers/exact-match.ts'
import type { ScoredRun } from './scorers/score-function.ts'

const { opened } = troupesOfTests()
const list = defineAgent<number[]>({ name: 'List', run: async (input) => input })
const dataset = parseDataset('lists', '{"input":[3,1,2],"expected":[3,1,2]}')

describe('scoreAnswer', () => {
  it('Each scorer of an experiment gets its own copy of the answer and of the case.', async () => {
    const { experiments } = (await opened({ agents: [list] })).user('ada')
    const sorting = (run: ScoredRun) => {
      for (const value of [run.response, run.expected, run.case?.input, run.sources[0], run.result.response])
        (value as number[]).sort()
      return 1
    }
    const { results } = await experiments.evaluate({ dataset, agent: 'List', scorers: { sorting, exactMatch } })
    expect(results).toMatchObject([{ quality: 1, scores: { exactMatch: { score: 1 } } }])
    expect(dataset.cases).toMatchObject([{ input: [3, 1, 2], expected: [3, 1, 2] }])
  })

  it('An experiment ends when its signal aborts, also while a scorer never returns.', async () => {
    const ada = (await opened({ agents: [list] })).user('ada')
    const stop = new AbortController()
    const endless = () => {
      setImmediate(() => stop.abort())
      return new Promise<number>(() => {})
    }
    const spec = { id: 'endless', dataset, agent: 'List' }
    const first = ada.experiments.evaluate({ ...spec, scorers: { endless }, signal: stop.signal })
    await expect(first).rejects.toMatchObject({ name: 'CancelledError' })
    expect(await ada.experiments.get('endless')).toMatchObject({ status: 'running', results: [] })
  })

  it('An experiment names the scorer whose score is not a number, and rejects a data set that has a case twice.', async () => {
    const { experiments } = (await opened({ agents: [list] })).user('ada')
    const spec = { agent: 'List', scorers: { exactMatch, tone: () => '1' as never } }
    const { results } = await experiments.evaluate({ ...spec, dataset })
    expect(results[0]?.error?.message).toMatch(/The score of tone .* "1" for run/)
    const twice = { ...dataset, cases: [...dataset.cases, ...dataset.cases] }
    await expect(experiments.evaluate({ ...spec, dataset: twice })).rejects.toThrow(/a unique id for each case/)
  })
})
