/** Values that no function of the library expects, each made afresh for each call. */

/** What a getter, a proxy or an iterator of the caller throws: the library must report it with a code. */
export class ReadError extends Error {}
/** What a callback of the caller throws, which is the caller's own to see. */
export class CallbackError extends Error {}

const failRead = (): never => {
  throw new ReadError('the caller’s value cannot be read')
}
const failCall = (): never => {
  throw new CallbackError('the caller’s function failed')
}

function nested(levels: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { value }
  return value
}
function cyclic(): unknown {
  const value: Record<string, unknown> = { k: 1, list: [] as unknown[] }
  value.self = value
  ;(value.list as unknown[]).push(value)
  return value
}
function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}
const traps = ['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'getPrototypeOf', 'set', 'isExtensible'] as const
const throwing = (...names: readonly string[]) =>
  Object.defineProperties(
    {},
    Object.fromEntries(names.map((name) => [name, { get: failRead, enumerable: true, configurable: true }])),
  )

/** `repeat` would join the parts at the first use, in the time of the library. */
const longText = Buffer.alloc(1e6, 'x').toString('latin1')
const longerText = Buffer.alloc(9e6, 'y').toString('latin1')

export type BadValue = readonly [label: string, make: () => unknown]

export const badValues: readonly BadValue[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['true', () => true],
  ['0', () => 0],
  ['-0', () => -0],
  ['NaN', () => Number.NaN],
  ['Infinity', () => Number.POSITIVE_INFINITY],
  ['-1', () => -1],
  ['1.5', () => 1.5],
  ['2 ** 53', () => 2 ** 53],
  ['1e308', () => 1e308],
  ['5e-324', () => 5e-324],
  ['5', () => 5],
  ['10n', () => 10n],
  ['Symbol()', () => Symbol('s')],
  ["''", () => ''],
  ["'text'", () => 'text'],
  ["'a\\0b'", () => 'a\0b'],
  ['a lone surrogate', () => 'a\ud800b'],
  ["'__proto__'", () => '__proto__'],
  ["'constructor'", () => 'constructor'],
  ["'toString'", () => 'toString'],
  ['1,000,000 characters', () => longText],
  ['9,000,000 characters', () => longerText],
  ['a path upwards', () => '../../etc/passwd'],
  ['a template', () => '%s {0} $'],
  ['a bidirectional override', () => '\u202eabc\u0007'],
  ["' '", () => ' '],
  ["'*'", () => '*'],
  ['500 stars', () => '*a'.repeat(500)],
  ["'1s'", () => '1s'],
  ["'9999999999d'", () => '9999999999d'],
  ['emoji', () => '👩‍👩‍👧‍👦'.repeat(60)],
  ['a cycle', cyclic],
  ['200 levels', () => nested(200)],
  ['10,000 levels', () => nested(10_000)],
  ['20,000 levels', () => nested(20_000)],
  ['getters that throw', () => throwing('x', 'name', 'key', 'type', 'id', 'signal')],
  ['a proxy that throws', () => new Proxy({}, Object.fromEntries(traps.map((trap) => [trap, failRead])))],
  ['a proxy of a function', () => new Proxy(() => {}, { get: failRead, apply: failCall })],
  ['a revoked proxy', () => revoked({})],
  ['a revoked proxy of a list', () => revoked([])],
  ['a toJSON that throws', () => ({ toJSON: failRead })],
  ['a toString that throws', () => ({ toString: failRead, valueOf: failRead, [Symbol.toPrimitive]: failRead })],
  ['a getter of then', () => throwing('then')],
  // biome-ignore lint/suspicious/noThenProperty: it is what is tried
  ['a promise that waits', () => ({ then() {} })],
  ['a polluting object', () => JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')],
  ['no prototype', () => Object.create(null)],
  // biome-ignore lint/suspicious/noSparseArray: it is what is tried
  ['a list with holes', () => [, 1, , 2]],
  ['a list of odd values', () => [null, undefined, Symbol('q'), 1n, cyclic()]],
  ['[]', () => []],
  ['{}', () => ({})],
  ['a list of 100,000', () => new Array(100_000).fill(0)],
  ['a list of 2 ** 32 - 1 holes', () => new Array(2 ** 32 - 1)],
  ['an invalid Date', () => new Date(Number.NaN)],
  ['a Date', () => new Date(0)],
  ['a Map', () => new Map([[1, 2]])],
  ['a Set', () => new Set([1])],
  ['a RegExp', () => /x/g],
  ['bytes', () => new Uint8Array(9)],
  ['a Buffer', () => Buffer.from('x')],
  ['shared memory', () => new SharedArrayBuffer(8)],
  ['a WeakMap', () => new WeakMap()],
  ['a function', () => () => 1],
  ['a function that throws', () => failCall],
  [
    'a function that throws null',
    () => () => {
      throw null
    },
  ],
  ['a function that rejects', () => async () => failCall()],
  ['a function of nothing', () => () => undefined],
  ['a class', () => class X {}],
  ['an instance of a class', () => new (class X {})()],
  ['a promise', () => Promise.resolve(1)],
  ['an Error', () => new Error('e')],
  ['an aborted signal', () => AbortSignal.abort()],
  ['a signal aborted with null', () => AbortSignal.abort(null)],
  ['what looks like a signal', () => ({ aborted: false, addEventListener: failCall, throwIfAborted: failCall })],
  ['an iterator that throws', () => ({ [Symbol.iterator]: failRead })],
  [
    'a list of length -5',
    () => new Proxy([1, 2], { get: (list, key) => (key === 'length' ? -5 : Reflect.get(list, key)) }),
  ],
  ['an infinite length', () => ({ length: Number.POSITIVE_INFINITY })],
]
