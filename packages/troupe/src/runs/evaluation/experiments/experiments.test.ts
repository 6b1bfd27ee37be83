import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../../test/postgres/postgres-server.ts'
import { defineAgent } from '../../../index.ts'
import { troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { parseDataset } from '../datasets/parse-dataset.ts'

const { opened, closeAll } = troupesOfTests()
const missing = await missingServer()
const schema = schemaName('experiments')
afterAll(async () => {
  await closeAll()
  if (missing === undefined) await dropSchema(schema)
})
const echo = defineAgent<string>({ name: 'Echo', run: async (input) => input })
const dataset = parseDataset('echoes', '{"input":"a","expected":"a"}\n{"input":"b","expected":"c"}')
const spec = { dataset, agent: 'Echo', scorers: { exact: 'exact' } } as const

const storages = ['memory:', { url: server, schema }].slice(0, missing === undefined ? 2 : 1)

describe('experiments', () => {
  it.each(storages)(
    "experiments.list on %j with encryption returns pages of the user's experiments alone, the newest first.",
    async (storage) => {
      const encryption = { keys: [{ id: 'one', key: randomBytes(32).toString('hex') }] }
      const troupe = await opened({ storage, encryption, agents: [echo] })
      const ada = troupe.user('ada')
      for (const id of ['one', 'two', 'three', 'four', 'five']) await ada.experiments.evaluate({ ...spec, id })
      const first = await ada.experiments.list({ limit: 2 })
      const found = [...first.items]
      for (let { cursor } = first; cursor !== undefined; ) {
        const page = await ada.experiments.list({ limit: 2, cursor })
        found.push(...page.items)
        cursor = page.cursor
      }
      expect(found.map(({ id }) => id).sort()).toEqual(['five', 'four', 'one', 'three', 'two'])
      const times = found.map(({ startedAt }) => startedAt)
      expect(times).toEqual(times.toSorted().toReversed())
      expect(found[0]).toMatchObject({
        dataset: { name: 'echoes', version: dataset.version, cases: 2 },
        candidate: { name: 'Echo', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
        status: 'completed',
        total: { candidate: { quality: 0.5 } },
      })
      expect(found[0]).not.toHaveProperty('hash')
      expect((await troupe.user('bob').experiments.list()).items).toEqual([])
      await expect(ada.experiments.list({ cursor: 'eyJrIjoieCJ9' })).rejects.toMatchObject({ code: 'cursor.invalid' })
      await expect(ada.experiments.list({ limit: 0 })).rejects.toMatchObject({ name: 'ValidationError' })
    },
  )

  it('experiments.get returns the results of an experiment to its user alone.', async () => {
    const troupe = await opened({ agents: [echo] })
    const done = await troupe.user('ada').experiments.evaluate({ ...spec, id: 'one' })
    expect(await troupe.user('ada').experiments.get('one')).toEqual(done)
    await expect(troupe.user('bob').experiments.get('one')).rejects.toMatchObject({ code: 'experiment.unknown' })
    await expect(troupe.user('ada').experiments.get('two')).rejects.toMatchObject({ code: 'experiment.unknown' })
  })

  it('An experiment and an evaluation with the same id are stored separately.', async () => {
    const ada = (await opened({ agents: [echo] })).user('ada')
    const { results } = await ada.experiments.evaluate({ ...spec, id: 'nightly' })
    const run = results[0]?.run ?? ''
    const past = await ada.orchestra.evaluate({ id: 'nightly', runs: [run], change: {}, score: 'exact' })
    expect(past.total).toMatchObject({ scored: 1, same: 1 })
    expect((await ada.experiments.get('nightly')).results).toHaveLength(2)
    expect((await ada.experiments.list()).items).toHaveLength(1)
  })
})
