import { describe, expect, it } from 'vitest'
import type { TroupeEvent } from '../../../core/index.ts'
import { createTroupe, defineAgent, type Troupe } from '../../../index.ts'
import { solo, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { parseDataset } from '../datasets/parse-dataset.ts'

const { opened } = troupesOfTests()
const echo = defineAgent<string>({ name: 'Echo', run: async (input) => `said ${input}` })
const topology = solo(echo)

const until = async (what: string, isDone: () => boolean | Promise<boolean>) => {
  for (const deadline = Date.now() + 10_000; !(await isDone()); ) {
    if (Date.now() > deadline) throw new Error(`It did not happen: ${what}.`)
    await new Promise((done) => setTimeout(done, 5))
  }
}
const scoredEvents = (troupe: Troupe) => {
  const events: TroupeEvent[] = []
  troupe.on('evaluation.scored', (event) => events.push(event))
  return events
}

describe('scoring of live runs', () => {
  it('A share of 1 scores each completed run, and stores and emits its scores.', async () => {
    const scorers = {
      long: ({ response, task }: { response: unknown; task: unknown }) => String(response).length / String(task).length,
      form: { schema: { '~standard': { version: 1, vendor: 'own', validate: (value: unknown) => ({ value }) } } },
    } as never
    const troupe = await opened({ evaluation: { online: { share: 1, scorers } } })
    const events = scoredEvents(troupe)
    const ada = troupe.user('ada')
    const run = await ada.orchestra.start({ task: 'hello', topology })
    await run.result()
    await until('the run is scored', () => events.length === 2)
    expect(events).toMatchObject([
      { userId: 'ada', runId: run.id, scorer: 'long', score: 2 },
      { userId: 'ada', runId: run.id, scorer: 'form', score: 1 },
    ])
    expect(await ada.experiments.scoresOf(run.id)).toMatchObject({
      run: run.id,
      scores: { long: { score: 2 }, form: { score: 1 } },
      scoring: { tokens: 0, cost: 0 },
    })
    expect(await troupe.user('bob').experiments.scoresOf(run.id)).toBeUndefined()
  })

  it('A share below 1 scores about that part of the runs, and the same runs in each process.', async () => {
    const scoredIn = async () => {
      const troupe = await opened({ evaluation: { online: { share: 0.3, scorers: { cites: 'citations' } } } })
      const events = scoredEvents(troupe)
      const ada = troupe.user('ada')
      for (let i = 0; i < 100; i++) await ada.orchestra.run({ id: `run-${i}`, task: i, topology })
      await until('scoring has ended', async () => {
        const before = events.length
        await new Promise((done) => setTimeout(done, 100))
        return before > 0 && events.length === before
      })
      return events.map((event) => (event as unknown as { runId: string }).runId).sort()
    }
    const first = await scoredIn()
    expect(first.length).toBeGreaterThan(15)
    expect(first.length).toBeLessThan(45)
    expect(await scoredIn()).toEqual(first)
  }, 60_000)

  it('Live scoring skips failed runs and runs of experiments, and a scorer that fails breaks nothing.', async () => {
    const asked: string[] = []
    const moody = ({ id }: { readonly id: string }) => {
      asked.push(id)
      if (id === 'broken') throw new Error('The scorer is broken.')
      return 1
    }
    const fails = defineAgent({
      name: 'Fails',
      run: () => {
        throw new Error('no luck')
      },
    })
    const online = { share: 1, scorers: { moody } }
    const troupe = await opened({ agents: [echo], evaluation: { online } })
    const failures: TroupeEvent[] = []
    troupe.on('callback.failed', (event) => failures.push(event))
    const ada = troupe.user('ada')
    await ada.orchestra.run({ task: 1, topology: solo(fails) })
    const dataset = parseDataset('d', '{"input":"a"}')
    await ada.experiments.evaluate({ dataset, agent: 'Echo', scorers: { cites: 'citations' } })
    await ada.orchestra.run({ id: 'broken', task: 1, topology })
    await ada.orchestra.run({ id: 'good', task: 1, topology })
    await until('the last run is scored', async () => (await ada.experiments.scoresOf('good')) !== undefined)
    expect(asked).toEqual(['broken', 'good'])
    expect(await ada.experiments.scoresOf('broken')).toBeUndefined()
    expect(failures).toMatchObject([{ callback: 'evaluation', name: 'broken', userId: 'ada' }])
  })

  it('The option `evaluation.online` is rejected for an invalid share, and for scorers that need an expected answer.', async () => {
    const scorers = { cites: 'citations' }
    for (const online of [
      { share: 2, scorers },
      { scorers },
      { share: 0.1, scorers: {} },
      { share: 0.1, scorers: { exact: 'exact' } },
      { share: 0.1, scorers: { tone: { named: 'none' } } },
      { share: 0.1, scorers, limit: 1 },
    ])
      await expect(
        createTroupe({ storage: 'memory:', evaluation: { online } } as never),
        JSON.stringify(online),
      ).rejects.toMatchObject({ name: 'ValidationError' })
  })
})
