import { afterEach, describe, expect, it } from 'vitest'
import { defineAgent } from '../../index.ts'
import { Servers } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

describe('A fork or a retry over HTTP', () => {
  /** Runs an agent that pays once and then ends as `end` says. */
  const paid = async (end: (payments: number) => unknown) => {
    let payments = 0
    const pays = defineAgent({
      name: 'Payer',
      run: async (_: unknown, ctx) => {
        await ctx.effect('pay', { class: 'at-most-once', input: { amount: 5 } }, async () => ++payments)
        return end(payments) as never
      },
    })
    const { call } = await servers.start({ agents: [pays] })
    await call('POST', '/v1/runs', { agent: 'Payer', task: 1, id: 'one' })
    await call('GET', '/v1/runs/one/result?wait=20s')
    return { call, payments: () => payments }
  }

  it('A fork over HTTP names the effects that it would repeat, and starts only with `repeat: true`.', async () => {
    const { call, payments } = await paid(() => 'paid')
    const rejected = await call('POST', '/v1/runs/one/fork', { at: 1 })
    expect(rejected).toMatchObject({
      status: 409,
      body: { code: 'effect.repeated', hint: expect.stringMatching(/repeat/) },
    })
    expect(rejected.body.detail).toContain('pay')
    expect(payments()).toBe(1)
    for (const repeat of [false, 'yes', 1])
      expect((await call('POST', '/v1/runs/one/fork', { at: 1, repeat })).status).toBeGreaterThanOrEqual(400)
    const forked = await call('POST', '/v1/runs/one/fork', { at: 1, repeat: true, id: 'two' })
    expect(forked.status).toBe(201)
    await call('GET', '/v1/runs/two/result?wait=20s')
    expect(payments()).toBe(2)
  })

  it('A retry over HTTP of a failed run does not pay again, and accepts only true or false as `repeat`.', async () => {
    const { call, payments } = await paid((count) => {
      if (count === 1) throw new Error('it broke after it had paid')
      return 'paid'
    })
    for (const repeat of ['yes', 1]) expect((await call('POST', '/v1/runs/one/retry', { repeat })).status).toBe(400)
    const retried = await call('POST', '/v1/runs/one/retry', { repeat: true, id: 'two' })
    expect(retried.status).toBe(201)
    await call('GET', '/v1/runs/two/result?wait=20s')
    expect(payments()).toBe(1)
  })
})
