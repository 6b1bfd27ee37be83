import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createTroupe, defineAgent, finish, LlmAgent } from '../../../index.ts'
import { solo, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../../testing/index.ts'
import type { Dataset } from '../datasets/dataset.ts'
import { parseDataset } from '../datasets/parse-dataset.ts'
import { exactMatch } from '../scorers/exact-match.ts'
import { judge } from '../scorers/judge.ts'
import type { CaseResult } from './experiment.ts'
import type { ExperimentProgress } from './experiment-options.ts'

const { opened } = troupesOfTests()

const datasetOf = (...cases: readonly object[]): Dataset =>
  parseDataset('sums', cases.map((one) => JSON.stringify(one)).join('\n'))
const sums = datasetOf(
  { id: 'small', input: '1 + 1', expected: 2, tags: ['easy'] },
  { id: 'large', input: '20 + 22', expected: 42, tags: ['hard'] },
  { id: 'three', input: '1 + 2 + 3', expected: 6, tags: ['hard'] },
)

/** An agent that adds, and counts how often it was asked for each sum. */
const adder = (name: string, add: (numbers: readonly number[]) => number | Promise<number>) => {
  const asked: string[] = []
  const agent = defineAgent<string>({
    name,
    run: async (input) => {
      asked.push(input)
      return add(input.split('+').map(Number))
    },
  })
  return { agent, asked }
}
const total = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0)
const firstTwo = ([a = 0, b = 0]: readonly number[]) => a + b

describe('experiments.evaluate', () => {
  it('experiments.evaluate compares a team with a single agent on the same cases.', async () => {
    const good = adder('Good', total)
    const weak = adder('Weak', firstTwo)
    const troupe = await opened({ agents: [weak.agent], teams: { adders: solo(good.agent) } })
    const ada = troupe.user('ada')
    const progress: ExperimentProgress[] = []
    const experiment = await ada.experiments.evaluate({
      id: 'first',
      dataset: sums,
      team: 'adders',
      against: { agent: 'Weak' },
      scorers: { exactMatch, near: ({ response, expected }) => ({ score: response === expected ? 1 : 0.5 }) },
      onProgress: (one) => {
        progress.push(one)
        throw new Error('This observer fails.')
      },
    })
    expect(experiment).toMatchObject({
      id: 'first',
      dataset: { name: 'sums', version: sums.version, cases: 3 },
      candidate: { name: 'adders' },
      against: { name: 'Weak' },
      scorers: ['exactMatch', 'near'],
      status: 'completed',
    })
    const { candidate, against, difference } = experiment.total
    expect(candidate).toMatchObject({ quality: 1, scores: { exactMatch: 1, near: 1 }, scored: 3, failed: 0, steps: 3 })
    expect(against?.scores).toEqual({ exactMatch: expect.closeTo(2 / 3), near: expect.closeTo(2.5 / 3) })
    expect(against?.quality).toBeCloseTo(0.75)
    expect(difference).toMatchObject({ better: 1, worse: 0, same: 2, steps: 0, tokens: 0 })
    expect(difference?.quality).toBeCloseTo(0.25)
    expect(progress.map(({ done, total: all }) => [done, all])).toEqual([1, 2, 3, 4, 5, 6].map((done) => [done, 6]))
    expect(experiment.results.map(({ case: id, side }) => `${id} ${side}`)).toEqual(
      ['small', 'large', 'three'].flatMap((id) => [`${id} candidate`, `${id} against`]),
    )
    const runs = await ada.orchestra.list({ tags: ['experiment:first', 'case:three'] })
    expect(runs.items.map(({ id }) => id).sort()).toEqual(
      experiment.results.flatMap(({ case: id, run }) => (id === 'three' ? [run] : [])).sort(),
    )
  })

  it('experiments.evaluate resumes an interrupted experiment, and executes no finished case again.', async () => {
    const stop = new AbortController()
    const reached = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    const { agent, asked } = adder('Adder', async (numbers) => {
      if (numbers.length === 3) {
        reached.resolve()
        await held.promise
      }
      return total(numbers)
    })
    const ada = (await opened({ agents: [agent] })).user('ada')
    let scored = 0
    const scorers = {
      exactMatch: (run: Parameters<typeof exactMatch>[0], context: Parameters<typeof exactMatch>[1]) => {
        scored++
        return exactMatch(run, context)
      },
    }
    const spec = { dataset: sums, agent: 'Adder', scorers, concurrency: 1 } as const
    const first = ada.experiments.evaluate({ ...spec, signal: stop.signal })
    await reached.promise
    stop.abort()
    await expect(first).rejects.toMatchObject({ name: 'CancelledError' })
    expect((await ada.experiments.list()).items).toMatchObject([{ status: 'running', dataset: { cases: 3 } }])
    held.resolve()
    const second = await ada.experiments.evaluate(spec)
    expect(second).toMatchObject({ status: 'completed', total: { candidate: { quality: 1, scored: 3 } } })
    expect(asked).toEqual(['1 + 1', '20 + 22', '1 + 2 + 3'])
    expect(scored).toBe(3)
    expect((await ada.experiments.list()).items.map(({ id }) => id)).toEqual([second.id])
    expect(await ada.experiments.evaluate({ ...spec, id: second.id })).toEqual(second)
    expect(asked).toHaveLength(3)
    // A completed experiment is not resumed: without an id the next call is another experiment.
    const third = await ada.experiments.evaluate(spec)
    expect(third.id).not.toBe(second.id)
    expect(asked).toHaveLength(6)
  })

  it('experiments.evaluate resumes from the database what a closed troupe left.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'experiment-'))
    const storage = `sqlite:${join(folder, 'troupe.db')}`
    const calls: string[] = []
    const opens = (fails: boolean) => {
      const { agent } = adder('Adder', async (numbers) => {
        calls.push(numbers.join('+'))
        if (fails && numbers.length === 3) await new Promise(() => {})
        return total(numbers)
      })
      return createTroupe({ storage, log: 'silent', agents: [agent] })
    }
    try {
      const spec = { id: 'nightly', dataset: sums, agent: 'Adder', scorers: { exactMatch }, concurrency: 1 } as const
      const stop = new AbortController()
      const one = await opens(true)
      let done = 0
      const first = one.user('ada').experiments.evaluate({
        ...spec,
        signal: stop.signal,
        onProgress: () => {
          if (++done === 2) setTimeout(() => stop.abort(), 50)
        },
      })
      await expect(first).rejects.toMatchObject({ name: 'CancelledError' })
      await one.close()
      const two = await opens(false)
      const second = await two.user('ada').experiments.evaluate(spec)
      await two.close()
      expect(second).toMatchObject({ id: 'nightly', status: 'completed', total: { candidate: { quality: 1 } } })
      expect(calls.filter((call) => call === '1+1')).toHaveLength(1)
      expect(calls.filter((call) => call === '20+22')).toHaveLength(1)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('A case whose run fails or asks a person scores 0, and is not executed again.', async () => {
    let executions = 0
    const agent = defineAgent<string>({
      name: 'A',
      run: async (input, ctx) => {
        executions++
        if (input === 'fails') throw new Error('no luck')
        return finish(input === 'asks' ? await ctx.ask({ text: 'Which?' }) : input)
      },
    })
    const topology = { agents: [agent], flows: ['Start -> A', 'A -> User', 'User -> A', 'A -> End'] }
    const ada = (await opened({ teams: { asking: topology } })).user('ada')
    const dataset = datasetOf(
      { input: 'fails', expected: 'x' },
      { input: 'asks', expected: 'x' },
      { input: 'x', expected: 'x' },
    )
    const spec = { id: 'e', dataset, team: 'asking', scorers: { exactMatch } } as const
    const { results, total: sum, status } = await ada.experiments.evaluate(spec)
    expect(results).toMatchObject([
      { case: '1', status: 'failed', quality: 0, error: { message: expect.stringContaining('no luck') } },
      { case: '2', status: 'failed', quality: 0, error: { code: 'evaluation.unfinished' } },
      { case: '3', status: 'scored', quality: 1 },
    ])
    expect(sum.candidate).toMatchObject({ failed: 2, scored: 1, quality: expect.closeTo(1 / 3) })
    expect(status).toBe('completed')
    const after = executions
    expect((await ada.experiments.evaluate(spec)).results).toEqual(results)
    expect(executions).toBe(after)
    expect((await ada.orchestra.list({ status: 'waiting' })).items).toEqual([])
  })

  it('A case whose scorer fails is unscored, and the next call scores it without executing it.', async () => {
    const { agent, asked } = adder('Adder', total)
    const ada = (await opened({ agents: [agent] })).user('ada')
    let isBroken = true
    const moody = () => {
      if (isBroken) throw new Error('The scorer is broken.')
      return 1
    }
    const spec = { id: 'e', dataset: sums, agent: 'Adder', scorers: { moody }, limit: 1 } as const
    const first = await ada.experiments.evaluate(spec)
    expect(first).toMatchObject({ status: 'running', total: { candidate: { unscored: 1, quality: 0 } } })
    expect(first.results).toMatchObject([{ status: 'unscored', steps: 1, error: { message: expect.any(String) } }])
    isBroken = false
    const second = await ada.experiments.evaluate(spec)
    expect(second).toMatchObject({ status: 'completed', total: { candidate: { unscored: 0, quality: 1 } } })
    expect(asked).toHaveLength(1)
  })

  it('experiments.evaluate reports an observer of progress whose promise rejects, and continues.', async () => {
    const troupe = await opened({ agents: [adder('Adder', total).agent] })
    const failures: unknown[] = []
    troupe.on('callback.failed', ({ callback, code }) => failures.push([callback, code]))
    const onProgress = async () => {
      throw new Error('This observer fails.')
    }
    const spec = { dataset: sums, agent: 'Adder', scorers: { exactMatch }, onProgress }
    expect(await troupe.user('ada').experiments.evaluate(spec)).toMatchObject({ status: 'completed' })
    expect(failures).toEqual(Array.from({ length: 3 }, () => ['progress observer', 'agent.failed']))
  })

  it('experiments.evaluate counts cost and tokens of runs, and of judges apart, and reports agreement with labels.', async () => {
    const prices = { 'mock/writer': { input: 1, output: 1 }, 'mock/judge': { input: 10, output: 10 } }
    const writer = new MockModel({ modelId: 'writer', responses: ['Hello!', 'Go away.', 'Hi.'] })
    const verdict = (choice: string) => JSON.stringify({ reason: 'So it is.', choice })
    const judging = new MockModel({ modelId: 'judge', responses: [verdict('pass'), verdict('fail'), verdict('fail')] })
    const agent = new LlmAgent({ name: 'Writer', model: writer })
    const ada = (await opened({ agents: [agent], prices })).user('ada')
    const dataset = datasetOf(
      { input: 'greet', labels: { tone: 'pass' } },
      { input: 'insult', labels: { tone: 'fail' } },
      { input: 'greet briefly', labels: { tone: 'pass' } },
    )
    const tone = judge({ model: judging, rubric: 'pass if it is polite' })
    const { results, total: sum } = await ada.experiments.evaluate({
      dataset,
      agent: 'Writer',
      scorers: { tone },
      concurrency: 1,
    })
    expect(results.map(({ scores }) => scores.tone?.choice)).toEqual(['pass', 'fail', 'fail'])
    expect(results[0]?.scores.tone).toEqual({ score: 1, choice: 'pass', reason: 'So it is.' })
    const of = (read: (result: CaseResult) => number) => results.reduce((all, result) => all + read(result), 0)
    expect(sum.candidate).toMatchObject({ tokens: of(({ tokens }) => tokens), quality: expect.closeTo(1 / 3) })
    expect(sum.candidate.cost).toBeCloseTo(sum.candidate.tokens / 1e6)
    expect(sum.scoring.tokens).toBeGreaterThan(0)
    expect(sum.scoring.cost).toBeCloseTo(sum.scoring.tokens / 1e5)
    expect(sum.candidate.agreement?.tone).toMatchObject({ cases: 3, observed: expect.closeTo(2 / 3) })
    expect(sum.candidate.agreement?.tone?.kappa).toBeCloseTo(0.4)
  })

  it('experiments.evaluate skips the cases that do not fit into its budget, and executes them with a larger one.', async () => {
    const responses = Array.from({ length: 12 }, () => 'Hello!')
    const model = new MockModel({ modelId: 'writer', responses })
    const agent = new LlmAgent({ name: 'Writer', model })
    const ada = (await opened({ agents: [agent], prices: { 'mock/writer': { input: 1, output: 1 } } })).user('ada')
    const dataset = datasetOf(...Array.from({ length: 6 }, () => ({ input: 'greet', expected: 'Hello!' })))
    const spec = { id: 'e', dataset, agent: 'Writer', scorers: { exactMatch }, concurrency: 4 } as const
    const one = await ada.experiments.evaluate({ ...spec, id: 'measure', limit: 1 })
    const { tokens } = one.total.candidate
    expect(tokens).toBeGreaterThan(0)

    const first = await ada.experiments.evaluate({ ...spec, budget: { tokens: tokens * 3.5 } })
    expect(first).toMatchObject({
      status: 'completed',
      budget: { tokens: tokens * 3.5 },
      total: { candidate: { scored: 3, skipped: 3, failed: 0, unscored: 0, quality: 1, tokens: tokens * 3 } },
    })
    const skipped = first.results.filter(({ status }) => status === 'skipped')
    expect(skipped[0]).toMatchObject({
      error: { code: 'experiment.skipped', details: { budget: 'tokens', used: tokens * 3, needed: tokens } },
      tokens: 0,
    })
    expect(model.calls).toHaveLength(4)
    expect((await ada.experiments.get('e')).results.map(({ status }) => status).sort()).toEqual(
      first.results.map(({ status }) => status).sort(),
    )
    const same = await ada.experiments.evaluate({ ...spec, budget: { tokens: tokens * 3.5 } })
    expect(same.total).toEqual(first.total)
    expect(model.calls).toHaveLength(4)

    const second = await ada.experiments.evaluate({ ...spec, budget: { cost: (tokens * 5.5) / 1e6 } })
    expect(second.total.candidate).toMatchObject({ scored: 5, skipped: 1 })
    const third = await ada.experiments.evaluate(spec)
    expect(third).toMatchObject({ status: 'completed', total: { candidate: { scored: 6, skipped: 0 } } })
    expect(third).not.toHaveProperty('budget')
    expect(await ada.experiments.get('e')).toMatchObject({ total: third.total })
    expect(model.calls).toHaveLength(7)
  })

  it('A budget of an experiment counts scorers, reserves the budget of each run, and skips both sides of a case together.', async () => {
    const judging = new MockModel({
      modelId: 'judge',
      responses: Array.from({ length: 9 }, () => JSON.stringify({ reason: 'x', choice: 'pass' })),
    })
    const tone = judge({ model: judging, rubric: 'pass if it is polite' })
    const good = adder('Good', total)
    const weak = adder('Weak', firstTwo)
    const ada = (await opened({ agents: [good.agent, weak.agent] })).user('ada')
    const spec = { dataset: sums, agent: 'Good', against: { agent: 'Weak' }, concurrency: 3 } as const
    const judged = await ada.experiments.evaluate({ ...spec, scorers: { tone }, limit: 1 })
    const { tokens } = judged.total.scoring
    const next = { ...spec, scorers: { tone }, budget: { tokens: Math.ceil(tokens * 2.6) } }
    const { results } = await ada.experiments.evaluate(next)
    expect(results.map(({ case: id, side, status }) => `${id} ${side} ${status}`)).toEqual([
      'small candidate scored',
      'small against scored',
      'large candidate scored',
      'large against scored',
      'three candidate skipped',
      'three against skipped',
    ])

    const config = { budget: { tokens: 1_000 } }
    const scorers = { exactMatch }
    const reserved = await ada.experiments.evaluate({ ...spec, scorers, config, budget: { tokens: 1_999 } })
    expect(reserved.total.candidate).toMatchObject({ scored: 0, skipped: 3, quality: 0 })
    // Runs use no tokens here, so that each reservation is released and all cases fit one after the other.
    const fitting = await ada.experiments.evaluate({ ...spec, scorers, config, budget: { tokens: 2_000 } })
    expect(fitting.total.candidate).toMatchObject({ scored: 3, skipped: 0 })
    const none = await ada.experiments.evaluate({ ...spec, scorers, budget: { time: '1ms', tokens: 0 } })
    expect(none.total.against).toMatchObject({ scored: 0, skipped: 3 })
  })

  it('experiments.evaluate executes no more runs at once than its concurrency allows.', async () => {
    let now = 0
    let highest = 0
    const { agent } = adder('Adder', async (numbers) => {
      highest = Math.max(highest, ++now)
      await new Promise((done) => setTimeout(done, 20))
      now--
      return total(numbers)
    })
    const ada = (await opened({ agents: [agent] })).user('ada')
    const dataset = datasetOf(...Array.from({ length: 9 }, (_, i) => ({ input: `${i} + 1`, expected: i + 1 })))
    const { total: sum } = await ada.experiments.evaluate({
      dataset,
      agent: 'Adder',
      scorers: { exact: 'exact' },
      concurrency: 3,
    })
    expect(sum.candidate.scored).toBe(9)
    expect(highest).toBe(3)
  })

  it('experiments.evaluate rejects what it cannot do before a run starts.', async () => {
    const { agent, asked } = adder('Adder', total)
    const ada = (await opened({ agents: [agent] })).user('ada')
    const spec = { dataset: sums, agent: 'Adder', scorers: { exactMatch } }
    const rejected = (options: object) => ada.experiments.evaluate({ ...spec, ...options } as never)
    for (const options of [
      { datset: sums },
      { dataset: { cases: [] } },
      { dataset: { ...sums, cases: [{}] } },
      { scorers: {} },
      { scorers: { good: 'good' } },
      { scorers: ['exact'] },
      { tags: ['none'] },
      { limit: 0 },
      { concurrency: 33 },
      { budget: { tokens: -1 } },
      { budget: { steps: 3 } },
      { budget: { time: 5 } },
      { team: 'x' },
      { id: 'i'.repeat(129) },
      { onProgress: 1 },
      { config: { budget: { steps: -1 } } },
      { dataset: datasetOf({ input: '1 + 1' }) },
      { dataset: datasetOf({ input: '1 + 1' }), scorers: { words: 'similarity' } },
    ])
      await expect(rejected(options), JSON.stringify(options)).rejects.toMatchObject({ name: 'ValidationError' })
    await expect(rejected({ agent: 'Other' })).rejects.toMatchObject({ code: 'team.unknown' })
    await expect(rejected({ against: { team: 'other' } })).rejects.toMatchObject({ code: 'team.unknown' })
    expect(asked).toEqual([])
    await rejected({ id: 'e' })
    await expect(rejected({ id: 'e', limit: 2 })).rejects.toMatchObject({ code: 'experiment.repeated' })
    await expect(rejected({ id: 'e', scorers: { exactMatch, words: 'similarity' } })).rejects.toMatchObject({
      code: 'experiment.repeated',
    })
  })
})
