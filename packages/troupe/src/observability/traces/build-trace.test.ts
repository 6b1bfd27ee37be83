import { expect, it } from 'vitest'
import { buildTrace } from './build-trace.ts'
import type { Span } from './span.ts'

const span = (id: string, startedAt: number, endedAt: number): Span => ({
  traceId: 't',
  id,
  name: id,
  kind: 'internal',
  startedAt,
  endedAt,
  status: 'ok',
  attributes: {},
})

it('A trace orders spans by their start, within a millisecond too.', () => {
  // The second began at 1,000.35 and took 0.6 ms, the first at 999.9 and took 0.4: ends are known in whole milliseconds.
  const trace = buildTrace('t', [
    span('first', 999.6, 1_000),
    span('second', 999.4, 1_000),
    span('third', 998.9, 1_001),
  ])
  expect(trace?.roots.map(({ name, durationMs }) => [name, Math.round((durationMs ?? 0) * 10) / 10])).toEqual([
    ['third', 2.1],
    ['first', 0.4],
    ['second', 0.6],
  ])
})
