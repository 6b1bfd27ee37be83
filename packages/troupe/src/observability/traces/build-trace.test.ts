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

it('A trace is built of 50,000 spans below one span, and of as many below each other.', () => {
  const spans = Array.from({ length: 50_000 }, (_, i) => span(String(i), i, i + 1))
  const wide = buildTrace(
    't',
    spans.map((one, i) => (i === 0 ? one : { ...one, parent: '0' })),
  )
  expect(wide?.roots.map(({ children }) => children.length)).toEqual([49_999])
  const deep = buildTrace(
    't',
    spans.map((one, i) => (i === 0 ? one : { ...one, parent: String(i - 1) })),
  )
  expect([deep?.spans, deep?.durationMs, deep?.roots.length]).toEqual([50_000, 50_000, 1])
})

it('A trace lists spans whose parents form a cycle, and those below them, as roots.', () => {
  const below = (id: string, at: number, parent: string) => ({ ...span(id, at, at), parent })
  const trace = buildTrace('t', [below('a', 1, 'b'), below('b', 2, 'a'), below('c', 3, 'b'), below('d', 4, 'unknown')])
  expect(trace?.roots.map(({ id, children }) => [id, children.length])).toEqual([
    ['a', 0],
    ['b', 0],
    ['c', 0],
    ['d', 0],
  ])
})
