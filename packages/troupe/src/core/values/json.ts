/** Validates JSON values: an accepted value is read back exactly, and all others are rejected. */
import { hash } from 'node:crypto'
import { failure } from '../errors/failure.ts'
import { TroupeError } from '../errors/troupe-error.ts'
import { isRootPrototype } from './is-object.ts'
import type { Json } from './json-value.ts'
import { truncateText } from './truncate-text.ts'

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

function check(value: unknown, what: string, container: Checked | undefined): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  const rejection = (found: string, path = pathTo(container)) =>
    failure('json.unsupported', { what, path: path || 'its root', found })
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw rejection(String(value))
    if (Object.is(value, -0)) throw rejection('-0')
    return
  }
  if (typeof value !== 'object') throw rejection(value === undefined ? 'undefined' : `a ${typeof value}`)
  const depth = container ? container.depth + 1 : 0
  if (depth > maxDepth) {
    const repeated = firstRepeated(container)
    if (repeated) throw rejection('a cycle', pathTo(repeated.container))
    throw rejection(`more than ${maxDepth} levels`, truncateText(pathTo(container), 40))
  }
  const checked: Checked = { value, container, depth, key: '' }
  if (Array.isArray(value)) {
    if (!isPlainList(value)) throw rejection(`an instance of ${value.constructor?.name ?? 'a class'}`)
    // A list with named fields, such as a match of a regular expression.
    if (Object.keys(value).length > value.length) throw rejection('a list with named fields')
    for (let i = 0; i < value.length; i++) {
      checked.key = i
      check(value[i], what, checked)
    }
  } else {
    const prototype = Object.getPrototypeOf(value)
    if (prototype !== null && prototype !== Object.prototype && !isRootPrototype(prototype))
      throw rejection(`an instance of ${value.constructor?.name ?? 'a class'}`)
    if (Object.getOwnPropertySymbols(value).length > 0) throw rejection('a symbol as a key')
    for (const key of Object.keys(value)) {
      checked.key = key
      check((value as Record<string, unknown>)[key], what, checked)
    }
  }
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
    check(value, what, undefined)
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
