import { describe, expect, it } from 'vitest'
import { toolOutputJson } from './call-tool.ts'

const tool = { name: 'look' }

describe('toolOutputJson', () => {
  class Thing {
    readonly a = 1
    get b() {
      return 2
    }
  }
  it.each<[string, unknown, unknown]>([
    ['nothing', undefined, null],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['an instance with fields', new Thing(), { a: 1 }],
    [
      'fields that JSON lacks',
      { a: undefined, b: () => 1, c: Number.NaN, headers: new Headers() },
      { c: null, headers: {} },
    ],
    ['an empty object and an empty list', [{}, []], [{}, []]],
  ])('The output of a tool that returns %s is what JSON has of it.', (_, value, json) => {
    expect(toolOutputJson(value, tool)).toEqual(json)
  })

  it.each<[string, unknown]>([
    ['a Map', new Map([['a', 1]])],
    ['a Set', new Set([1])],
    ['a field with a Map', { rows: new Map([['a', 1]]) }],
    ['a field that was not awaited', { price: Promise.resolve(1) }],
    ['a ReadableStream', new ReadableStream()],
    ['a Response', new Response('text')],
    [
      'an instance without fields',
      (function* generate() {
        yield 1
      })(),
    ],
    ['an Error', new Error('returned')],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a field with a bigint', { n: 10n }],
  ])('The output of a tool that returns %s is rejected, because nothing of it would be left.', (_, value) => {
    expect(() => toolOutputJson(value, tool)).toThrow(
      /The tool look failed: its result holds .*, which JSON cannot carry/,
    )
  })
})
