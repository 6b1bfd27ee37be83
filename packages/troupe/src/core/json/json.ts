/** Validates JSON values: an accepted value is read back exactly, and all others are rejected. */
import { failure } from '../errors/failure.ts'
import { TroupeError } from '../errors/troupe-error.ts'
import { isRootPrototype } from '../values/is-object.ts'
import type { Json } from '../values/json-value.ts'
import { truncateText } from '../values/truncate-text.ts'
import { type CopyLimit, copyLimit, copyLimitError } from './copy-limit.ts'

/** Deeper values are rejected, since parsers of other programs fail on them. */
const maxDepth = 500

/** An object that is being checked, in the chain of those that contain it. */
interface Checked {
  readonly value: object
  readonly container: Checked | undefined
  readonly depth: number
  /** The field or the index that is being checked. */
  key: string | number
}

function pathTo(container: Checked | undefined): string {
  if (!container) return ''
  const { key } = container
  const path = pathTo(container.container)
  if (typeof key === 'number') return `${path}[${key}]`
  return path ? `${path}.${key}` : key
}

/** Returns the outermost object that contains itself. A check that follows a cycle reaches the highest depth. */
function firstRepeated(container: Checked | undefined): Checked | undefined {
  const chain: Checked[] = []
  for (let one = container; one; one = one.container) chain.unshift(one)
  const seen = new Set<object>()
  return chain.find(({ value }) => seen.size === seen.add(value).size)
}

const rejection = (what: string, at: Checked | undefined, found: string, maxPath = Number.POSITIVE_INFINITY) =>
  failure('json.unsupported', { what, path: truncateText(pathTo(at), maxPath) || 'its root', found })

/**
 * Tells whether a value is a number that every storage returns unchanged: one that is finite and, from -(2^53 - 1) to
 * 2^53 - 1, exact.
 */
export const isExactNumber = (value: unknown): value is number =>
  typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER

const notSure = Symbol('not sure')
const tooLong = Symbol('too long')

/**
 * Returns the value, or with a limit a deep copy of it, if JSON surely represents it exactly; otherwise `notSure`, or
 * `tooLong` for a copy above the limit. It reads the usual values at half of the cost of `checkValue`, which decides about
 * the others and names the place: values of another realm, and copies while a program has given `Object.prototype` a field.
 */
function surelyJson(value: unknown, limit: CopyLimit | undefined, depth = 0): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : notSure
  if (typeof value !== 'object' || depth > maxDepth) return notSure
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Array.prototype) {
    const list = value as readonly unknown[]
    const items: unknown[] = Object.values(list)
    if (items.length !== list.length || !Array.isArray(list)) return notSure
    let length = 2 * items.length
    if (limit && length > limit.left) return tooLong
    for (let i = 0; i < items.length; i++) {
      const item = items[i]
      // After a hole, the values that follow have moved.
      if (item !== list[i]) return notSure
      if (typeof item === 'string') {
        length += item.length
        continue
      }
      items[i] = surelyJson(item, limit, depth + 1)
      if (typeof items[i] === 'symbol') return items[i]
    }
    if (!limit) return value
    limit.left -= length
    return limit.left < 0 ? tooLong : items
  }
  if ((prototype !== Object.prototype && prototype !== null) || Object.getOwnPropertySymbols(value).length > 0)
    return notSure
  const fields = (limit ? { ...value } : value) as Record<string, unknown>
  let length = 0
  for (const key in fields) {
    const field = fields[key]
    length += key.length + 4
    if (typeof field === 'string') {
      length += field.length
      continue
    }
    const read = surelyJson(field, limit, depth + 1)
    if (typeof read === 'symbol') return read
    if (read === field) continue
    if (!Object.hasOwn(fields, key)) return notSure
    fields[key] = read
  }
  if (limit) limit.left -= length
  return limit && limit.left < 0 ? tooLong : fields
}

/** A cycle is copied to this depth before it is noticed. */
const maxSureDepth = 32

/**
 * Returns a deep copy of a value, the value itself if it exceeds the limit, or undefined unless JSON surely represents it
 * exactly in at most 32 levels.
 */
export function sureCopy(value: object, limit: CopyLimit): object | undefined {
  const { left } = limit
  const copy = surelyJson(value, limit, maxDepth - maxSureDepth)
  if (copy === tooLong) {
    limit.left = -1
    return value
  }
  if (copy !== notSure) return copy as object
  limit.left = left
  return undefined
}

/** @throws ValidationError `json.unsupported`, which names the place */
function checkValue(value: unknown, what: string, container?: Checked): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw rejection(what, container, String(value))
    if (Object.is(value, -0)) throw rejection(what, container, '-0')
    return
  }
  if (typeof value !== 'object')
    throw rejection(what, container, value === undefined ? 'undefined' : `a ${typeof value}`)
  const depth = container ? container.depth + 1 : 0
  if (depth > maxDepth) {
    const repeated = firstRepeated(container)
    if (repeated) throw rejection(what, repeated.container, 'a cycle')
    throw rejection(what, container, `more than ${maxDepth} levels`, 40)
  }
  const checked: Checked = { value, container, depth, key: '' }
  if (Array.isArray(value)) checkList(value, what, checked)
  else checkObject(value, what, checked)
}

function checkList(list: readonly unknown[], what: string, checked: Checked): void {
  if (!isPlainList(list))
    throw rejection(what, checked.container, `an instance of ${list.constructor?.name || 'a class'}`)
  // A list with named fields, such as a match of a regular expression. The keys of a long list would be as many texts.
  if (Object.values(list).length > list.length) throw rejection(what, checked.container, 'a list with named fields')
  for (let i = 0; i < list.length; i++) {
    checked.key = i
    checkValue(list[i], what, checked)
  }
}

function checkObject(value: object, what: string, checked: Checked): void {
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype && !isRootPrototype(prototype))
    throw rejection(what, checked.container, `an instance of ${value.constructor?.name || 'a class'}`)
  if (Object.getOwnPropertySymbols(value).length > 0) throw rejection(what, checked.container, 'a symbol as a key')
  for (const key of Object.keys(value)) {
    checked.key = key
    checkValue((value as Record<string, unknown>)[key], what, checked)
  }
}

const isPlainList = (list: object) => {
  const prototype = Object.getPrototypeOf(list)
  return (
    prototype === Array.prototype || (Array.isArray(prototype) && isRootPrototype(Object.getPrototypeOf(prototype)))
  )
}

/**
 * Checks that JSON represents a value exactly.
 * @param what the name of the value in the error
 * @throws ValidationError as `encodeJson`
 */
export const checkJson = (value: unknown, what = 'The value'): void =>
  codedErrors(what, () => {
    if (surelyJson(value, undefined) === notSure) checkValue(value, what)
  })

/**
 * Returns the JSON text of a value that JSON represents exactly.
 * @param what the name of the value in the error, e.g. `the value of orders.17`
 * @throws ValidationError `json.unsupported` for undefined, functions, NaN, infinities, -0, BigInt, symbols, Date, Map,
 * class instances, cycles, and more than 500 levels.
 */
export const encodeJson = (value: unknown, what = 'The value'): string =>
  codedErrors(what, () => {
    if (surelyJson(value, undefined) === notSure) checkValue(value, what)
    return JSON.stringify(value)
  })

/**
 * Returns a deep copy of a value that JSON represents exactly: that of `JSON.parse(encodeJson(value))`, at half of the cost.
 * @param what the name of the value in the error
 * @param limit what the copies of a call have left; 8 MiB by default
 * @throws ValidationError as `encodeJson`; `value.too_large` above the limit, before more is copied
 */
export const copyJson = (value: unknown, what = 'The value', limit = copyLimit()): Json =>
  codedErrors(what, () => {
    const copy = surelyJson(value, limit)
    if (copy === tooLong) throw copyLimitError(what)
    if (copy !== notSure) return copy as Json
    checkValue(value, what)
    return decodeJson(JSON.stringify(value))
  })

/** Sets a field of any name as JSON.parse does: a plain assignment to `__proto__` would change the prototype. */
export function setField<Value>(of: { [key: string]: Value }, key: string, value: Value): void {
  if (key === '__proto__')
    Object.defineProperty(of, key, { value, writable: true, enumerable: true, configurable: true })
  else of[key] = value
}

/** Turns each error into `json.unsupported`. */
function codedErrors<Out>(what: string, read: () => Out): Out {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof TroupeError) throw cause
    // A getter or a proxy threw, or a text is longer than a string can be.
    throw failure('json.unsupported', { what, path: 'some place', found: 'what cannot be read' }, { cause })
  }
}

export const decodeJson = (text: string): Json => JSON.parse(text) as Json
