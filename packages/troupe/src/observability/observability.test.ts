import { describe, expect, it } from 'vitest'
import { createEvents, createVirtualClock } from '../core/index.ts'
import { MetricsCollector } from './metrics-collector.ts'
import { createPinoLog } from './pino-log.ts'

const capture = () => {
  const lines: string[] = []
  return { lines, write: (line: string) => void lines.push(line) }
}

describe('logs', () => {
  it('are JSON lines with the fields of their parents, and keep secrets in', () => {
    const out = capture()
    const log = createPinoLog('info', out).child({ runId: 'r1' })
    log.debug('not said')
    log.info('opened', { place: 'memory:', config: { password: 'hunter2', apiKey: 'k' }, token: 't' })
    log.error('failed', { error: new TypeError('no') })
    expect(out.lines).toHaveLength(2)
    expect(JSON.parse(out.lines[0] as string)).toMatchObject({
      msg: 'opened',
      runId: 'r1',
      place: 'memory:',
      token: '[redacted]',
    })
    expect(out.lines.join()).not.toMatch(/hunter2|"k"/)
    expect(JSON.parse(out.lines[1] as string).err).toMatchObject({ type: 'TypeError', message: 'no' })
  })
})

describe('MetricsCollector', () => {
  it('counts events, times those with a duration, and tells failures apart', () => {
    const events = createEvents(() => {})
    const metrics = new MetricsCollector(createVirtualClock())
    const off = metrics.listen(events)
    for (let i = 1; i <= 100; i++) events.emit({ type: 'tool.called', at: 0, durationMs: i, success: i !== 50 })
    off()
    events.emit({ type: 'tool.called', at: 0, durationMs: 1e6 })
    expect(metrics.summary('tool.called')).toEqual({
      count: 100,
      failures: 1,
      average: 50.5,
      p50: 50,
      p95: 95,
      p99: 99,
      slowest: 100,
    })
    expect(metrics.summary('unheard')).toMatchObject({ count: 0, p95: 0 })
  })
  it('times executions by the clock given and passes errors on', async () => {
    const clock = createVirtualClock()
    const metrics = new MetricsCollector(clock)
    await metrics.trackExecution('work', () => clock.advance('3s'))
    await expect(metrics.trackExecution('work', async () => Promise.reject(new Error('x')))).rejects.toThrow('x')
    expect(metrics.summary('work')).toMatchObject({ count: 2, failures: 1, slowest: 3_000 })
  })
  it('reads gauges when asked, and leaves out one that fails', async () => {
    const metrics = new MetricsCollector(createVirtualClock())
    let rows = 1
    metrics.gauge('rows', () => rows)
    metrics.gauge('broken', () => Promise.reject(new Error('no')))
    rows = 7
    expect(await metrics.gauges()).toEqual({ rows: 7 })
  })
  it('keeps its memory bounded', () => {
    const metrics = new MetricsCollector(createVirtualClock())
    for (let i = 0; i < 5_000; i++) metrics.record(`label-${i}`, i)
    for (let i = 0; i < 5_000; i++) metrics.record('label-0', i)
    expect(metrics.names()).toHaveLength(1_000)
    expect(metrics.summary('label-0').count).toBe(5_001)
  })
})
