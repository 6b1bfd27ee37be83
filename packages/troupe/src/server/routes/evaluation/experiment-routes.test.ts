import { afterEach, describe, expect, it } from 'vitest'
import { Servers } from '../../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

const jsonl = '{"id":"a","input":"a","expected":{"received":"a"}}\n{"id":"b","input":"b","expected":{"received":"c"}}\n'
const asked = {
  id: 'nightly',
  dataset: { name: 'echoes', jsonl },
  agent: 'Echo',
  scorers: {
    exact: 'exact',
    form: { schema: { type: 'object', required: ['received'] } },
    words: 'similarity',
    cited: 'citations',
  },
}

describe('experiments over HTTP', () => {
  it('POST /v1/experiments sends each result, then the experiment, and repeats no run when asked again.', async () => {
    const { call } = await servers.start()
    const first = await call('POST', '/v1/experiments', asked)
    expect(first.text.match(/^event: .*$/gm)).toEqual(['event: progress', 'event: progress', 'event: experiment'])
    const experimentIn = (text: string) => JSON.parse(/^event: experiment\ndata: (.*)$/m.exec(text)?.[1] ?? '')
    const experiment = experimentIn(first.text)
    expect(experiment).toMatchObject({
      id: 'nightly',
      status: 'completed',
      candidate: { name: 'Echo' },
      total: { candidate: { scores: { exact: 0.5, form: 1 }, scored: 2 } },
    })
    const runs = async () => (await call('GET', '/v1/runs')).body.items.length
    expect(await runs()).toBe(2)
    // The progress of the first call is in the order in which the cases ended.
    expect(experimentIn((await call('POST', '/v1/experiments', asked)).text)).toEqual(experiment)
    expect(await runs()).toBe(2)
    const other = await call('POST', '/v1/experiments', { ...asked, scorers: { exact: 'exact' } })
    expect(other).toMatchObject({ status: 409, body: { code: 'experiment.repeated' } })
    expect((await call('GET', '/v1/experiments/nightly')).body).toEqual(experiment)
    const { results: _, ...summary } = experiment
    expect((await call('GET', '/v1/experiments')).body).toEqual({ items: [summary] })
    expect(await call('GET', '/v1/experiments/other')).toMatchObject({
      status: 404,
      body: { code: 'experiment.unknown' },
    })
  })

  it('POST /v1/experiments uses the Idempotency-Key as its id.', async () => {
    const { call } = await servers.start()
    const { id: _, ...rest } = asked
    const sameKey = { 'idempotency-key': 'evaluate' }
    const first = await call('POST', '/v1/experiments', { ...rest, against: { agent: 'Echo' } }, sameKey)
    expect(first.text).toContain('"difference":')
    const repeated = await call('POST', '/v1/experiments', { ...rest, against: { agent: 'Echo' } }, sameKey)
    expect(repeated.text.split('event: experiment')[1]).toBe(first.text.split('event: experiment')[1])
    expect((await call('GET', '/v1/experiments')).body.items).toHaveLength(1)
  })

  it('POST /v1/experiments names the wrong line of a data set and the wrong scorer.', async () => {
    const { call } = await servers.start()
    const rejected = async (body: object) => (await call('POST', '/v1/experiments', { ...asked, ...body })).body
    expect(await rejected({ dataset: { name: 'd', jsonl: '{"input":1}\n{"inptu":1}' } })).toMatchObject({
      code: 'dataset.invalid',
      detail: expect.stringContaining('line 2: the field inptu is unknown'),
    })
    expect((await rejected({ scorers: { form: { schema: { type: 'shout' } } } })).detail).toContain(
      'body/scorers/form/schema',
    )
    expect(await rejected({ scorers: { tone: { named: 'none' } } })).toMatchObject({ status: 400 })
    expect(await rejected({ scorers: { tone: { judge: { rubric: '' } } } })).toMatchObject({ status: 400 })
    expect(await rejected({ scorers: { tone: 'good' } })).toMatchObject({ status: 400 })
    expect(await rejected({ agent: 'Nobody' })).toMatchObject({ code: 'team.unknown' })
    expect((await call('GET', '/v1/experiments')).body.items).toEqual([])
  })

  it('GET /v1/runs/:run/scores and GET /v1/scores/history answer with online scores, for their user alone.', async () => {
    const { call, troupe } = await servers.start({
      evaluation: { online: { share: 1, scorers: { cites: 'citations' } } },
    })
    const scored = new Promise<void>((resolve) => {
      troupe.on('evaluation.scored', () => resolve())
    })
    const { run } = (await call('POST', '/v1/runs', { task: 'hello', agent: 'Echo' })).body
    await scored
    const answer = await call('GET', `/v1/runs/${run}/scores`)
    expect(answer).toMatchObject({ status: 200, body: { scores: { cites: { score: expect.any(Number) } } } })
    expect(await call('GET', '/v1/scores/history')).toMatchObject({
      status: 200,
      body: { items: [{ scorer: 'cites', team: 'Echo', runs: 1 }] },
    })
    expect((await call('GET', '/v1/scores/history?interval=week')).status).toBe(400)
    expect(await call('GET', '/v1/runs/none/scores')).toMatchObject({ status: 404, body: { code: 'run.unknown' } })
  })
})
