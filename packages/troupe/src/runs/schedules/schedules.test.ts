import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineAgent, finish, type ScheduleSpec, TroupeError } from '../../index.ts'
import { collectEvents, pollOptions, ScheduleTestbed, solo } from './schedule-testbed.test.fixture.ts'

let testbed: ScheduleTestbed
beforeEach(() => {
  testbed = new ScheduleTestbed()
})
afterEach(() => testbed.end())

/** Opens a troupe with a team whose runs at a time last until `ended` resolves; a triggered run ends at once. */
async function openedWithSlow() {
  const ended = Promise.withResolvers<string>()
  const slow = defineAgent({
    name: 'Slow',
    run: async ({ type }: { readonly type: string }) => (type === 'time' ? ended.promise : 'triggered'),
  })
  return { ended, troupe: await testbed.openedInMemory({ teams: { slow: solo(slow) } }) }
}

describe('a schedule', () => {
  it.each(['memory:', undefined])('A schedule starts a run at each of its times on %s.', async (storage) => {
    const troupe = await testbed.opened(storage ? { storage } : {})
    const { schedules } = troupe.user('ada')
    const events = collectEvents(troupe)
    const made = await schedules.create({ id: 'hourly', team: 'echo', task: 'x', every: '0 * * * *', tags: ['t'] })
    expect(made).toMatchObject({
      state: 'active',
      team: 'echo',
      every: '0 * * * *',
      overlap: 'allow',
      misfire: 'once',
    })
    expect(made.next[0]).toBe('2026-01-01T01:00:00.000Z')
    expect(made.next).toHaveLength(5)
    for (let hour = 1; hour <= 3; hour++) {
      await testbed.pass('20m', 3)
      await expect.poll(testbed.countOf(troupe, 'hourly'), pollOptions).toBe(hour)
    }
    expect(await testbed.runsOf(troupe, 'hourly')).toEqual({
      '2026-01-01T01:00:00.000Z': 'x',
      '2026-01-01T02:00:00.000Z': 'x',
      '2026-01-01T03:00:00.000Z': 'x',
    })
    const run = 'hourly@2026-01-01T03:00:00.000Z'
    expect(await schedules.get('hourly')).toMatchObject({ lastRun: { id: run }, waiting: 0 })
    const listed = (await troupe.user('ada').orchestra.list()).items.find(({ id }) => id === run)
    expect(listed?.tags).toEqual(['t', 'schedule:hourly'])
    expect(events.map(({ type }) => type)).toEqual(['schedule.created', ...Array(3).fill('schedule.fired')])
    expect(JSON.stringify(events)).not.toContain('"x"')
  })

  it('A schedule with `at` or `in` starts one run at its time, and has ended then.', async () => {
    const troupe = await testbed.opened()
    const { schedules } = troupe.user('ada')
    await schedules.create({ id: 'later', team: 'echo', in: '90s' })
    await schedules.create({ id: 'then', team: 'echo', at: '2026-01-01T01:01', timeZone: 'Europe/Berlin' })
    await testbed.pass('30s', 4)
    await expect.poll(testbed.countOf(troupe, 'later'), pollOptions).toBe(1)
    await expect.poll(testbed.countOf(troupe, 'then'), pollOptions).toBe(1)
    expect(await testbed.runsOf(troupe, 'then')).toEqual({
      '2026-01-01T00:01:00.000Z': { type: 'time', due: '2026-01-01T00:01:00.000Z' },
    })
    expect(await schedules.get('later')).toMatchObject({ state: 'ended', next: [] })
    await expect(schedules.pause('later')).rejects.toMatchObject({ code: 'schedule.over' })
    await testbed.closed(troupe)
    // While nobody has timers to be run for all of it.
    await testbed.clock.advance('31d')
    const later = (await testbed.opened()).user('ada').schedules
    const stored = async () => [await testbed.clock.advance('1m'), (await later.list()).items][1]
    await expect.poll(stored, pollOptions).toEqual([])
  })

  it('A schedule with `at` is created again after its time without an effect.', async () => {
    const troupe = await testbed.openedInMemory()
    const { schedules } = troupe.user('ada')
    const spec = { id: 'launch', team: 'echo', at: '2026-01-01T00:01:00Z' }
    await schedules.create(spec)
    await testbed.pass('30s', 3)
    await expect.poll(testbed.countOf(troupe, 'launch'), pollOptions).toBe(1)
    expect(await schedules.create(spec)).toMatchObject({ id: 'launch', state: 'ended' })
    await expect(schedules.create({ ...spec, task: 1 })).rejects.toMatchObject({ code: 'schedule.exists' })
    await expect(schedules.create({ ...spec, id: 'later' })).rejects.toThrow(/in the past/)
  })

  it('A schedule that is resumed after its only time has ended, and is deleted after its retention.', async () => {
    const first = await testbed.opened()
    const { schedules } = first.user('ada')
    await schedules.create({ id: 'late', team: 'echo', at: '2026-01-01T00:01:00Z' })
    await schedules.pause('late')
    await testbed.clock.advance('2m')
    expect(await schedules.resume('late')).toMatchObject({ state: 'ended', next: [] })
    await testbed.closed(first)
    await testbed.clock.advance('31d')
    const later = (await testbed.opened()).user('ada').schedules
    const stored = async () => [await testbed.clock.advance('1m'), (await later.list()).items][1]
    await expect.poll(stored, pollOptions).toEqual([])
  })

  it('A schedule with an interval counts from its creation.', async () => {
    const troupe = await testbed.openedInMemory()
    await testbed.clock.advance('7s')
    await troupe.user('ada').schedules.create({ id: 'span', team: 'echo', task: 1, every: '90s' })
    await testbed.pass('30s', 7)
    await expect.poll(testbed.countOf(troupe, 'span'), pollOptions).toBe(2)
    expect(Object.keys(await testbed.runsOf(troupe, 'span'))).toEqual([
      '2026-01-01T00:01:37.000Z',
      '2026-01-01T00:03:07.000Z',
    ])
  })

  it('A schedule continues after a restart, and handles missed times by its misfire policy.', async () => {
    const first = await testbed.opened()
    for (const misfire of ['skip', 'once', 'all'] as const)
      await first.user('ada').schedules.create({ id: misfire, team: 'echo', task: 1, every: '10m', misfire })
    await testbed.closed(first)
    await testbed.clock.advance('35m')
    const troupe = await testbed.opened()
    const events = collectEvents(troupe)
    await expect.poll(testbed.countOf(troupe, 'all'), pollOptions).toBe(3)
    await expect.poll(testbed.countOf(troupe, 'once'), pollOptions).toBe(1)
    await testbed.pass('1m', 6)
    await expect.poll(testbed.countOf(troupe, 'skip'), pollOptions).toBe(1)
    expect(Object.keys(await testbed.runsOf(troupe, 'skip'))).toEqual(['2026-01-01T00:40:00.000Z'])
    expect(Object.keys(await testbed.runsOf(troupe, 'once'))).toEqual([
      '2026-01-01T00:30:00.000Z',
      '2026-01-01T00:40:00.000Z',
    ])
    expect(events.filter(({ type }) => type === 'schedule.missed')).toMatchObject([
      { scheduleId: expect.any(String), reason: 'late', from: '2026-01-01T00:10:00.000Z' },
      { scheduleId: expect.any(String), reason: 'late', from: '2026-01-01T00:10:00.000Z' },
    ])
  })

  it.each(['allow', 'skip', 'queue'] as const)(
    'A schedule whose previous run is open follows its overlap policy %s.',
    async (overlap) => {
      const ends: (() => void)[] = []
      const slow = defineAgent({
        name: 'Slow',
        run: () => new Promise<string>((resolve) => void ends.push(() => resolve('done'))),
      })
      const troupe = await testbed.openedInMemory({ teams: { slow: solo(slow) } })
      const ada = troupe.user('ada')
      await ada.schedules.create({ id: 'o', team: 'slow', every: '1m', overlap })
      const ids = async () => (await ada.orchestra.list()).items.map(({ id }) => id.slice(2)).sort()
      await testbed.pass('1m', 3)
      if (overlap === 'allow') return expect.poll(async () => (await ids()).length, pollOptions).toBe(3)
      expect(await ids()).toEqual(['2026-01-01T00:01:00.000Z'])
      const waiting = async () => (await ada.schedules.get('o')).waiting
      await expect.poll(waiting, pollOptions).toBe(overlap === 'queue' ? 2 : 0)
      await expect.poll(() => ends.length, pollOptions).toBe(1)
      ends[0]?.()
      if (overlap === 'queue') {
        await expect.poll(() => ends.length, pollOptions).toBe(2)
        ends[1]?.()
        await expect.poll(() => ends.length, pollOptions).toBe(3)
        ends[2]?.()
        expect(await ids()).toHaveLength(3)
      } else {
        expect((await (await ada.orchestra.get('o@2026-01-01T00:01:00.000Z')).result()).status).toBe('completed')
        await testbed.pass('1m', 1)
        await expect.poll(() => ends.length, pollOptions).toBe(2)
        ends[1]?.()
        expect(await ids()).toEqual(['2026-01-01T00:01:00.000Z', '2026-01-01T00:04:00.000Z'])
      }
    },
  )

  it('A repeated trigger starts no run, and the schedule still waits for its newest run.', async () => {
    const { troupe, ended } = await openedWithSlow()
    const { schedules, orchestra } = troupe.user('ada')
    const events = collectEvents(troupe)
    await schedules.create({ id: 'o', team: 'slow', every: '1m', overlap: 'skip' })
    await (await schedules.trigger('o', { id: 'first' })).result()
    await testbed.pass('1m', 1)
    const newest = 'o@2026-01-01T00:01:00.000Z'
    await expect.poll(async () => (await schedules.get('o')).lastRun?.id, pollOptions).toBe(newest)
    expect((await schedules.trigger('o', { id: 'first' })).id).toBe('o@first')
    expect((await schedules.get('o')).lastRun?.id).toBe(newest)
    await testbed.pass('1m', 2)
    expect((await orchestra.list()).items).toHaveLength(2)
    expect(events.filter(({ type }) => type === 'schedule.fired')).toHaveLength(2)
    ended.resolve('done')
  })

  it.each(['skip', 'queue'] as const)(
    'A schedule with the overlap policy %s waits for every open run, also if a triggered one has ended since.',
    async (overlap) => {
      const { troupe, ended } = await openedWithSlow()
      const { schedules, orchestra } = troupe.user('ada')
      await schedules.create({ id: 'o', team: 'slow', every: '1m', overlap })
      await testbed.pass('1m', 1)
      await expect.poll(async () => (await orchestra.list()).items.length, pollOptions).toBe(1)
      await (await schedules.trigger('o', { id: 'now' })).result()
      await testbed.pass('1m', 2)
      await expect.poll(async () => (await schedules.get('o')).waiting, pollOptions).toBe(overlap === 'queue' ? 2 : 0)
      expect((await orchestra.list()).items.map(({ id }) => id).sort()).toEqual(['o@2026-01-01T00:01:00.000Z', 'o@now'])
      ended.resolve('done')
      await testbed.pass('1m', 1)
      await expect.poll(testbed.countOf(troupe, 'o'), pollOptions).toBe(overlap === 'queue' ? 5 : 3)
    },
  )

  it('A paused schedule starts no run at its times, and can still be triggered.', async () => {
    const troupe = await testbed.openedInMemory()
    const { schedules } = troupe.user('ada')
    await schedules.create({ id: 'p', team: 'echo', task: 'x', every: '1m', paused: true })
    await testbed.pass('1m', 3)
    expect(await schedules.get('p')).toMatchObject({ state: 'paused', next: [] })
    expect(await testbed.runsOf(troupe, 'p')).toEqual({})
    const triggered = await schedules.trigger('p', { id: 'by-hand' })
    expect(triggered.id).toBe('p@by-hand')
    expect((await schedules.trigger('p', { id: 'by-hand' })).id).toBe(triggered.id)
    expect((await triggered.result()).response).toBe('x')
    expect((await schedules.resume('p')).next[0]).toBe('2026-01-01T00:04:00.000Z')
    await testbed.pass('1m', 1)
    await expect.poll(testbed.countOf(troupe, 'p'), pollOptions).toBe(2)
    expect(await schedules.delete('p')).toBe(true)
    expect(await schedules.delete('p')).toBe(false)
    await expect(schedules.get('p')).rejects.toMatchObject({ code: 'schedule.unknown' })
    await testbed.pass('1m', 3)
    expect(Object.keys(await testbed.runsOf(troupe, 'p'))).toHaveLength(2)
  })

  it('A schedule is created once for its id, and another definition with the same id is rejected.', async () => {
    const { schedules } = (await testbed.openedInMemory({ schedules: { limit: 2 } })).user('ada')
    const spec: ScheduleSpec = { id: 'a', team: 'echo', task: { n: 1 }, every: '15m' }
    const [one, two] = await Promise.all([schedules.create(spec), schedules.create(spec)])
    expect(one).toEqual(two)
    await expect(schedules.create({ ...spec, task: { n: 2 } })).rejects.toMatchObject({ code: 'schedule.exists' })
    await schedules.create({ ...spec, id: 'b' })
    await expect(schedules.create({ ...spec, id: 'c' })).rejects.toMatchObject({ code: 'schedule.limit' })
    const pages: string[] = []
    for await (const { id } of await schedules.list({ limit: 1 })) pages.push(id)
    expect(pages).toEqual(['a', 'b'])
  })

  it.each([
    [{ every: '61 * * * *' }, /Invalid value for minute/],
    [{ every: '@dayly' }, /nearest is @daily/],
    [{ every: '0 0 30 2 *' }, /never comes/],
    [{ every: '0 9 * * *', timeZone: 'Europe/Berln' }, /nearest is Europe\/Berlin/],
    [{ every: '10ms' }, /at least 1s/],
    [{ every: `${'0,'.repeat(127)}00 * * *` }, /at most 256 characters/],
    [{ every: '1h', timeZone: 'UTC' }, /timeZone/],
    [{ every: '1h', at: '2026-01-02T00:00:00Z' }, /at and every/],
    [{}, /must be one of at, in, every/],
    [{ at: '2026-01-02T00:00:00' }, /neither Z nor an offset/],
    [{ at: 'tomorrow' }, /not an ISO text/],
    [{ at: '2026-02-30T00:00:00Z' }, /2026-02-30T00:00:00Z is of no day that there is/],
    [{ at: '2026-02-29T09:00', timeZone: 'UTC' }, /no day that there is/],
    [{ onContext: {} }, /onContext\.pattern is not valid: it must be a text/],
    [{ at: '2025-01-01T00:00:00Z' }, /in the past/],
    [{ every: '1h', team: 'ecko' }, /nearest is echo/],
    [{ every: '1h', misfire: 'onze' }, /nearest is once/],
    [{ every: '1h', overlap: 'queued' }, /nearest is queue/],
    [{ every: '1h', prepare: 'nothing' }, /prepare/],
    [{ every: '1h', taem: 'echo' }, /team/],
    [{ onMessage: { type: 'ping' }, misfire: 'all' }, /never missed/],
    [{ onContext: { pattern: 'a\0' } }, /at most 1,024 characters, without NUL/],
    [{ onContext: { patern: 'x' } }, /pattern/],
    [{ every: '1h', config: { budget: { stepz: 1 } } }, /steps/],
    [{ onContext: null }, /onContext: it must not be null/],
    [{ onMessage: null }, /onMessage: it must not be null/],
  ])('A schedule with %j is rejected with the nearest valid choice.', async (wrong, message) => {
    const { schedules } = (await testbed.openedInMemory()).user('ada')
    const rejected = await schedules.create({ team: 'echo', ...wrong } as ScheduleSpec).catch((error: unknown) => error)
    expect(rejected).toBeInstanceOf(TroupeError)
    expect(`${(rejected as TroupeError).message} ${(rejected as TroupeError).hint}`).toMatch(message)
    expect((await schedules.list()).items).toEqual([])
  })

  it('A schedule with a task that is too large for a run is rejected.', async () => {
    const { schedules } = (await testbed.openedInMemory()).user('ada')
    const made = schedules.create({ team: 'echo', task: 'x'.repeat(8 * 1024 * 1024 - 65_536), every: '15m' })
    await expect(made).rejects.toMatchObject({ code: 'value.too_large' })
    expect((await schedules.list()).items).toEqual([])
  })

  it('A schedule whose code is not registered reports the problem, and continues where the code is.', async () => {
    const first = await testbed.opened()
    const own = defineAgent({ name: 'Own', run: async () => finish('mine') })
    await first.user('ada').schedules.create({ id: 'own', topology: solo(own), every: '1m' })
    await testbed.closed(first)
    const without = await testbed.opened()
    await testbed.clock.advance('2m')
    const problem = async () =>
      [await testbed.clock.advance('1s'), (await without.user('ada').schedules.get('own')).problem].at(1)
    await expect.poll(problem, pollOptions).toMatchObject({ code: 'run.agents_missing' })
    await testbed.closed(without)
    const reopened = await testbed.opened({ agents: [own] })
    await expect.poll(testbed.countOf(reopened, 'own'), pollOptions).toBeGreaterThan(0)
    expect(Object.values(await testbed.runsOf(reopened, 'own'))[0]).toBe('mine')
    await expect
      .poll(async () => (await reopened.user('ada').schedules.get('own')).problem, pollOptions)
      .toBeUndefined()
  })

  it('A schedule that is created again after a restart continues with the code of the call.', async () => {
    const own = defineAgent({ name: 'Own', run: async () => finish('mine') })
    const spec = { id: 'own', topology: solo(own), every: '1m' }
    const first = await testbed.opened()
    await first.user('ada').schedules.create(spec)
    await testbed.closed(first)
    const troupe = await testbed.opened()
    expect(await troupe.user('ada').schedules.create(spec)).toMatchObject({ id: 'own', agents: ['Own'] })
    await testbed.clock.advance('1m')
    await expect.poll(testbed.countOf(troupe, 'own'), pollOptions).toBe(1)
    expect(Object.values(await testbed.runsOf(troupe, 'own'))).toEqual(['mine'])
  })

  it('A schedule has its task prepared by a registered function, which is tried five times.', async () => {
    let calls = 0
    const prepare = {
      digest: async (
        trigger: unknown,
        {
          schedule,
          userId,
          context,
        }: { schedule: string; userId: string; context: { get(key: string): Promise<unknown> } },
      ) => ({ trigger, schedule, userId, seen: await context.get('k') }),
      broken: () => {
        calls++
        throw new Error('no data')
      },
    }
    const troupe = await testbed.openedInMemory({ schedules: { prepare } })
    const events = collectEvents(troupe)
    const ada = troupe.user('ada')
    await ada.context.push('k', 7)
    await ada.schedules.create({ id: 'd', team: 'echo', prepare: 'digest', every: '1m' })
    await testbed.pass('1m', 1)
    await expect.poll(testbed.countOf(troupe, 'd'), pollOptions).toBe(1)
    expect(Object.values(await testbed.runsOf(troupe, 'd'))[0]).toMatchObject({
      schedule: 'd',
      userId: 'ada',
      seen: 7,
      trigger: { type: 'time' },
    })
    await ada.schedules.create({ id: 'b', team: 'echo', prepare: 'broken', in: '1s' })
    const missed = async () => {
      await testbed.clock.advance('1s')
      return events.filter((event) => event.type === 'schedule.missed' && event.scheduleId === 'b')
    }
    await expect.poll(missed, pollOptions).toMatchObject([{ reason: 'failed' }])
    expect(calls).toBe(5)
    expect((await ada.schedules.get('b')).problem?.message).toBe('no data')
  })
})
