import { describe, expect, it } from 'vitest'
import { createEvents, createVirtualClock, type EventFields, type TroupeEvent } from '../../core/index.ts'
import { HealthMonitor } from './health-monitor.ts'
import { LoopLag } from './loop-lag.ts'
import { Watchdog } from './watchdog.ts'

describe('HealthMonitor', () => {
  it('HealthMonitor is as healthy as its critical checks, and degraded by the others.', async () => {
    const health = new HealthMonitor({ clock: createVirtualClock() })
    expect((await health.report()).status).toBe('healthy')
    health.register('fine', () => undefined)
    const off = health.register('side', () => Promise.reject(new Error('away')), { critical: false })
    const report = await health.report()
    expect(report.status).toBe('degraded')
    expect(report.checks).toMatchObject([
      { name: 'fine', status: 'healthy', critical: true },
      { name: 'side', status: 'unhealthy', critical: false, message: 'away' },
    ])
    off()
    health.register('heart', () => ({ status: 'unhealthy', message: 'no pulse', details: { beats: 0 } }))
    expect(await health.report()).toMatchObject({ status: 'unhealthy' })
  })
  it.each([null, 'unhealthy', 0, {}, { ok: false }, { status: 'down' }, { status: 'healthy', message: 5 }])(
    'HealthMonitor counts a check as unhealthy whose answer is %j, and names the answer.',
    async (answer) => {
      const health = new HealthMonitor({ clock: createVirtualClock() })
      health.register('shop', () => answer as never)
      const { status, checks } = await health.report()
      expect([status, checks[0]?.status]).toEqual(['unhealthy', 'unhealthy'])
      expect(checks[0]?.message).toContain('The answer of the health check shop is not valid')
    },
  )
  it('HealthMonitor counts a check as unhealthy whose details JSON cannot carry.', async () => {
    const health = new HealthMonitor({ clock: createVirtualClock() })
    health.register('shop', () => ({ status: 'healthy', details: { orders: 1n as never } }))
    expect((await health.report()).checks).toMatchObject([
      { status: 'unhealthy', message: expect.stringMatching(/bigint/i) },
    ])
  })
  it('HealthMonitor executes its checks in parallel, each within its timeout.', async () => {
    const clock = createVirtualClock()
    const health = new HealthMonitor({ clock })
    let aborted = false
    health.register(
      'slow',
      ({ signal }) => new Promise(() => signal.addEventListener('abort', () => (aborted = true))),
      {
        timeout: '2s',
      },
    )
    health.register('quick', () => true)
    const asked = health.report()
    await clock.advance('2s')
    expect((await asked).checks).toMatchObject([
      { name: 'slow', status: 'unhealthy', durationMs: 2_000 },
      { name: 'quick', status: 'healthy', durationMs: 0 },
    ])
    expect(aborted).toBe(true)
  })
  it('HealthMonitor caches a result for its interval, shares one check among callers, and refreshes on request.', async () => {
    const clock = createVirtualClock()
    const health = new HealthMonitor({ clock })
    let asked = 0
    health.register('counted', () => void asked++, { interval: '10s' })
    await Promise.all([health.report(), health.report()])
    await health.report()
    expect(asked).toBe(1)
    await health.report({ fresh: true })
    expect(asked).toBe(2)
    await clock.advance('10s')
    await health.report()
    expect(asked).toBe(3)
  })
  it('HealthMonitor checks periodically, and reports a change once.', async () => {
    const clock = createVirtualClock()
    const changes: string[] = []
    const health = new HealthMonitor({ clock, changed: (status, before) => changes.push(`${before} -> ${status}`) })
    let well = true
    health.register('one', () => well, { interval: '1s' })
    health.start('1m')
    await clock.advance('3m')
    well = false
    await clock.advance('3m')
    well = true
    await clock.advance('1m')
    expect(changes).toEqual(['healthy -> unhealthy', 'unhealthy -> healthy'])
    health.stop()
    well = false
    await clock.advance('5m')
    expect(changes).toHaveLength(2)
  })
  it('HealthMonitor rejects two checks of one name, and invalid options.', async () => {
    const health = new HealthMonitor({ clock: createVirtualClock() })
    health.register('one', () => true)
    expect(() => health.register('one', () => true)).toThrow(/the name is in use/)
    expect(() => health.register('two', () => true, { timout: '1s' } as never)).toThrow(
      /Did you mean timeout|no option timout/,
    )
    // The text 'false' would count as true.
    expect(() => health.register('two', () => true, { critical: 'false' as never })).toThrow(/must be true or false/)
    await expect(health.report({ fresh: 'false' as never })).rejects.toThrow(/must be true or false/)
  })
})

describe('the watchdog', () => {
  const watched = () => {
    const clock = createVirtualClock()
    const events = createEvents(() => {})
    const emitted: TroupeEvent<'work.stalled'>[] = []
    events.on('work.stalled', (event) => emitted.push(event))
    const watchdog = new Watchdog({ clock, events, afterMs: 60_000 })
    const step = { at: 0, userId: 'ada', runId: 'r', trace: 't', span: 's1', step: 'a#1', agent: 'A' }
    /** Of an event, the fields that the watchdog reads. */
    const emit = (event: EventFields) => events.emit(event as TroupeEvent)
    return { clock, emit, emitted, watchdog, step }
  }
  it('The watchdog reports a silent step once, and no step that works, waits or has ended.', async () => {
    const { clock, emit, emitted, watchdog, step } = watched()
    emit({ ...step, type: 'step.started' })
    emit({ ...step, type: 'step.started', span: 's2', step: 'b#1' })
    emit({ ...step, type: 'step.started', span: 's3', step: 'c#1' })
    emit({ ...step, type: 'step.waiting', span: 's2' })
    emit({ ...step, type: 'step.completed', span: 's3' })
    await clock.advance('50s')
    emit({ type: 'model.called', at: 0, userId: 'ada', trace: 't', span: 'm1', parent: 's1' })
    await clock.advance('50s')
    watchdog.check()
    expect(emitted).toEqual([])
    await clock.advance('20s')
    watchdog.check()
    watchdog.check()
    expect(emitted).toMatchObject([{ kind: 'step', id: 'a#1', agent: 'A', runId: 'r', userId: 'ada', forMs: 70_000 }])
    expect(watchdog.stalled()).toHaveLength(1)
    emit({ ...step, type: 'step.completed' })
    expect(watchdog.stalled()).toEqual([])
  })
  it('The watchdog stops watching a step that another process has claimed.', async () => {
    const { clock, emit, emitted, watchdog, step } = watched()
    emit({ ...step, type: 'step.started' })
    emit({ ...step, type: 'step.released', status: 'lost' })
    await clock.advance('5m')
    watchdog.check()
    expect(emitted).toEqual([])
    expect(watchdog.stalled()).toEqual([])
  })
  it('The watchdog reports the outbox of a user that keeps failing while other users send messages.', async () => {
    const { clock, emit, emitted, watchdog } = watched()
    for (let i = 0; i < 7; i++) {
      for (const userId of ['ada', 'bob']) emit({ type: 'outbox.failed', at: 0, userId })
      emit({ type: 'message.sent', at: 0, userId: 'bob', messageType: 'n', priority: 'normal', from: 'A' })
      await clock.advance('10s')
    }
    watchdog.check()
    expect(emitted.map(({ kind, userId }) => [kind, userId])).toEqual([['outbox', 'ada']])
    watchdog.close()
  })
  it('The watchdog reports messages that are never finished and an outbox that keeps failing.', async () => {
    const { clock, emit, emitted, watchdog } = watched()
    emit({ type: 'message.received', at: 0, userId: 'ada', id: 'm1', to: 'Stock' })
    emit({ type: 'message.received', at: 0, userId: 'ada', id: 'm2', to: 'Stock' })
    emit({ type: 'message.acknowledged', at: 0, userId: 'ada', id: 'm2' })
    for (let i = 0; i < 7; i++) {
      emit({ type: 'outbox.failed', at: 0 })
      await clock.advance('10s')
    }
    watchdog.check()
    expect(emitted.map(({ kind, id }) => [kind, id])).toEqual([
      ['message', 'm1'],
      ['outbox', 'outbox'],
    ])
    watchdog.close()
    emit({ type: 'message.received', at: 0, userId: 'ada', id: 'm3', to: 'Stock' })
    expect(watchdog.stalled()).toHaveLength(2)
  })
})

describe('the lag of the loop', () => {
  it('The lag of the loop is the delay of a timer.', async () => {
    const clock = createVirtualClock()
    let late = 0
    const lag = new LoopLag({ ...clock, monotonic: () => clock.monotonic() + late })
    lag.start()
    await clock.advance('5s')
    expect(lag.worstMs).toBe(0)
    late = 300
    await clock.advance('10s')
    expect(lag.worstMs).toBe(300)
    lag.stop()
  })
})
