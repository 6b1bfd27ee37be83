import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createEvents, createVirtualClock, type EventFields, seededRandom } from '../../core/index.ts'
import { MetricsCollector } from '../metrics/index.ts'
import { type AlertRule, checkRule, defaultRules } from './alert-rule.ts'
import { type Alert, type AlertSink, Alerts } from './alerts.ts'
import { createWebhook } from './webhook.ts'

const watching = (rules: readonly AlertRule[], sinks: readonly AlertSink[] = []) => {
  const clock = createVirtualClock()
  const events = createEvents(() => {})
  const metrics = new MetricsCollector(clock)
  const emitted: EventFields[] = []
  events.on('alert.*', (event) => emitted.push(event))
  const failures: unknown[] = []
  const alerts = new Alerts({ clock, events, metrics, rules, sinks, failed: (error) => failures.push(error) })
  return { clock, metrics, emitted, alerts, failures, states: () => emitted.map(({ type, value }) => [type, value]) }
}

describe('an alert', () => {
  it('An alert is raised beyond its threshold for long enough, and cleared beyond the other, once each.', async () => {
    let used = 0.5
    const rule = {
      name: 'memory',
      metric: 'memory.used',
      statistic: 'value',
      above: 0.8,
      clear: 0.7,
      for: '1m',
    } as const
    const { clock, metrics, alerts, states } = watching([rule])
    metrics.gauge('memory.used', () => used)
    const minute = async () => {
      for (let i = 0; i < 5; i++) {
        await alerts.evaluate()
        await clock.advance('15s')
      }
    }
    await minute()
    used = 0.85
    await alerts.evaluate()
    await clock.advance('30s')
    used = 0.75
    await alerts.evaluate()
    used = 0.9
    await clock.advance('45s')
    await alerts.evaluate()
    expect(states()).toEqual([])
    await minute()
    expect(states()).toEqual([['alert.raised', 0.9]])
    used = 0.75
    await minute()
    await minute()
    expect(alerts.active()).toEqual(['memory'])
    used = 0.65
    await minute()
    expect(states()).toEqual([
      ['alert.raised', 0.9],
      ['alert.cleared', 0.65],
    ])
    expect(alerts.active()).toEqual([])
  })
  it('An alert does not flutter around its threshold.', async () => {
    let value = 0
    const { clock, metrics, alerts, emitted } = watching([
      { name: 'a', metric: 'm', own: true, statistic: 'value', above: 100 },
    ])
    metrics.gauge('m', () => value)
    for (let i = 0; i < 200; i++) {
      value = i % 2 === 0 ? 101 : 99
      await alerts.evaluate()
      await clock.advance('1s')
    }
    expect(emitted).toHaveLength(1)
  })
  it('An alert evaluates percentiles, error rates and counts of a window, and needs enough values.', async () => {
    const { clock, metrics, alerts, states } = watching([
      { name: 'p99', metric: 'step.released', statistic: 'p99', above: 5_000, minCount: 10, window: '5m' },
      { name: 'errors', metric: 'step.released', statistic: 'errorRate', above: 0.05, minCount: 10, window: '5m' },
      { name: 'quiet', metric: 'step.released', statistic: 'count', below: 1, window: '5m' },
    ])
    for (let i = 0; i < 9; i++) metrics.time('step.released', 9_000, { success: false })
    await alerts.evaluate()
    expect(states()).toEqual([])
    metrics.time('step.released', 9_000, { success: false })
    await alerts.evaluate()
    expect(states()).toEqual([
      ['alert.raised', 9_000],
      ['alert.raised', 1],
    ])
    await clock.advance('6m')
    await alerts.evaluate()
    expect(alerts.active()).toEqual(['p99', 'errors', 'quiet'])
    for (let i = 0; i < 20; i++) metrics.time('step.released', 10)
    await alerts.evaluate()
    expect(alerts.active()).toEqual([])
  })
  it('An alert evaluates a plain counter, and more values than a series stores.', async () => {
    const { clock, metrics, alerts } = watching([
      { name: 'dead', metric: 'message.dead-lettered', statistic: 'count', above: 2, window: '5m' },
      { name: 'busy', metric: 'tool.called', statistic: 'perSecond', above: 20, window: '1m' },
    ])
    metrics.increment('message.dead-lettered', 3)
    for (let i = 0; i < 1_500; i++) metrics.time('tool.called', 1)
    await alerts.evaluate()
    expect(alerts.active()).toEqual(['dead', 'busy'])
    await clock.advance('6m')
    await alerts.evaluate()
    expect(alerts.active()).toEqual([])
  })
  it('An alert is sent to a webhook, with retries, and no evaluation waits for it.', async () => {
    const got: Alert[] = []
    let rejections = 1
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (part) => {
        body += part
      })
      request.on('end', () => {
        if (rejections-- <= 0) got.push(JSON.parse(body))
        response.writeHead(rejections >= 0 ? 500 : 200).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const clock = createVirtualClock()
    const parts = { clock, random: seededRandom(1), fetch: (url: string, init: object) => fetch(url, init) }
    const webhook = createWebhook({ url: `http://127.0.0.1:${port}/alerts` }, parts)
    const broken: AlertSink = { notify: () => Promise.reject(new Error('away')) }
    const rule: AlertRule = { name: 'a', metric: 'm', own: true, statistic: 'value', above: 1, severity: 'critical' }
    const { metrics, alerts, failures } = watching([rule], [broken, webhook])
    try {
      metrics.gauge('m', 2)
      await alerts.evaluate()
      await expect
        .poll(
          async () => {
            await clock.advance('1s')
            return got
          },
          { timeout: 20_000 },
        )
        .toMatchObject([{ alert: 'a', state: 'raised', value: 2, threshold: 1, severity: 'critical' }])
      await alerts.close()
    } finally {
      server.close()
    }
    expect(failures).toHaveLength(1)
  })
  it('The default alert rules have the thresholds of the guides: 1 s, 5 %, 80 and 90 % memory, 1,000 messages, p99 of 5 s.', () => {
    const thresholds = defaultRules.map((rule) => checkRule(rule).threshold)
    expect(thresholds).toEqual([1_000, 0.05, 5_000, 0.05, 0.8, 0.9, 0, 1_000])
  })
  it('An alert rule that could never be right is rejected.', () => {
    const rule = { name: 'a', metric: 'm', own: true, statistic: 'value' } as const
    expect(() => checkRule({ ...rule })).toThrow(/above, or below/)
    expect(() => checkRule({ ...rule, above: 1, below: 2 })).toThrow(/above, or below/)
    expect(() => checkRule({ ...rule, above: 1, clear: 2 })).toThrow(/cleared before it is raised/)
    expect(() => checkRule({ ...rule, statistic: 'p98' as never, above: 1 })).toThrow(/did you mean p9/)
    expect(() => checkRule({ ...rule, above: 1, minimum: 3 } as never)).toThrow(/no option minimum/)
  })
})

it('The close of alerts waits 5 s for a recipient that gives no answer.', { timeout: 5_000 }, async () => {
  const rule = { name: 'a', metric: 'm', own: true, statistic: 'value', above: 1 } as const
  const { clock, metrics, alerts } = watching([rule], [{ notify: () => new Promise(() => {}) }])
  metrics.gauge('m', 2)
  await alerts.evaluate()
  let isClosed = false
  const closed = alerts.close().then(() => {
    isClosed = true
  })
  await clock.advance('4s')
  expect(isClosed).toBe(false)
  await clock.advance('1s')
  await closed
})

it('A rule that can never raise its alert is rejected: a statistic that its metric does not have, and wrong labels.', () => {
  const rule = { name: 'a', above: 1 } as const
  expect(() => checkRule({ ...rule, metric: 'memory.used', statistic: 'average' })).toThrow(
    'memory.used is a gauge: its only statistic is value',
  )
  expect(() => checkRule({ ...rule, metric: 'tool.called', statistic: 'value' })).toThrow(
    'tool.called is no gauge: it has no statistic value',
  )
  const labels = null as never
  expect(() => checkRule({ ...rule, metric: 'tool.called', statistic: 'count', labels })).toThrow(/labels/)
  expect(() => checkRule({ ...rule, metric: 'm', own: true, statistic: 'value' })).not.toThrow()
})

it('A rule about a metric that does not exist is rejected with the nearest name, unless the application records it.', async () => {
  const rule = { name: 'slow', metric: 'tool.caled', statistic: 'p95', above: 1 } as const
  expect(() => watching([rule])).toThrow(
    expect.objectContaining({ code: 'metric.unknown', hint: expect.stringContaining('tool.called') }),
  )
  const { clock, metrics, alerts } = watching([{ ...rule, own: true }])
  await alerts.evaluate()
  expect(alerts.active()).toEqual([])
  metrics.time('tool.caled', 5)
  await clock.advance('1s')
  await alerts.evaluate()
  expect(alerts.active()).toEqual(['slow'])
})
