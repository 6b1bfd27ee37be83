import { describe, expect, it } from 'vitest'
import { encodeJson } from '../json/json.ts'
import {
  checkFunction,
  checkOptionNames,
  checkOptions,
  checkPredicate,
  checkSignal,
  fieldOf,
  listOf,
} from './check-options.ts'
import { isObject, isPlainObject } from './is-object.ts'
import { show } from './show.ts'

const fail = () => {
  throw new Error('of the caller')
}
const revoked = (target: object): object => {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}
const hostile = new Proxy({}, { get: fail, ownKeys: fail, getPrototypeOf: fail, getOwnPropertyDescriptor: fail })
/** Values that a template cannot print, or that throw when they are read. */
const unreadable: readonly unknown[] = [
  ...[Object.create(null), Symbol('s'), revoked({}), revoked([]), hostile, { toString: fail, valueOf: fail }],
  ...[
    () => 1,
    class {},
    10n,
    Number.NaN,
    null,
    undefined,
    true,
    new Array(2 ** 32 - 1),
    new Map(),
    new Date(Number.NaN),
  ],
]
const coded = expect.objectContaining({ code: 'validation.failed', name: 'ValidationError' })

describe('show', () => {
  it('`show` gives a short text for every value.', () => {
    for (const value of unreadable) expect(show(value).length).toBeLessThan(20)
    expect([show('a text'), show(10n), show(Symbol('s')), show([1]), show({}), show(null), show(fail)]).toEqual([
      ...['a text', '10n', 'Symbol(s)', 'a list', 'an object', 'null', 'a function'],
    ])
  })
})

describe('checkOptions', () => {
  it('checkOptions accepts plain objects alone, without reading other values.', () => {
    for (const options of [{}, { a: 1 }, Object.create(null)]) checkOptionNames('push', options, ['a'])
    for (const options of [
      ...unreadable.filter((value) => !isPlainObject(value)),
      'x'.repeat(1_000_000),
      new Array(100_000),
    ])
      expect(() => checkOptionNames('push', options as object, ['a'])).toThrow(coded)
  })

  it('checkOptions names an unknown option with the nearest one.', () => {
    const misspelt = { ttl: '1h', subscriber: [] }
    const thrown = expect.objectContaining({ code: 'option.unknown', message: 'push has no option subscriber.' })
    expect(() => checkOptionNames('push', misspelt, ['ttl', 'subscribers'])).toThrow(thrown)
  })

  it('checkOptions compiles with exactly the names of the options.', () => {
    const options: { readonly ttl?: string; readonly topics?: readonly string[] } = {}
    checkOptions('push', options, ['ttl', 'topics'])
    // @ts-expect-error: topics is missing.
    checkOptions('push', options, ['ttl'])
    // @ts-expect-error: subscriber is no option.
    checkOptions('push', options, ['ttl', 'topics', 'subscriber'])
    const either: { readonly user: string } | { readonly webhook: string } = { user: 'ada' }
    checkOptions('alerts.to', either as typeof either | { readonly webhook: string }, ['user', 'webhook'])
  })

  it('checkOptions reports a getter that throws, with the thrown value as the cause.', () => {
    const options = Object.defineProperty({}, 'ttl', { get: fail, enumerable: true })
    const cause = expect.objectContaining({ message: 'of the caller' })
    expect(() => checkOptionNames('push', options, ['ttl'])).toThrow(
      expect.objectContaining({ code: 'validation.failed', cause }),
    )
  })
})

describe('checks of one value', () => {
  it('The checks of one value throw only coded errors.', () => {
    for (const value of unreadable) {
      if (typeof value !== 'function') expect(() => checkFunction('The handler', value)).toThrow(coded)
      if (value !== undefined) expect(() => checkSignal('get', value as never)).toThrow(coded)
      if (!Array.isArray(safely(value))) expect(() => listOf('The topics', value as never)).toThrow(coded)
      expect(() => fieldOf(value, 'key')).not.toThrow()
      expect(() => isObject(value)).not.toThrow()
    }
  })

  it('checkFunction rejects a generator function, whose call executes nothing.', () => {
    const message = 'The handler is not valid: it must be a function, got a generator function.'
    for (const value of [function* () {}, async function* () {}])
      expect(() => checkFunction('The handler', value)).toThrow(message)
    for (const value of [() => 1, async () => 1, class {}, function named() {}])
      expect(() => checkFunction('The handler', value)).not.toThrow()
  })

  it('listOf returns the holes of a list as undefined, so that a check of each item rejects them.', () => {
    const names = ['a', 'b']
    expect(listOf('The topics', names)).toBe(names)
    const visited: unknown[] = []
    listOf('The topics', Object.assign(new Array<string>(2), { 1: 'b' })).map((name) => visited.push(name))
    expect(visited).toEqual([undefined, 'b'])
  })

  it('checkPredicate accepts true or false, and rejects a promise and handles its rejection.', async () => {
    expect([checkPredicate('forget', true), checkPredicate('forget', false)]).toEqual([true, false])
    for (const answer of [undefined, 1, 'yes', Promise.resolve(true), Promise.reject(new Error('of the caller'))])
      expect(() => checkPredicate('forget', answer)).toThrow(coded)
    await new Promise((resolve) => setImmediate(resolve))
  })
})

it('encodeJson reports a value that cannot be read.', () => {
  const nested = Object.defineProperty({}, 'x', { get: fail, enumerable: true })
  for (const value of [revoked({}), revoked([]), hostile, nested, [nested]])
    expect(() => encodeJson(value)).toThrow(expect.objectContaining({ code: 'json.unsupported' }))
})

/** `Array.isArray` throws for a revoked proxy. */
function safely(value: unknown): unknown {
  try {
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
