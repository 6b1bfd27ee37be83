import { expect, it } from 'vitest'
import { createVirtualClock, seededRandom } from '../../core/index.ts'
import { MetricsCollector } from '../metrics/index.ts'
import { checkOtlp, OtlpExporter } from './otlp-exporter.ts'

it.each([
  [undefined, 60],
  ['30s', 30],
] as const)('metrics are sent as often as is said: %s', async (every, seconds) => {
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
