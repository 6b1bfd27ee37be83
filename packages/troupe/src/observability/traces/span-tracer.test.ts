import { expect, it } from 'vitest'
import { createEvents, createVirtualClock } from '../../core/index.ts'
import { createTracer, type OwnedSpan, type SpanSink } from './span-tracer.ts'

function open(sinks: readonly SpanSink[], output?: string) {
  const events = createEvents(() => {})
  const tracer = createTracer({
    clock: createVirtualClock(),
    events,
    sinks,
    content: output !== undefined,
    failed: () => {},
  })
  let calls = 0
  const call = (count: number) => {
    for (let i = 0; i < count; i++)
      events.emit(
        {
          type: 'model.called',
          at: 0,
          userId: 'ada',
          trace: 'a'.repeat(32),
          span: String(calls++).padStart(16, '0'),
          model: 'google/gemini',
          success: true,
          durationMs: 1,
          inputTokens: 9,
          cacheReadTokens: 5,
          cacheWriteTokens: 3,
        },
        () => ({ output: [{ type: 'text', text: output }] }),
      )
  }
  return { tracer, call }
}
const absent = (): Promise<void> => new Promise(() => {})

it('The tracer drops and counts spans of a receiver that accepts none, beyond 50,000.', async () => {
  const { tracer, call } = open([{ write: absent }])
  call(256 * 195)
  expect(tracer.dropped).toBe(0)
  call(256 * 100)
  expect(tracer.dropped).toBe(256 * 100)
})

it('The tracer drops and counts spans with long contents earlier, so that an absent receiver fills no memory.', () => {
  const { tracer, call } = open([{ write: absent }], 'x'.repeat(7_500))
  call(256 * 24)
  expect(tracer.dropped).toBe(0)
  call(256)
  expect(tracer.dropped).toBe(256)
})

it('The span of a model call names the provider and the tokens of its cache as OpenTelemetry does.', async () => {
  const stored: OwnedSpan[] = []
  const { tracer, call } = open([{ write: async (spans) => void stored.push(...spans) }])
  call(1)
  await tracer.flush()
  expect(stored[0]?.span.attributes).toMatchObject({
    'gen_ai.provider.name': 'gcp.gemini',
    'gen_ai.request.model': 'gemini',
    'gen_ai.usage.input_tokens': 9,
    'gen_ai.usage.cache_read.input_tokens': 5,
    'gen_ai.usage.cache_creation.input_tokens': 3,
  })
})

it('A receiver outside of the installation that accepts no span keeps none from the trace store.', async () => {
  const stored: OwnedSpan[] = []
  const store = { write: async (spans: readonly OwnedSpan[]) => void stored.push(...spans) }
  const { tracer, call } = open([{ isRemote: true, write: absent }, store])
  call(1)
  await tracer.flush()
  for (let i = 0; i < 2; i++) {
    call(256 * 150)
    await tracer.flush()
  }
  expect(stored).toHaveLength(1 + 2 * 256 * 150)
  expect(tracer.dropped).toBeGreaterThan(0)
})

it('The tracer delivers spans after a receiver has lost a batch, and its close waits for each receiver.', async () => {
  const received: number[] = []
  const { tracer, call } = open([
    {
      isRemote: true,
      async write(spans) {
        received.push(spans.length)
        if (received.length === 1) throw new Error('the collector restarts')
      },
    },
  ])
  call(257)
  await tracer.close()
  expect(received).toEqual([256, 1])
})
