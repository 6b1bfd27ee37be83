/** Copies the arguments of a call before anything is awaited, since the caller may change them afterwards. */
import { isPlainObject } from './is-object.ts'
import { setField } from './json.ts'

/** Deeper values are rejected when they are stored. */
const maxDepth = 500

/**
 * Returns a copy of plain objects, lists, maps, sets, dates and bytes. Instances of other classes are shared. Getters are
 * read once. Unreadable values stay as they are, so that the validation of the value rejects them.
 */
export function capture<T>(value: T): T {
  return copyOf(value, new Map(), 0) as T
}

function copyOf(value: unknown, copies: Map<object, unknown>, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > maxDepth) return value
  if (copies.has(value)) return copies.get(value)
  try {
    return copyOfObject(value, copies, depth)
  } catch {
    return value
  }
}

function copyOfObject(value: object, copies: Map<object, unknown>, depth: number): unknown {
  const inner = (one: unknown) => copyOf(one, copies, depth + 1)
  if (Array.isArray(value)) {
    // A list of another class, or with holes or named fields, is rejected when it is stored.
    if (Object.getPrototypeOf(value) !== Array.prototype || hasOtherFields(value)) return value
    const list: unknown[] = []
    copies.set(value, list)
    for (const one of value) list.push(inner(one))
    return list
  }
  if (value instanceof Date) return new Date(value)
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (value instanceof Uint8Array) return value.slice()
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, inner(one)]))
  if (value instanceof Set) return new Set([...value].map(inner))
  if (!isPlainObject(value)) return value
  const copy: Record<PropertyKey, unknown> = Object.create(Object.getPrototypeOf(value))
  copies.set(value, copy)
  const read = value as Readonly<Record<PropertyKey, unknown>>
  for (const name of Object.keys(value)) setField(copy as Record<string, unknown>, name, inner(read[name]))
  for (const name of Object.getOwnPropertySymbols(value)) copy[name] = inner(read[name])
  return copy
}

/** Returns whether a list has holes or named fields, without a text for each of its indexes. */
const hasOtherFields = (list: readonly unknown[]): boolean => Object.values(list).length !== list.length
