import { afterEach, describe, expect, it } from 'vitest'
import { Servers } from '../../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

describe('an evaluation over HTTP', () => {
  const asked = { runs: ['one'], change: {}, score: 'exact' }
  const served = async () => {
    const { call } = await servers.start()
    await call('POST', '/v1/runs', { task: 1, agent: 'Echo', id: 'one' })
    await call('GET', '/v1/runs/one/result?wait=20s')
    return call
  }

  it('An evaluation over HTTP that is repeated with its Idempotency-Key resumes, and executes no run twice.', async () => {
    const call = await served()
    const sameKey = { 'idempotency-key': 'evaluate' }
    const first = await call('POST', '/v1/evaluations', asked, sameKey)
    expect(first.text.match(/^event: .*$/gm)).toEqual(['event: progress', 'event: evaluation'])
    const second = await call('POST', '/v1/evaluations', asked, sameKey)
    // Its one run is done, and was not run again.
    expect(second.text).toBe(first.text)
    const other = await call('POST', '/v1/evaluations', { ...asked, score: 'citations' }, sameKey)
    expect(other).toMatchObject({ status: 409, body: { code: 'evaluation.repeated' } })
  })

  it('An evaluation over HTTP rejects an invalid schema and names its place.', async () => {
    const call = await served()
    for (const schema of [{ type: 'shout' }, { type: 'object', properties: 'x' }]) {
      const { status, body } = await call('POST', '/v1/evaluations', { ...asked, score: { schema } })
      expect(status, JSON.stringify(schema)).toBe(400)
      expect(body.detail).toContain('body/score/schema')
    }
  })

  it('An evaluation over HTTP does not block other callers while its schema backtracks.', async () => {
    const { call } = await servers.start()
    await call('POST', '/v1/runs', { task: `${'a'.repeat(60)}!`, agent: 'Echo', id: 'one' })
    await call('GET', '/v1/runs/one/result?wait=20s')
    const order: string[] = []
    const schema = { type: 'object', properties: { received: { type: 'string', pattern: '^(a+)+$' } } }
    const evaluation = call('POST', '/v1/evaluations', { ...asked, score: { schema } }).finally(() =>
      order.push('evaluation'),
    )
    for (let i = 0; i < 3; i++) await call('GET', '/health').then(() => order.push('health'))
    const { text } = await evaluation
    expect(order).toEqual(['health', 'health', 'health', 'evaluation'])
    expect(text).toContain('"status":"failed"')
    expect(text).toContain('longer than 1000 ms')
  })
})
