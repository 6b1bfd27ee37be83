import fc from 'fast-check'
import { expect, it } from 'vitest'
import { finishNow } from '../time/time-slice.ts'
import { jsonInParts } from './json-in-parts.ts'

const textOf = (value: unknown) => finishNow(jsonInParts(value))
const rows = (length: number) => Array.from({ length }, (_, id) => ({ id, name: `row ${id}`, tags: ['a', null] }))

it('JSON in parts has the text of JSON.stringify, whatever the value has.', () => {
  const key = fc.oneof(fc.constantFrom('__proto__', 'toJSON', '7', ''), fc.string({ maxLength: 3, unit: 'binary' }))
  const long = fc.constantFrom<unknown>(
    '😀'.repeat(70_000),
    `a${'😀'.repeat(70_000)}`,
    `${'\ud800'.repeat(65_536)}\udc00"\n`,
    rows(3_000),
    Object.fromEntries(rows(3_000).map((row) => [`key ${row.id}`, row])),
    Array.from({ length: 40_000 }, () => undefined),
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, fc.jsonValue({ maxDepth: 1 }), long, tie('list'), tie('object')),
    list: fc.array(fc.oneof(tie('value'), fc.constant(undefined)), { maxLength: 4 }),
    object: fc.dictionary(key, fc.oneof(tie('value'), fc.constant(undefined)), { maxKeys: 4 }),
  }))
  fc.assert(
    fc.property(value, (of) => {
      expect(textOf(of) === JSON.stringify(of)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

it('JSON in parts writes about 64 KB in one part: of a list, of an object with many keys, and of one text.', () => {
  const values = [
    rows(50_000),
    Object.fromEntries(rows(50_000).map((row) => [`key ${row.id}`, row])),
    { nested: [{ text: '"'.repeat(2_000_000) }] },
    Array.from({ length: 400_000 }, (_, i) => i),
  ]
  for (const value of values) {
    let parts = 0
    const work = jsonInParts(value)
    let part = work.next()
    for (; !part.done; part = work.next()) parts++
    expect(part.value.length / parts).toBeLessThan(150_000)
    expect(part.value === JSON.stringify(value)).toBe(true)
  }
})
