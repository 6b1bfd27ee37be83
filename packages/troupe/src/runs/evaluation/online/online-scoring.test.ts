import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../../test/postgres/postgres-server.ts'
import type { TroupeEvent } from '../../../core/index.ts'
import { createSkippingClock } from '../../../core/time/skipping-clock.test.fixture.ts'
import { createTroupe, defineAgent, type Troupe } from '../../../index.ts'
import { solo, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { parseDataset } from '../datasets/parse-dataset.ts'

const { opened, closeAll } = troupesOfTests()
const missing = await missingServer()
const schema = schemaName('online_scores')
afterAll(async () => {
  await closeAll()
  if (missing === undefined) await dropSchema(schema)
})
const storages = ['memory:', { url: server, schema }].slice(0, missing === undefined ? 2 : 1)
const number = defineAgent<number>({ name: 'Number', run: async (input) => input })
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

  it.each(storages)(
    'Scores of work that began before the erasure of its user are not stored on %s.',
    async (storage) => {
      const scored = Promise.withResolvers<number>()
      let calls = 0
      const scorer = () => {
        calls++
        return scored.promise
      }
      const online = { share: 1, scorers: { slow: scorer } }
      const troupe = await opened({ storage, agents: [echo], evaluation: { online } })
      const failures: TroupeEvent[] = []
      troupe.on('callback.failed', (event) => failures.push(event))
      const { orchestra, experiments } = troupe.user('ada')
      await orchestra.run({ id: 'r', task: 'x', topology })
      const waiting = [
        orchestra.evaluate({ id: 'e', runs: ['r'], change: {}, score: scorer }),
        experiments.evaluate({
          id: 'x',
          dataset: parseDataset('d', '{"input":"q"}'),
          agent: 'Echo',
          scorers: { scorer },
        }),
      ]
      const outcomes = Promise.allSettled(waiting)
      await until('each scorer is called', () => calls === 3)
      await troupe.forget('ada')
      scored.resolve(1)
      expect(await outcomes).toMatchObject([
        { status: 'rejected', reason: { code: 'run.unknown' } },
        { status: 'rejected', reason: { code: 'user.forgotten' } },
      ])
      await orchestra.run({ id: 'r', task: 'x', topology })
      await until('the next run is scored', async () => (await experiments.scoresOf('r')) !== undefined)
      expect((await experiments.list()).items).toEqual([])
      expect(failures).toEqual([])
    },
  )

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
  })

  it.each(storages)('experiments.scores on %j returns the scores per interval, scorer and team.', async (storage) => {
    const clock = createSkippingClock()
    const encryption = { keys: [{ id: 'one', key: randomBytes(32).toString('hex') }] }
    const scorers = {
      value: ({ response }: { response: unknown }) => Number(response) / 10,
      cites: 'citations',
    } as const
    const teams = { numbers: { agents: [number], flows: [] } }
    const options = {
      storage,
      encryption,
      clock,
      agents: [number],
      teams,
      evaluation: { online: { share: 1, scorers } },
    }
    const troupe = await opened(options as never)
    const events = scoredEvents(troupe)
    const ada = troupe.user('ada')
    const start = clock.now()
    const score = async (task: number) => {
      const expected = events.length + 2
      await ada.orchestra.run({ id: `run-${task}`, task, team: 'numbers' })
      await until('the run is scored', () => events.length === expected)
    }
    await score(2)
    await score(6)
    clock.skip('2d')
    await clock.advance('1m')
    await score(8)
    const from = new Date(start - 1).toISOString()
    const to = new Date(clock.now() + 1).toISOString()
    const days = (await ada.experiments.scores({ from, to, interval: 'day' })).filter(
      ({ scorer }) => scorer === 'value',
    )
    expect(days).toMatchObject([
      { team: 'numbers', runs: 2, mean: expect.closeTo(0.4), min: 0.2, max: 0.6 },
      { team: 'numbers', runs: 1, mean: 0.8, min: 0.8, max: 0.8 },
    ])
    expect(days[0]?.at).toMatch(/T00:00:00.000Z$/)
    expect((await ada.experiments.scores({ to })).map(({ scorer, runs }) => [scorer, runs])).toEqual([
      ['cites', 1],
      ['value', 1],
    ])
    expect(await troupe.user('bob').experiments.scores({ from, to })).toEqual([])
    await expect(ada.experiments.scores({ from: '2001-01-01' })).rejects.toMatchObject({ name: 'ValidationError' })
    await expect(ada.experiments.scores({ interval: 'week' } as never)).rejects.toMatchObject({
      name: 'ValidationError',
    })
  })

  it('The online scores of a run are deleted with it after its retention.', async () => {
    const clock = createSkippingClock()
    const online = { share: 1, scorers: { cites: 'citations' } } as const
    const troupe = await opened({ clock, retention: { runs: '2d', replay: '1d' }, evaluation: { online } })
    const events = scoredEvents(troupe)
    const ada = troupe.user('ada')
    await ada.orchestra.run({ id: 'old', task: 'hello', topology })
    await until('the run is scored', () => events.length === 1)
    const month = { from: new Date(clock.now() - 1).toISOString(), interval: 'day' } as const
    clock.skip('1d')
    await clock.advance('10m')
    expect(await ada.experiments.scores(month)).toHaveLength(1)
    clock.skip('3d')
    await clock.advance('10m')
    await until('the run is deleted', async () => (await ada.orchestra.list()).items.length === 0)
    expect(await ada.experiments.scores(month)).toEqual([])
    expect(await ada.experiments.scoresOf('old')).toBeUndefined()
  })

  it('A troupe closes although a scorer of live runs never returns.', async () => {
    const asked = Promise.withResolvers<void>()
    const endless = () => {
      asked.resolve()
      return new Promise<number>(() => {})
    }
    const troupe = await opened({ evaluation: { online: { share: 1, scorers: { endless } } } })
    await troupe.user('ada').orchestra.run({ id: 'first', task: 1, topology })
    await asked.promise
    await troupe.close()
  })

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
