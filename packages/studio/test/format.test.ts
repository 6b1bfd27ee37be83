import { expect, it } from 'vitest'
import { inShort, lasting, toMinute } from '../src/format.ts'

it('The short form of a value collapses spaces and marks what it omits, also behind the part that it reads.', () => {
  expect(inShort({ a: [1, 2] })).toBe('{ "a": [ 1, 2 ] }')
  expect(inShort('a'.repeat(10), 10)).toBe('a'.repeat(10))
  expect(inShort('a'.repeat(11), 10)).toBe(`${'a'.repeat(9)}…`)
  expect(inShort(`a${' '.repeat(1_000)}b`, 10)).toBe('a …')
  expect(inShort({ numbers: Array.from({ length: 100_000 }, (_, i) => i) }, 20)).toBe('{ "numbers": [ 0, 1…')
})

it('The short form of a value cuts no character in two.', () => {
  expect(inShort('🙂'.repeat(10), 10)).toBe(`${'🙂'.repeat(4)}…`)
  expect(inShort(`${' '.repeat(199)}🙂`, 10)).toBe(' …')
})

it('A time to the minute names its zone, because logs and other people may have the times of another one.', () => {
  expect(toMinute('2026-03-01T08:05:30.000Z')).toMatch(/2026.*:05\b.* (UTC|GMT|[A-Z]{2,5})/)
})

it('A duration just below a minute is one minute, as its seconds are rounded.', () => {
  expect([lasting(59_940), lasting(59_960), lasting(60_000)]).toEqual(['59.9 sec', '1 min 0 sec', '1 min 0 sec'])
})
