/**
 * Cron texts of callers: where each search for a time fails on the main thread, each operation on them works, since the
 * thread of the evaluator has an engine of its own.
 */
import { Cron } from 'croner'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createVirtualClock } from '../testing/index.ts'
import { caller, echo, Servers } from './server-testbed.test.fixture.ts'

const servers = new Servers()
beforeEach(() => {
  for (const search of ['nextRun', 'previousRuns'] as const)
    vi.spyOn(Cron.prototype, search).mockImplementation(() => {
      throw new Error('evaluated on the main thread')
    })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await servers.close()
})
const teams = { solo: { agents: [echo], flows: ['Echo -> End'] } }
const pollOptions = { timeout: 20_000, interval: 5 }

it.each([{ authentication: 'required' as const }, { authentication: 'open' as const }])(
  'The main thread evaluates no cron text of a caller with $authentication authentication.',
  async ({ authentication }) => {
    const clock = createVirtualClock({ start: Date.parse('2026-01-01T00:00:00Z') })
    const served = await servers.start({ teams, clock }, { authentication, rateLimit: false })
    const { key } = await served.troupe.apiKeys.create({ name: 'key', users: ['default'], role: 'moderator' })
    const call = caller(served.url, authentication === 'required' ? { authorization: `Bearer ${key}` } : {})
    const spec = { id: 'hourly', team: 'solo', task: 1, every: '0 * * * *' }
    const next = [1, 2, 3, 4, 5].map((hour) => `2026-01-01T0${hour}:00:00.000Z`)
    expect(await call('POST', '/v1/schedules', spec)).toMatchObject({ status: 201, body: { next } })
    expect((await call('POST', '/v1/schedules', spec)).body).toMatchObject({ next })
    expect((await call('GET', '/v1/schedules')).body).toMatchObject({ items: [{ next }] })
    expect((await call('POST', '/v1/schedules/hourly/pause')).body).toMatchObject({ next: [] })
    expect((await call('POST', '/v1/schedules/hourly/resume')).body).toMatchObject({ next })
    await clock.advance('61m')
    const shown = async () => {
      await clock.advance('5ms')
      return (await call('GET', '/v1/schedules/hourly')).body
    }
    await expect.poll(shown, pollOptions).toMatchObject({ lastRun: { id: 'hourly@2026-01-01T01:00:00.000Z' } })
    expect(await shown()).toMatchObject({ next: [...next.slice(1), '2026-01-01T06:00:00.000Z'] })
    for (const [every, problem] of [
      ['61 * * * *', '61 \\* \\* \\* \\* is not a cron text'],
      ['@dayly', 'the nearest is @daily'],
      ['0 0 31 2 *', 'never comes'],
    ])
      expect((await call('POST', '/v1/schedules', { ...spec, id: 'wrong', every })).body).toMatchObject({
        code: 'schedule.invalid',
        detail: expect.stringMatching(problem as string),
      })
    await expect(served.troupe.user('ada').schedules.create(spec)).rejects.toThrow('evaluated on the main thread')
  },
)
