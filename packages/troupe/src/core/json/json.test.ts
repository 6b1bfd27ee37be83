import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { finishNow } from '../time/time-slice.ts'
import type { Json } from '../values/json-value.ts'
import { canonicalJson, hashJson, hashJsonInParts, hashText } from './canonical-json.ts'
import { capture } from './capture.ts'
import { copyJson, decodeJson, encodeJson } from './json.ts'

const rejected = (value: unknown) => expect(() => encodeJson(value)).toThrow(/JSON cannot carry/)

describe('copyJson', () => {
  it('copyJson returns what a text of the value is read back as, and rejects what encodeJson rejects.', () => {
    const outcomeOf = (make: () => unknown) => {
      try {
        return { value: make() }
      } catch (error) {
        return { error: String(error) }
      }
    }
    const values = fc.oneof(fc.jsonValue({ noUnicodeString: false }), fc.anything({ withNullPrototype: true }))
    fc.assert(
      fc.property(values, (value) => {
        expect(outcomeOf(() => copyJson(value, 'v'))).toStrictEqual(outcomeOf(() => decodeJson(encodeJson(value, 'v'))))
      }),
    )
    const special = JSON.parse('{"__proto__":{"x":1},"constructor":2,"toJSON":"text","1":0,"a":"\\ud800"}')
    expect(copyJson(special)).toStrictEqual(special)
    expect(Object.keys(copyJson({ b: 1, 2: 1, a: 1 }) as object)).toEqual(['2', 'b', 'a'])
  })
  it('copyJson shares no object with the value, and reads each field once.', () => {
    const inner = { list: [{ n: 1 }] }
    const copy = copyJson({ inner }) as { inner: typeof inner }
    inner.list.push({ n: 2 })
    expect(copy).toEqual({ inner: { list: [{ n: 1 }] } })
    let reads = 0
    const changing = Object.defineProperty({}, 'n', { enumerable: true, get: () => ++reads })
    expect(copyJson(changing)).toEqual({ n: 1 })
    const broken = Object.defineProperty({}, 'n', {
      enumerable: true,
      get() {
        throw new Error('no')
      },
    })
    expect(() => copyJson(broken)).toThrow('what cannot be read')
  })
  it.each([
    ['texts', () => 'x'.repeat(1_048_576)],
    ['numbers', () => Array.from({ length: 524_288 }, () => 1)],
    ['objects', () => Array.from({ length: 131_072 }, () => ({ id: 1 }))],
  ] as const)('copyJson reads no more than 8 MiB of %s.', (_, make) => {
    let reads = 0
    const megabyte = make()
    const item = () =>
      Object.defineProperty({}, 'n', {
        enumerable: true,
        get: () => {
          reads++
          return megabyte
        },
      })
    const rejects = (length: number) => copyJson({ items: Array.from({ length }, item) }, 'It')
    expect(rejects(7)).toMatchObject({ items: { length: 7 } })
    expect(() => rejects(100)).toThrow(expect.objectContaining({ code: 'value.too_large' }))
    expect(() => rejects(100)).toThrow('It has more than 8388608 bytes; 8388608 are allowed.')
    expect(reads).toBeLessThan(7 + 2 * 10)
  })
  it('copyJson accepts each value that has at most 8 MiB as JSON.', () => {
    for (const value of [
      'x'.repeat(8_388_600),
      Array.from({ length: 4_194_303 }, () => 1),
      { a: 'x'.repeat(8_388_600) },
    ])
      expect(JSON.stringify(copyJson(value)).length).toBeGreaterThan(8_388_600)
  })
})

describe('encodeJson', () => {
  it('encodeJson preserves exactly what it accepts.', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(!JSON.stringify(value).includes('-0'))
        try {
          expect(decodeJson(encodeJson(value))).toStrictEqual(value)
        } catch (error) {
          // -0 alone is lost by JSON.stringify, and therefore refused.
          if (!String(error).includes('-0')) throw error
        }
      }),
    )
  })
  it('encodeJson rejects what JSON cannot represent, wherever it is.', () => {
    const cycle: Record<string, unknown> = {}
    cycle.me = { self: cycle }
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    const values = [
      undefined,
      Number.NaN,
      -Infinity,
      -0,
      1n,
      () => 1,
      Symbol('s'),
      new Date(),
      /x/,
      new Map(),
      new Set(),
      cycle,
      deep,
    ]
    class Line extends Array {}
    const holed = Object.assign([1, 2, 3], { name: 4 })
    delete holed[1]
    const instances = [
      Buffer.from('x'),
      new (class Point {})(),
      { [Symbol('k')]: 1 },
      Line.of(1),
      /b/.exec('abc'),
      holed,
    ]
    for (const value of [...values, ...instances]) {
      rejected(value)
      rejected({ a: [1, value] })
    }
  })
  it('encodeJson accepts the same object twice, which is not a cycle.', () => {
    const shared = { a: 1 }
    expect(encodeJson([shared, shared])).toBe('[{"a":1},{"a":1}]')
  })
  it('encodeJson preserves NUL, lone surrogates, and keys that objects treat specially.', () => {
    for (const value of ['a\0b', '\ud800 lone', JSON.parse('{"__proto__":{"x":1},"constructor":2,"toJSON":"text"}')])
      expect(decodeJson(encodeJson(value))).toStrictEqual(value)
  })
  it('encodeJson names the place of what it rejects.', () => {
    expect(() => encodeJson({ orders: [{ paid: Number.NaN }] }, 'The value of k')).toThrow(
      /The value of k holds NaN at orders\[0\]\.paid/,
    )
    const generated = (function* generate() {
      yield 1
    })()
    expect(() => encodeJson(generated, 'The value of k')).toThrow(
      'The value of k holds an instance of a class at its root',
    )
  })
})

describe('canonicalJson', () => {
  it('canonicalJson does not depend on the order in which keys were set.', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse())
        expect(hashJson(reversed as Json)).toBe(hashJson(object as Json))
      }),
    )
  })
  it('canonicalJson of a value of hundreds of levels is that which the hash in parts has.', () => {
    const deep = (levels: number): Json => (levels === 0 ? { b: 1, a: [] } : { z: [deep(levels - 1)], a: levels })
    for (const levels of [3, 49, 51, 200]) {
      const value = [deep(levels), 'long'.repeat(20_000)]
      expect(hashText(canonicalJson(value))).toBe(finishNow(hashJsonInParts(value)))
    }
  })
  it('canonicalJson and hashJson distinguish different values.', () => {
    expect(canonicalJson({ b: 1, a: [2, { d: null, c: 'x' }] })).toBe('{"a":[2,{"c":"x","d":null}],"b":1}')
    expect(hashJson({ a: 1 })).not.toBe(hashJson({ a: '1' }))
  })
})

it('A captured map that contains itself twice is copied once, and so is a set.', () => {
  const map = new Map<string, unknown>()
  map.set('left', map).set('right', map)
  const copy = capture(map)
  expect([...copy.values()].map((one) => one === copy)).toEqual([true, true])
  expect(copy === map).toBe(false)
  const set = new Set<unknown>()
  set.add(set).add(map)
  const setCopy = capture(set)
  expect([setCopy.size, setCopy.has(setCopy), setCopy.has(map)]).toEqual([2, true, false])
})
