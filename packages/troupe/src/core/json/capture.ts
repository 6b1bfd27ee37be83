/** Copies the arguments of a call before anything is awaited, since the caller may change them afterwards. */
import { isPlainObject } from '../values/is-object.ts'
import { type CopyLimit, copyLimit, copyLimitError } from './copy-limit.ts'
import { setField, sureCopy } from './json.ts'

/** Deeper values are rejected when they are stored. */
const maxDepth = 500

/**
 * Returns a copy of plain objects, lists, maps, sets, dates and bytes. Instances of other classes are shared. Getters are
 * read once. Unreadable values, and what exceeds 8 MiB as JSON, stay as they are, so that the validation of the value
 * rejects them.
 */
export const capture = <T>(value: T): T =>
  copyOf(value, { copies: new Map(), jsonDepth: 0, limit: copyLimit() }, 0) as T

/**
 * Returns a copy of options, as `capture` does. Frozen objects and objects with functions, such as definitions and ports, are
 * shared, since they are more than data.
 */
export const captureOptions = <T extends object>(options: T): T =>
  copyOf(options, { copies: new Map(), jsonDepth: -1, limit: copyLimit(), sharesCode: true }, 0) as T

/**
 * Captures a value as `capture` does.
 * @param what the name of the value in the error
 * @param jsonDepth the depth of the values that are usually JSON, whose copy takes a fifth of the time; 0: the value
 * itself. Above it, what is named several times is copied once.
 * @throws ValidationError `value.too_large` above 8 MiB, before more is copied
 */
export function captureWithin<T>(value: T, what: string, jsonDepth = 0): T {
  const limit = copyLimit()
  const captured = copyOf(value, { copies: new Map(), jsonDepth, limit }, 0) as T
  if (limit.left < 0) throw copyLimitError(what)
  return captured
}

interface Capture {
  readonly copies: Map<object, unknown>
  readonly jsonDepth: number
  readonly limit: CopyLimit
  /** Whether frozen objects and objects with functions are shared. */
  readonly sharesCode?: boolean
}

function copyOf(value: unknown, to: Capture, depth: number): unknown {
  const { limit } = to
  if (typeof value === 'string') limit.left -= value.length
  if (typeof value !== 'object' || value === null || depth > maxDepth || limit.left < 0) return value
  if (to.copies.has(value)) return to.copies.get(value)
  try {
    const copy = depth === to.jsonDepth ? sureCopy(value, limit) : undefined
    if (copy === undefined) return copyOfObject(value, to, depth)
    to.copies.set(value, copy)
    return copy
  } catch {
    return value
  }
}

function copyOfObject(value: object, to: Capture, depth: number): unknown {
  const { copies, limit } = to
  const inner = (one: unknown) => copyOf(one, to, depth + 1)
  if (Array.isArray(value)) {
    // A list of another class, or with holes or named fields, is rejected when it is stored.
    if (Object.getPrototypeOf(value) !== Array.prototype || hasOtherFields(value)) return value
    const list: unknown[] = []
    limit.left -= 2 * value.length
    copies.set(value, list)
    for (const one of value) list.push(inner(one))
    return list
  }
  if (value instanceof Date) return new Date(value)
  if (value instanceof Uint8Array) limit.left -= value.length
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (value instanceof Uint8Array) return value.slice()
  if (value instanceof Map) {
    const map = new Map<unknown, unknown>()
    copies.set(value, map)
    for (const [key, one] of value) map.set(key, inner(one))
    return map
  }
  if (value instanceof Set) {
    const set = new Set<unknown>()
    copies.set(value, set)
    for (const one of value) set.add(inner(one))
    return set
  }
  if (!isPlainObject(value) || (to.sharesCode && depth > 0 && isCode(value))) return value
  const copy: Record<PropertyKey, unknown> = Object.create(Object.getPrototypeOf(value))
  copies.set(value, copy)
  const read = value as Readonly<Record<PropertyKey, unknown>>
  for (const name of Object.keys(value)) {
    limit.left -= name.length + 4
    setField(copy as Record<string, unknown>, name, inner(read[name]))
  }
  for (const name of Object.getOwnPropertySymbols(value)) copy[name] = inner(read[name])
  return copy
}

const isCode = (value: object) =>
  Object.isFrozen(value) || Object.values(value).some((field) => typeof field === 'function')

/** Returns whether a list has holes or named fields, without a text for each of its indexes. */
const hasOtherFields = (list: readonly unknown[]): boolean => Object.values(list).length !== list.length
