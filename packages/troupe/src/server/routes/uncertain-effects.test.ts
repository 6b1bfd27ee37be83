import { afterEach, expect, it } from 'vitest'
import { defineAgent, finish } from '../../agents/index.ts'
import { failure } from '../../core/index.ts'
import { Servers } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

it('A run with an uncertain effect waits until a person resolves the effect over HTTP.', async () => {
  const pay = defineAgent({
    name: 'Payer',
    run: async (_, ctx) =>
      finish(
        await ctx.effect('pay', { class: 'at-most-once', key: 'order-17', input: { amount: 250 } }, () => {
          throw failure('outcome.unknown', { what: 'The payment', problem: 'it was cut off' })
        }),
      ),
  })
  const { call } = await servers.start({ agents: [pay] })
  await call('POST', '/v1/runs', { task: 1, id: 'paid' })
  const result = await call('GET', '/v1/runs/paid/result?wait=20s')
  expect(result.body).toMatchObject({ status: 'waiting', reason: 'uncertain' })
  const { effects } = (await call('GET', '/v1/runs/paid/effects/uncertain')).body
  const known = { name: 'pay', class: 'at-most-once', input: { amount: 250 }, key: 'order-17' }
  expect(effects).toMatchObject([known])
  expect(result.body.uncertain).toEqual(effects)
  const calls = await call('GET', `/v1/runs/paid/steps/${encodeURIComponent(effects[0].step)}/calls`)
  expect(calls.body.calls).toMatchObject([{ state: 'uncertain', input: { amount: 250 }, key: 'order-17' }])
  const entries = (await call('GET', '/v1/approvals')).body.items
  expect(entries).toContainEqual(
    expect.objectContaining({ run: 'paid', reason: 'uncertain', questions: [], uncertain: effects }),
  )
  const { step, call: which } = effects[0]
  const resolution = { step, call: which, happened: true, output: { receipt: 7 } }
  expect((await call('POST', '/v1/runs/paid/effects/resolve', resolution)).status).toBe(200)
  expect((await call('GET', '/v1/runs/paid/result?wait=20s')).body).toMatchObject({ response: { receipt: 7 } })
})
