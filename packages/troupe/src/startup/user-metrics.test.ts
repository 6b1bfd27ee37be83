/** Metrics of users: stored by the minute, shared by the agents of a user, bounded, and seen by nobody else. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTroupe, defineAgent, finish, patterns } from '../index.ts'
import { serve } from '../server/index.ts'
import { createVirtualClock } from '../testing/index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-metrics-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const pipeline = (run: unknown, name = 'Meter') =>
  patterns.pipeline({ stages: [{ agents: [defineAgent({ name, run } as never)] }] })

it('The summary of a performance report counts what the application timed, and nothing that Troupe timed meanwhile.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { performance } = troupe
  const { context, orchestra } = troupe.user('ada')
  await performance.track('import', () => context.push('orders.1', { n: 1 }))
  await expect(performance.track('import', () => Promise.reject(new Error('no orders')))).rejects.toThrow('no orders')
  await orchestra.run({ task: 't', topology: pipeline(() => finish('done')) })
  const { summary, operations } = performance.report()
  expect(summary).toMatchObject({ calls: 2, failures: 1, errorRate: 0.5 })
  expect(operations.length).toBeGreaterThan(1)
})

describe('Metrics of a user', () => {
  it('The metrics of a user survive a restart, and are summarised over a window.', async () => {
    const storage = `sqlite:${join(folder, 'troupe.db')}`
    const clock = createVirtualClock()
    {
      await using troupe = await createTroupe({ storage, clock })
      const { metrics } = troupe.user('ada')
      for (const value of [4, 1, 3]) await metrics.record('response_time', value, { labels: { route: 'orders' } })
      await metrics.record('response_time', 9, { labels: { route: 'users' }, success: false })
      // The same name in this process, for alert rules.
      expect(troupe.metrics.summary('response_time')).toMatchObject({ count: 4, max: 9 })
      await clock.advance('10m')
      await metrics.record('response_time', 2, { labels: { route: 'orders' } })
    }
    await using troupe = await createTroupe({ storage, clock })
    const { metrics } = troupe.user('ada')
    expect(await metrics.summary('response_time')).toEqual({
      ...{ count: 5, failures: 1, average: 3.8, min: 1, max: 9, latest: 2 },
    })
    expect(await metrics.summary('response_time', { window: '5m' })).toMatchObject({ count: 1, latest: 2 })
    expect(await metrics.summary('response_time', { labels: { route: 'users' } })).toMatchObject({ count: 1, max: 9 })
    expect(await metrics.names()).toEqual(['response_time'])
    expect(await troupe.user('ben').metrics.names()).toEqual([])
    await expect(metrics.summary('response_tim')).rejects.toMatchObject({
      code: 'metric.unknown',
      details: { nearest: 'response_time' },
    })
    await troupe.forget('ada')
    expect(await troupe.user('ada').metrics.names()).toEqual([])
  })

  it('The metrics of a user reject a value that is not an exact number, and name the metric.', async () => {
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    const { metrics } = troupe.user('ada')
    await expect(metrics.record('bytes', 2 ** 53)).rejects.toThrow(/metric bytes .* 9007199254740992 is not from/)
    await metrics.record('bytes', 2 ** 53 - 1)
    await metrics.record('bytes', 2 ** 53 - 1)
    expect(await metrics.summary('bytes')).toMatchObject({ count: 2, max: 2 ** 53 - 1 })
  })
  it('The metrics of a step that is executed again are recorded once, and other agents read them.', async () => {
    await using troupe = await createTroupe({ storage: 'memory:' })
    const ada = troupe.user('ada')
    let executions = 0
    const topology = pipeline(async (_: unknown, ctx: never) => {
      executions++
      const { metrics, ask } = ctx as { metrics: (typeof ada)['metrics']; ask: (question: object) => Promise<unknown> }
      await metrics.record('orders', 17)
      await ask({ text: 'Go on?' })
      return finish(await metrics.summary('orders'))
    })
    const run = await ada.orchestra.start({ task: 1, topology })
    const { questions } = await run.result()
    await ada.agent('Other').metrics.record('orders', 3)
    await run.answer(questions[0]?.id ?? '', 'yes')
    expect((await run.result()).response).toMatchObject({ count: 2, latest: 3 })
    expect(executions).toBeGreaterThan(0)
    expect(await ada.agent('Other').metrics.summary('orders')).toMatchObject({ count: 2, min: 3, max: 17 })
    expect(troupe.metrics.summary('orders').count).toBe(2)
  })

  it('The metrics of a step reject a name that cannot be read, before it becomes a part of the record.', async () => {
    await using troupe = await createTroupe({ storage: 'memory:' })
    const unreadable = {
      toString() {
        throw new Error('unreadable')
      },
    }
    const topology = pipeline(async (_: unknown, ctx: never) => {
      const { metrics } = ctx as { metrics: ReturnType<(typeof troupe)['user']>['metrics'] }
      const codes: unknown[] = []
      for (const name of [unreadable, Object.create(null), Symbol('m'), ''] as never[])
        codes.push(await metrics.summary(name).catch(({ code }) => code))
      return finish(codes)
    })
    const { response } = await troupe.user('ada').orchestra.run({ task: 1, topology })
    expect(response).toEqual(Array.from({ length: 4 }, () => 'name.invalid'))
  })

  it('The metrics of a user need the rights of entries: a readonly agent records nothing, one without get_context reads nothing.', async () => {
    await using troupe = await createTroupe({ storage: 'memory:' })
    const ada = troupe.user('ada')
    const denied = { code: 'access.denied' }
    await expect(ada.agent('A', { role: 'readonly' }).metrics.record('m', 1)).rejects.toMatchObject(denied)
    await expect(ada.agent('A', { deny: ['get_context'] }).metrics.names()).rejects.toMatchObject(denied)
    const wrong = { name: 'ValidationError' }
    await expect(ada.metrics.record('', 1)).rejects.toMatchObject(wrong)
    await expect(ada.metrics.record('m', Number.NaN)).rejects.toMatchObject(wrong)
    await expect(ada.metrics.record('m', 1, { label: {} } as never)).rejects.toMatchObject(wrong)
    await expect(ada.metrics.summary('m', { window: 'soon' as never })).rejects.toMatchObject(wrong)
  })

  it('The metrics of a user are removed after `retention.metrics`, for inactive users too.', async () => {
    const clock = createVirtualClock()
    await using troupe = await createTroupe({ storage: 'memory:', clock, retention: { metrics: '1h' } })
    await troupe.user('ada').metrics.record('m', 1)
    await clock.advance('2h')
    await troupe.user('ben').metrics.record('m', 1)
    await clock.advance('2m')
    await expect(troupe.user('ada').metrics.summary('m')).rejects.toMatchObject({ code: 'metric.unknown' })
    expect(await troupe.user('ben').metrics.summary('m')).toMatchObject({ count: 1 })
    await expect(createTroupe({ storage: 'memory:', retention: { metrics: '1s' } })).rejects.toMatchObject({
      message: expect.stringContaining('retention.metrics'),
    })
  })

  it('The metrics of a user are read over HTTP within the rights of the key.', async () => {
    await using troupe = await createTroupe({ storage: 'memory:' })
    await troupe.user('ada').metrics.record('orders', 17)
    const server = await serve(troupe, { port: 0, key: 'k'.repeat(32) })
    const get = async (user: string, path: string) => {
      const { key } = await troupe.apiKeys.create({ name: 'n', users: [user], role: 'readonly' })
      const response = await fetch(server.url + path, { headers: { 'x-api-key': key } })
      return { status: response.status, body: await response.json() }
    }
    expect(await get('ada', '/v1/metrics')).toEqual({ status: 200, body: { names: ['orders'] } })
    expect(await get('ada', '/v1/metrics/orders?window=5m')).toMatchObject({ status: 200, body: { count: 1, max: 17 } })
    expect(await get('ada', '/v1/metrics/order')).toMatchObject({ status: 404, body: { code: 'metric.unknown' } })
    expect(await get('ben', '/v1/metrics')).toMatchObject({ body: { names: [] } })
    await server.close()
  })
})
