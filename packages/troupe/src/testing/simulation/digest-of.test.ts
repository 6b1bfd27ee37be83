/** The digests of a simulation's trace depend on values alone. */
import { serialize } from 'node:v8'
import { expect, it } from 'vitest'
import { digestOf } from './digest-of.ts'

it('An integer has one digest, whether the engine holds it as an integer or as a double.', () => {
  const double = new Float64Array([14])[0]
  expect(serialize([double]).equals(serialize([14]))).toBe(false)
  expect(digestOf([double])).toBe(digestOf([14]))
})

it('A text has one digest, whether the engine holds it in one byte per character or in two.', () => {
  const wide = 'name and value\u4e16'.slice(0, -1)
  expect(digestOf([wide])).toBe(digestOf(['name and value']))
})

it('Values that differ have digests that differ: bytes, large integers and infinite numbers too.', () => {
  const values = [1, 1n, '1', Infinity, -Infinity, Number.NaN, null, new Uint8Array([1]), new Uint8Array([2]), true]
  expect(new Set(values.map((value) => digestOf([value]))).size).toBe(values.length)
})
