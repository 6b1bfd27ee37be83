/** Validates JSON values: an accepted value is read back exactly, and all others are rejected. */
import { hash } from 'node:crypto'
import { failure } from '../errors/failure.ts'
import { TroupeError } from '../errors/troupe-error.ts'
import { isRootPrototype } from './is-object.ts'
import type { Json } from './json-value.ts'
import { truncateText } from './truncate-text.ts'

/** Deeper values are rejected, since parsers of other programs fail on them. */
const maxDepth = 500

const rejection = (what: string, path: string, found: string) =>
  failure('json.unsupported', { what, path: path || 'its root', found })

function check(value: unknown, what: string, path: string, depth: number, open: Set<object>): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw rejection(what, path, String(value))
    if (Object.is(value, -0)) throw rejection(what, path, '-0')
    return
  }
  if (typeof value !== 'object') throw rejection(what, path, value === undefined ? 'undefined' : `a ${typeof value}`)
  if (open.has(value)) throw rejection(what, path, 'a cycle')
  if (depth > maxDepth) throw rejection(what, truncateText(path, 40), `more than ${maxDepth} levels`)
  open.add(value)
  if (Array.isArray(value)) {
    if (!isPlainList(value)) throw rejection(what, path, `an instance of ${value.constructor?.name ?? 'a class'}`)
    // A list with named fields, such as a match of a regular expression.
    if (Object.keys(value).length > value.length) throw rejection(what, path, 'a list with named fields')
    for (let i = 0; i < value.length; i++) check(value[i], what, `${path}[${i}]`, depth + 1, open)
  } else {
    const prototype = Object.getPrototypeOf(value)
    if (prototype !== null && prototype !== Object.prototype && !isRootPrototype(prototype))
      throw rejection(what, path, `an instance of ${value.constructor?.name ?? 'a class'}`)
    if (Object.getOwnPropertySymbols(value).length > 0) throw rejection(what, path, 'a symbol as a key')
    for (const key of Object.keys(value))
      check((value as Record<string, unknown>)[key], what, path ? `${path}.${key}` : key, depth + 1, open)
  }
  open.delete(value)
}
const isPlainList = (list: object) => {
  const prototype = Object.getPrototypeOf(list)
  return (
    prototype === Array.prototype || (Array.isArray(prototype) && isRootPrototype(Object.getPrototypeOf(prototype)))
  )
}

/**
 * Returns the JSON text of a value that JSON represents exactly.
 * @param what the name of the value in the error, e.g. `the value of orders.17`
 * @throws ValidationError `json.unsupported` for undefined, functions, NaN, infinities, -0, BigInt, symbols, Date, Map,
 * class instances, cycles, and more than 500 levels.
 */
export function encodeJson(value: unknown, what = 'The value'): string {
  try {
    check(value, what, '', 0, new Set())
    return JSON.stringify(value)
  } catch (cause) {
    if (cause instanceof TroupeError) throw cause
    // A getter or a proxy threw, or a text is longer than a string can be.
    throw failure('json.unsupported', { what, path: 'some place', found: 'what cannot be read' }, { cause })
  }
}

export const decodeJson = (text: string): Json => JSON.parse(text) as Json

/** Returns the canonical JSON of RFC 8785: keys sorted by code units, numbers and strings as in ECMAScript. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += text === '' ? canonicalJson(item) : `,${canonicalJson(item)}`
    return `[${text}]`
  }
  const object = value as { readonly [key: string]: Json }
  for (const key of Object.keys(object).sort()) {
    const field = `${JSON.stringify(key)}:${canonicalJson(object[key] as Json)}`
    text += text === '' ? field : `,${field}`
  }
  return `{${text}}`
}

/** Returns the SHA-256 of the canonical JSON as 64 hexadecimal digits. */
export const hashJson = (value: Json): string => hashText(canonicalJson(value))
export const hashText = (text: string | Uint8Array): string => hash('sha256', text)
