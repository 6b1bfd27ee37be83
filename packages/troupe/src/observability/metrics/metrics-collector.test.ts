import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createEvents, createVirtualClock, type EventFields, type TroupeEvent } from '../../core/index.ts'
import { MetricsCollector } from './metrics-collector.ts'

const collector = () => {
  const clock = createVirtualClock()
  const events = createEvents(() => {})
  const metrics = new MetricsCollector(clock)
  /** Of an event, some of its fields. */
  const emit = (event: EventFields) => events.emit(event as TroupeEvent)
  return { clock, emit, metrics, off: metrics.listen(events) }
}

describe('MetricsCollector', () => {
  it('MetricsCollector counts events, times those with a duration, and counts failures separately.', () => {
    const { emit, metrics, off } = collector()
    for (let i = 1; i <= 100; i++) emit({ type: 'tool.called', at: 0, durationMs: i, success: i !== 50 })
    off()
    emit({ type: 'tool.called', at: 0, durationMs: 1e6 })
    const expected = {
      count: 100,
      failures: 1,
      average: 50.5,
      p50: 50,
      p95: 95,
      p99: 99,
      slowest: 100,
      min: 1,
      max: 100,
    }
    expect(metrics.summary('tool.called')).toEqual({ ...expected, latest: 100 })
    expect(metrics.summary('model.called')).toMatchObject({ count: 0, p95: 0 })
  })
  it('MetricsCollector separates labels, and summarises the requested ones.', () => {
    const { emit, metrics } = collector()
    emit({ type: 'tool.called', at: 0, tool: 'search', agent: 'A', durationMs: 10 })
    emit({ type: 'tool.called', at: 0, tool: 'pay', agent: 'A', durationMs: 30, success: false })
    expect(metrics.summary('tool.called', { labels: { tool: 'pay' } })).toMatchObject({
      count: 1,
      failures: 1,
      average: 30,
    })
    expect(metrics.summary('tool.called', { labels: { agent: 'A' } })).toMatchObject({ count: 2, average: 20 })
  })
  it('MetricsCollector counts tokens and cost of models by model and direction.', async () => {
    const { emit, metrics } = collector()
    for (const outputTokens of [5, 7])
      emit({
        type: 'model.called',
        at: 0,
        model: 'p/m',
        durationMs: 1,
        inputTokens: 10,
        outputTokens,
        cost: 0.25,
      })
    const text = await metrics.prometheus()
    expect(text).toContain('troupe_model_tokens_total{model="p/m",direction="input"} 20')
    expect(text).toContain('troupe_model_tokens_total{model="p/m",direction="output"} 12')
    expect(text).toContain('troupe_model_cost_usd_total{model="p/m"} 0.5')
  })
  it('MetricsCollector keeps labels as they were when a value was recorded.', async () => {
    const { metrics } = collector()
    const labels = { kind: 'express' }
    metrics.increment('orders', 1, labels)
    metrics.record('order.size', 2, { labels })
    labels.kind = 'slow'
    expect(metrics.summary('orders', { labels: { kind: 'express' } }).count).toBe(1)
    expect(await metrics.prometheus()).not.toContain('slow')
  })
  it('MetricsCollector summarises only a window of time.', async () => {
    const { clock, metrics } = collector()
    metrics.record('size', 100)
    await clock.advance('10m')
    metrics.record('size', 1)
    metrics.record('size', 3, { success: false })
    const expected = { count: 2, failures: 1, average: 2, min: 1, max: 3, latest: 3 }
    expect(metrics.summary('size', { window: '5m' })).toMatchObject(expected)
    expect(metrics.summary('size')).toMatchObject({ count: 3, max: 100 })
  })
  it('MetricsCollector counts what a window contains, increments and more than the stored values included.', async () => {
    const { clock, emit, metrics } = collector()
    emit({ type: 'message.dead-lettered', at: 0, messageType: 'order' })
    await clock.advance('10m')
    for (let i = 0; i < 3; i++) emit({ type: 'message.dead-lettered', at: 0, messageType: 'order' })
    metrics.increment('orders', 5, {}, false)
    expect(metrics.summary('message.dead-lettered', { window: '5m' })).toMatchObject({
      count: 3,
      failures: 0,
      average: 0,
    })
    expect(metrics.summary('orders', { window: '5m' })).toMatchObject({ count: 5, failures: 5 })
    expect(metrics.summary('message.dead-lettered')).toMatchObject({ count: 4 })
    for (let i = 0; i < 2_500; i++) metrics.time('call', 1, { success: i % 5 !== 0 })
    expect(metrics.summary('call', { window: '1m' })).toMatchObject({ count: 2_500, failures: 500 })
    await clock.advance('5m')
    expect(metrics.summary('message.dead-lettered', { window: '5m' })).toMatchObject({ count: 0 })
    // Of seconds too no more than a thousand are kept.
    for (let i = 0; i < 1_100; i++) {
      metrics.increment('ticks')
      await clock.advance('1s')
    }
    expect(metrics.summary('ticks', { window: '1h' }).count).toBe(1_000)
    expect(metrics.summary('ticks', { window: '10s' }).count).toBe(9)
  })
  it('MetricsCollector times executions by its clock and passes errors on.', async () => {
    const { clock, metrics } = collector()
    await metrics.trackExecution('work', () => clock.advance('3s'))
    await expect(metrics.trackExecution('work', async () => Promise.reject(new Error('x')))).rejects.toThrow('x')
    expect(metrics.summary('work')).toMatchObject({ count: 2, failures: 1, slowest: 3_000 })
    const timer = metrics.timer('block')
    await clock.advance('1s')
    expect([timer.stop(), timer.stop()]).toEqual([1_000, 1_000])
    expect(metrics.summary('block').count).toBe(1)
  })
  it('MetricsCollector reads gauges on request, several values of one too, and omits one that fails.', async () => {
    const { metrics } = collector()
    let rows = 1
    metrics.gauge('rows', () => rows)
    metrics.gauge('fixed', 3)
    metrics.gauge('broken', () => Promise.reject(new Error('no')))
    metrics.gauge('mailbox.waiting', () => [{ labels: { agent: 'A' }, value: 4 }])
    rows = 7
    expect(await metrics.gauges()).toEqual({ rows: 7, fixed: 3 })
    expect(await metrics.prometheus()).toContain('troupe_mailbox_waiting{agent="A"} 4')
  })
  it('MetricsCollector reads a slow gauge once for all callers, and the next time after its answer.', async () => {
    const metrics = new MetricsCollector()
    const answers: PromiseWithResolvers<number>[] = []
    metrics.gauge('slow', () => {
      const answer = Promise.withResolvers<number>()
      answers.push(answer)
      return answer.promise
    })
    const both = Promise.all([metrics.gauges(), metrics.gauges()])
    expect(answers).toHaveLength(1)
    answers[0]?.resolve(1)
    expect(await both).toEqual([{ slow: 1 }, { slow: 1 }])
    const next = metrics.gauges()
    expect(answers).toHaveLength(2)
    answers[1]?.resolve(2)
    expect(await next).toEqual({ slow: 2 })
  })

  it('MetricsCollector omits and reports a gauge that gives no answer within 5 s of real time.', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const clock = createVirtualClock()
    const failed: unknown[] = []
    const metrics = new MetricsCollector(clock)
    const events = createEvents(() => {})
    metrics.listen(events)
    events.on('callback.failed', ({ name, code }) => failed.push([name, code]))
    metrics.gauge('absent', () => new Promise<number>(() => {}))
    metrics.gauge('present', async () => 7)
    const read = metrics.gauges()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await read).toEqual({ present: 7 })
    expect(failed).toEqual([['absent', 'timeout']])
  })

  it('MetricsCollector waits for a gauge that answers slowly, however far a virtual clock is advanced.', async () => {
    const clock = createVirtualClock()
    const metrics = new MetricsCollector(clock)
    const answer = Promise.withResolvers<number>()
    metrics.gauge('slow', () => answer.promise)
    const read = metrics.gauges()
    await clock.advance('1h')
    answer.resolve(3)
    expect(await read).toEqual({ slow: 3 })
  })

  it('MetricsCollector bounds its memory, and counts excess labels as `other`.', async () => {
    const { emit, metrics } = collector()
    for (let i = 0; i < 5_000; i++) metrics.record(`name-${i}`, i)
    for (let i = 0; i < 5_000; i++) metrics.record('name-0', i)
    expect(metrics.names()).toHaveLength(1_000)
    expect(metrics.summary('name-0').count).toBe(5_001)
    // The names of an application do not displace those of Troupe, which alert rules watch.
    emit({ type: 'tool.called', at: 0, durationMs: 7 })
    expect(metrics.summary('tool.called')).toMatchObject({ count: 1, max: 7 })
    const bounded = collector().metrics
    for (let i = 0; i < 1_000; i++) bounded.increment('orders', 1, { shop: `s${i}` })
    const lines = (await bounded.prometheus()).split('\n').filter((line) => line.startsWith('troupe_orders_total{'))
    expect(lines).toHaveLength(101)
    expect(lines).toContain('troupe_orders_total{shop="other"} 900')
    expect(bounded.summary('orders').count).toBe(1_000)
  })
  it('MetricsCollector bounds its memory for names of labels too, and loses no count.', () => {
    const { metrics } = collector()
    for (let i = 0; i < 1_000; i++) metrics.increment('orders', 1, { [`shop-${i}`]: '1' })
    const [orders] = metrics.metrics()
    expect(orders?.series.size).toBe(201)
    expect([...(orders?.series.values() ?? [])].at(-1)).toMatchObject({ labels: { labels: 'other' }, count: 800 })
    expect(metrics.summary('orders').count).toBe(1_000)
  })
  it('MetricsCollector rejects a counter that falls, a value that is not a number and a success that is not a boolean.', () => {
    const { metrics } = collector()
    expect(() => metrics.increment('orders', -1)).toThrow(/cannot decrease/)
    expect(() => metrics.record('orders', Number.NaN)).toThrow(/not a finite number/)
    for (const count of [
      () => metrics.record('orders', 1, { success: 'no' as never }),
      () => metrics.increment('orders', 1, {}, 'no' as never),
      () => metrics.timer('orders').stop({ success: 'no' as never }),
    ])
      expect(count).toThrow(/must be true or false/)
  })
  it('MetricsCollector has no label that names a user.', () => {
    const { emit, metrics } = collector()
    emit({ type: 'message.sent', at: 0, userId: 'ada', messageType: 'order', priority: 'normal', from: 'A' })
    const [series] = [...(metrics.metrics()[0]?.series.values() ?? [])]
    expect(series?.labels).toEqual({ messageType: 'order', priority: 'normal' })
  })
})

describe('the text of Prometheus', () => {
  it('The Prometheus text has only valid names, whatever an application names its metrics.', async () => {
    const { metrics } = collector()
    metrics.increment('constructor')
    metrics.increment('__proto__')
    metrics.increment('orders', 1, {
      '0x': 'a',
      orderId: 'b',
      order_id: 'c',
      __name__: 'd',
      ключ: 'e',
      ду: 'f',
      '': 'g',
    })
    metrics.record('order.size', 17, { labels: { le: 'own', kind: 'tea' } })
    for (let i = 0; i < 2; i++) metrics.record('balance', -Number.MAX_VALUE)
    const lines = (await metrics.prometheus()).trimEnd().split('\n')
    expect(lines).toContain('# HELP troupe_constructor_total constructor')
    expect(lines).toContain(
      'troupe_orders_total{_0x="a",order_id="b",order_id_="c",_name__="d",_="e",__="f",___="g"} 1',
    )
    expect(lines).toContain('troupe_order_size_count{le_="own",kind="tea"} 1')
    expect(lines).toContain('troupe_order_size_bucket{le_="own",kind="tea",le="+Inf"} 1')
    expect(lines).toContain('troupe_balance_sum -Inf')
    const form = /^(#.*|troupe_\w+(\{([a-zA-Z_]\w*="[^"]*",?)+\})? (-?[\d.]+(e[+-]?\d+)?|[+-]Inf|NaN))$/
    expect(lines.filter((line) => !form.test(line))).toEqual([])
  })
  it('The Prometheus text has each family and each series once, whatever an application names its metrics.', async () => {
    const { metrics } = collector()
    for (const name of ['orders', 'Orders', 'my.op', 'my_op', 'заказ', 'import.failures', 'Tool.called'])
      metrics.increment(name)
    metrics.time('tool.called', 5)
    metrics.time('import', 5, { success: false })
    metrics.record('order.size', 17)
    metrics.gauge('order.size', 3)
    metrics.gauge('order.size.count', 4)
    metrics.gauge('stock', () => [2, 3].map((value) => ({ labels: { of: 'tea' }, value })))
    metrics.increment('sold', 1, { kind: 'tea', location: 'shop' })
    metrics.increment('sold', 1, { location: 'shop', kind: 'tea' })
    for (const labels of [{ orderKind: 'tea' }, { order_kind: 'tea' }, { 'order-kind': 'tea' }]) {
      metrics.increment('packed', 2, labels)
      metrics.time('pack', 40_000, { labels, success: false })
    }
    const lines = (await metrics.prometheus()).trimEnd().split('\n')
    const heads = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2])
    expect(heads).toEqual([...new Set(heads)])
    const series = lines.filter((line) => !line.startsWith('#')).map((line) => line.replace(/ \S+$/, ''))
    expect(series).toEqual([...new Set(series)])
    expect(lines).toContain('troupe_tool_called_seconds_count 1')
    expect(lines).toContain('troupe_orders_total 1')
    expect(lines).toContain('troupe_orders_total_ 1')
    expect(lines).toContain('troupe_order_size_ 3')
    expect(lines).toContain('troupe_stock{of="tea"} 3')
    expect(lines).toContain('troupe_sold_total{kind="tea",location="shop"} 2')
    expect(lines).toContain('troupe_packed_total{order_kind="tea"} 6')
    expect(lines).toContain('troupe_pack_seconds_bucket{order_kind="tea",le="30"} 0')
    expect(lines).toContain('troupe_pack_seconds_bucket{order_kind="tea",le="60"} 3')
    expect(lines).toContain('troupe_pack_seconds_sum{order_kind="tea"} 120')
    expect(lines).toContain('troupe_pack_failures_total{order_kind="tea"} 3')
  })

  it('The Prometheus text has the increments of a metric of which values are recorded too, before or after.', async () => {
    const { metrics } = collector()
    metrics.increment('orders', 5, { kind: 'tea' })
    metrics.record('orders', 17, { labels: { kind: 'tea' } })
    metrics.increment('orders', 2, { kind: 'tea' })
    metrics.record('orders', 3)
    const lines = (await metrics.prometheus()).split('\n')
    expect(lines).toContain('# TYPE troupe_orders histogram')
    expect(lines).toContain('troupe_orders_count{kind="tea"} 1')
    expect(lines).toContain('# TYPE troupe_orders_total counter')
    expect(lines.filter((line) => line.startsWith('troupe_orders_total'))).toEqual([
      'troupe_orders_total{kind="tea"} 7',
    ])
    expect(metrics.summary('orders')).toMatchObject({ count: 9, average: 10 })
  })
  it('The Prometheus text gives the name of a counter of Troupe to no metric of an application.', async () => {
    const { metrics } = collector()
    metrics.increment('cache_hit', 2)
    metrics.increment('cache.hit')
    const lines = (await metrics.prometheus()).split('\n')
    expect(lines).toContain('# HELP troupe_cache_hit_total lookups that found a value, by cache')
    expect(lines).toContain('troupe_cache_hit_total 1')
    expect(lines).toContain('troupe_cache_hit_total_ 2')
  })
  it('The Prometheus text lists one family after the other, with cumulative histograms in seconds.', async () => {
    const { metrics } = collector()
    metrics.time('import', 4, { labels: { source: 'a "b"\\c' } })
    metrics.time('import', 40, { labels: { source: 'a "b"\\c' }, success: false })
    metrics.increment('orders', 2)
    const lines = (await metrics.prometheus()).trimEnd().split('\n')
    expect(lines).toContain('# TYPE troupe_import_seconds histogram')
    expect(lines).toContain('troupe_import_seconds_bucket{source="a \\"b\\"\\\\c",le="0.005"} 1')
    expect(lines).toContain('troupe_import_seconds_bucket{source="a \\"b\\"\\\\c",le="0.05"} 2')
    expect(lines).toContain('troupe_import_seconds_bucket{source="a \\"b\\"\\\\c",le="+Inf"} 2')
    expect(lines).toContain('troupe_import_seconds_sum{source="a \\"b\\"\\\\c"} 0.044')
    expect(lines).toContain('troupe_import_failures_total{source="a \\"b\\"\\\\c"} 1')
    expect(lines).toContain('troupe_orders_total 2')
    for (const line of lines)
      expect(line).toMatch(/^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{([a-z_]+="([^"\\\n]|\\.)*",?)+\})? [\d.e+-]+)$/)
  })
})

it('The summary of a metric that does not exist is rejected with the nearest name.', () => {
  const metrics = new MetricsCollector(createVirtualClock())
  metrics.increment('orders')
  for (const [name, near] of [
    ['tool.caled', 'tool.called'],
    ['order', 'orders'],
  ] as const)
    expect(() => metrics.summary(name)).toThrow(
      expect.objectContaining({ code: 'metric.unknown', hint: expect.stringContaining(near) }),
    )
  expect(metrics.summary('tool.called').count).toBe(0)
  metrics.gauge('load', 1)
  expect(metrics.summary('load').count).toBe(0)
})
