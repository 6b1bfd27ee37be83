import { expect, it } from 'vitest'
import { type Clock, createVirtualClock, seededRandom } from '../../core/index.ts'
import { MetricsCollector } from '../metrics/index.ts'
import type { Span } from '../traces/index.ts'
import { checkOtlp, OtlpExporter } from './otlp-exporter.ts'

it.each([
  [undefined, 60],
  ['30s', 30],
] as const)('The OTLP exporter sends metrics at its interval: %s.', async (every, seconds) => {
  const clock = createVirtualClock()
  const began = clock.now()
  const sent: number[] = []
  const exporter = new OtlpExporter(checkOtlp({ url: 'http://collector.test', ...(every ? { every } : {}) }), {
    clock,
    random: seededRandom('otlp'),
    fetch: async () => {
      sent.push((clock.now() - began) / 1_000)
      return new Response('{}')
    },
    metrics: new MetricsCollector(clock),
    failed: () => {},
  })
  exporter.start()
  await clock.advance('2m')
  expect(sent).toEqual(Array.from({ length: 120 / seconds }, (_, i) => (i + 1) * seconds))
  await exporter.close()
  expect(sent).toHaveLength(120 / seconds + 1)
  await clock.advance('2m')
  expect(sent).toHaveLength(120 / seconds + 1)
})

/** Returns an exporter, and the bodies that its collector has received. */
function collecting(clock: Clock, metrics: MetricsCollector) {
  const bodies: string[] = []
  const exporter = new OtlpExporter(checkOtlp({ url: 'http://collector.test' }), {
    clock,
    random: seededRandom('otlp'),
    fetch: async (_url, init) => {
      bodies.push(String(init?.body))
      return new Response('{}')
    },
    metrics,
    failed: () => {},
  })
  return { exporter, bodies }
}

it('The OTLP exporter sends each span once and complete, with its start and its parent.', async () => {
  const clock = createVirtualClock()
  const { exporter, bodies } = collecting(clock, new MetricsCollector(clock))
  const span = { traceId: 'a'.repeat(32), id: 'b'.repeat(16), name: 'branch 1', kind: 'internal' } as const
  const begun: Span = {
    ...span,
    parent: 'c'.repeat(16),
    startedAt: 1_000,
    status: 'running',
    attributes: { id: '1' },
  }
  const ended: Span = { ...span, startedAt: 3_500, endedAt: 3_500, status: 'ok', attributes: { 'error.type': 'x' } }
  const owned = (one: Span) => ({ user: 'ada', span: one })
  await exporter.write([owned(begun)])
  expect(bodies).toEqual([])
  await exporter.write([owned({ ...begun, startedAt: 2_000 }), owned(ended)])
  await exporter.write([owned(ended)])
  const sent = bodies.map((body) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans)
  expect(sent).toMatchObject([
    [
      {
        spanId: span.id,
        parentSpanId: begun.parent,
        startTimeUnixNano: '1000000000',
        endTimeUnixNano: '3500000000',
        attributes: [{ key: 'id' }, { key: 'error.type' }],
        status: { code: 0 },
      },
    ],
    // Its beginning was told elsewhere.
    [{ startTimeUnixNano: '3500000000' }],
  ])
  await exporter.close()
})

it('The OTLP exporter reports spans that a collector with status 200 has not accepted, and sends them once.', async () => {
  const clock = createVirtualClock()
  const answers = ['{"partialSuccess":{}}', '', '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}']
  const exporter = new OtlpExporter(checkOtlp({ url: 'http://collector.test' }), {
    clock,
    random: seededRandom('otlp'),
    fetch: async () => new Response(answers.shift() ?? '{}'),
    metrics: new MetricsCollector(clock),
    failed: () => {},
  })
  const span = { traceId: 'a', id: 'b', name: 'x', kind: 'internal', startedAt: 1, endedAt: 2 } as const
  const write = () => exporter.write([{ user: 'ada', span: { ...span, status: 'ok', attributes: {} } }])
  await write()
  await write()
  await expect(write()).rejects.toThrow(/with status 200: it has not accepted 2 of them: too old/)
  expect(answers).toEqual([])
  await exporter.close()
})

it('A collector that never answers delays the close by 5 s in all.', async () => {
  const clock = createVirtualClock()
  const failures: unknown[] = []
  const exporter = new OtlpExporter(checkOtlp({ url: 'http://collector.test' }), {
    clock,
    random: seededRandom('otlp'),
    fetch: () => new Promise(() => {}),
    metrics: new MetricsCollector(clock),
    failed: (error) => failures.push(error),
  })
  exporter.hurry()
  const span: Span = {
    traceId: 'a',
    id: 'b',
    name: 'x',
    kind: 'internal',
    startedAt: 1,
    endedAt: 2,
    status: 'ok',
    attributes: {},
  }
  let ended = false
  const end = exporter
    .write([{ user: 'ada', span }])
    .catch((error: unknown) => failures.push(error))
    .then(() => exporter.close())
    .then(() => {
      ended = true
    })
  await clock.advance('5s')
  await clock.advance('10ms')
  expect(ended).toBe(true)
  await end
  expect(failures).toMatchObject([{ code: 'timeout' }, { code: 'timeout' }])
})

it('The OTLP exporter sends each metric under one name, with the names and labels that Prometheus gets, and its failures.', async () => {
  const clock = createVirtualClock()
  const metrics = new MetricsCollector(clock)
  metrics.time('tool.called', 20, { labels: { tool: 'look' }, success: false })
  metrics.increment('message.sent', 1, { messageType: 'order' })
  metrics.record('orders', 17)
  metrics.increment('orders', 2)
  metrics.increment('a.b')
  metrics.increment('a_b')
  metrics.gauge('orders', 3)
  metrics.gauge('depth', () => ['x', 'y'].map((queue, value) => ({ labels: { queue }, value })))
  const { exporter, bodies } = collecting(clock, metrics)
  await exporter.close()
  type Point = { readonly attributes: readonly { key: string; value: { stringValue: string } }[]; asDouble?: number }
  type Sent = { readonly name: string; readonly [type: string]: unknown }
  const sent: readonly Sent[] = JSON.parse(bodies[0] ?? '').resourceMetrics[0].scopeMetrics[0].metrics
  const rows = sent.flatMap(({ name, sum, gauge, histogram }) =>
    ((sum ?? gauge ?? histogram) as { readonly dataPoints: readonly Point[] }).dataPoints.map(
      ({ attributes, asDouble }) => [
        name,
        attributes.map(({ key, value }) => `${key}=${value.stringValue}`).join(),
        ...(asDouble === undefined ? [] : [asDouble]),
      ],
    ),
  )
  expect(new Set(sent.map(({ name }) => name)).size).toBe(sent.length)
  expect(rows).toEqual([
    ['troupe_a_b_total', '', 1],
    ['troupe_a_b_total_', '', 1],
    ['troupe_message_sent_total', 'message_type=order', 1],
    ['troupe_orders', ''],
    ['troupe_orders_total', '', 2],
    ['troupe_tool_called_seconds', 'tool=look'],
    ['troupe_tool_called_failures_total', 'tool=look', 1],
    ['troupe_depth', 'queue=x', 0],
    ['troupe_depth', 'queue=y', 1],
    ['troupe_orders_', '', 3],
  ])
})
