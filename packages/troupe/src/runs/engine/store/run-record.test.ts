import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import type { Json } from '../../../core/index.ts'
import { encodeRecord, encodeRecordInParts, type RunRecord, readRecord } from './run-record.ts'

const stored = (record: RunRecord) => encodeRecord(record).text

it('A stored record contains a repeated value once, and reading it restores the value at every place.', () => {
  const value = { text: 'x'.repeat(100_000), list: [1, 2] } as Json
  const events = Array.from({ length: 20 }, (_, i) => ({ type: 'branch.started', input: value, branch: `${i}` }))
  const record = { input: { type: 'step.returned', outcome: { kind: 'value', value } }, events, first: 7 } as never
  const text = stored(record)
  expect(text.length).toBeLessThan(110_000)
  expect(readRecord(JSON.parse(text) as Json)).toEqual(record)
})

it('A stored record is read as it was written, whatever it contains.', () => {
  const name = fc.oneof(fc.constantFrom('__proto__', 'same', 'constructor', 'toString'), fc.string({ maxLength: 3 }))
  const long = fc.constantFrom('a'.repeat(2_000), 'b'.repeat(70_000))
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, long, fc.integer(), fc.constant(null), tie('list'), tie('record')),
    list: fc.array(tie('value'), { maxLength: 4 }),
    record: fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  }))
  fc.assert(
    fc.property(fc.array(value, { maxLength: 3 }), fc.integer({ min: 1, max: 3 }), (values, times) => {
      const events = Array.from({ length: times }, () => values).flat()
      const record = { input: values, events, first: 1 } as unknown as RunRecord
      const plain = JSON.parse(JSON.stringify(record)) as Json
      expect(readRecord(JSON.parse(stored(record)) as Json)).toEqual(plain)
    }),
    { numRuns: 200 },
  )
})

it('A record of thousands of events is read as it was.', () => {
  const input = { name: 'x'.repeat(2_000), list: [1, null], nested: JSON.parse('{"__proto__":{"same":1}}') as Json }
  const events = Array.from({ length: 3_000 }, (_, i) => ({ type: 'branch.started', input, branch: `${i}` }))
  const record = {
    input: { type: 'step.returned', outcome: { kind: 'value', value: input } },
    events,
    first: 7,
  } as never
  const text = stored(record)
  expect(text.length).toBeLessThan(500_000)
  expect(readRecord(JSON.parse(text) as Json)).toEqual(record)
})

it('The text of a long value of a record is written in parts of about 64 KB.', () => {
  const task = Array.from({ length: 10_000 }, (_, id) => ({ id, name: 'a row of a long table' }))
  const stringify = vi.spyOn(JSON, 'stringify')
  try {
    const lengths: number[] = []
    const work = encodeRecordInParts({ input: { type: 'start', task }, events: [], first: 1 } as unknown as RunRecord)
    for (let isOver = false; !isOver; ) {
      stringify.mockClear()
      isOver = work.next().done === true
      lengths.push(stringify.mock.results.reduce((sum, { value }) => sum + String(value).length, 0))
    }
    expect(lengths.filter((length) => length > 30_000).length).toBeGreaterThan(5)
    expect(Math.max(...lengths)).toBeLessThan(100_000)
  } finally {
    stringify.mockRestore()
  }
})
