/** Validates JSON values: an accepted value is read back exactly, and all others are rejected. */
import { hash } from 'node:crypto'
import { failure } from '../errors/failure.ts'
import { TroupeError } from '../errors/troupe-error.ts'
import { finishNow, longPart, type WorkInParts } from '../time/time-slice.ts'
import { isRootPrototype } from './is-object.ts'
import type { Json } from './json-value.ts'
import { longLength } from './long-values.ts'
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

const rejection = (what: string, at: Checked | undefined, found: string, maxPath = Number.POSITIVE_INFINITY) =>
  failure('json.unsupported', { what, path: truncateText(pathTo(at), maxPath) || 'its root', found })

interface Check {
  readonly what: string
  /** Whether the check makes a deep copy. */
  readonly isCopied: boolean
}

/** Checks a value, and returns a deep copy of it if one is made. */
function checkPart(value: unknown, check: Check, container: Checked | undefined): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  const { what } = check
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw rejection(what, container, String(value))
    if (Object.is(value, -0)) throw rejection(what, container, '-0')
    return value
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
  return Array.isArray(value) ? checkList(value, check, checked) : checkObject(value, check, checked)
}

function checkList(list: readonly unknown[], check: Check, checked: Checked): unknown {
  const { what, isCopied } = check
  if (!isPlainList(list))
    throw rejection(what, checked.container, `an instance of ${list.constructor?.name ?? 'a class'}`)
  // A list with named fields, such as a match of a regular expression. The keys of a long list would be as many texts.
  if (Object.values(list).length > list.length) throw rejection(what, checked.container, 'a list with named fields')
  const copy: unknown[] | undefined = isCopied ? [] : undefined
  for (let i = 0; i < list.length; i++) {
    checked.key = i
    const item = checkPart(list[i], check, checked)
    copy?.push(item)
  }
  return copy
}

function checkObject(value: object, check: Check, checked: Checked): unknown {
  const { what, isCopied } = check
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype && !isRootPrototype(prototype))
    throw rejection(what, checked.container, `an instance of ${value.constructor?.name ?? 'a class'}`)
  if (Object.getOwnPropertySymbols(value).length > 0) throw rejection(what, checked.container, 'a symbol as a key')
  const copy: Record<string, unknown> | undefined = isCopied ? {} : undefined
  for (const key of Object.keys(value)) {
    checked.key = key
    const field = checkPart((value as Record<string, unknown>)[key], check, checked)
    if (copy) setField(copy, key, field)
  }
  return copy
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
export const encodeJson = (value: unknown, what = 'The value'): string =>
  codedErrors(what, () => {
    checkPart(value, { what, isCopied: false }, undefined)
    return JSON.stringify(value)
  })

/**
 * Returns a deep copy of a value that JSON represents exactly: that of `JSON.parse(encodeJson(value))`, at half of the cost.
 * @param what the name of the value in the error
 * @throws ValidationError as `encodeJson`
 */
export const copyJson = (value: unknown, what = 'The value'): Json =>
  codedErrors(what, () => checkPart(value, { what, isCopied: true }, undefined) as Json)

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

/** Returns the canonical JSON of RFC 8785: keys sorted by code units, numbers and strings as in ECMAScript. */
export const canonicalJson = (value: Json): string => finishNow(canonicalJsonInParts(value))

/** A list or an object whose canonical text is being written, in the chain of those that contain it. */
interface Written {
  readonly value: readonly Json[] | { readonly [key: string]: Json }
  /** The sorted keys of an object. */
  readonly keys: readonly string[] | undefined
  readonly container: Written | undefined
  /** The index of the next item or key. */
  next: number
  text: string
}

const itemsPerPart = 256

/** The same in parts: a value of many megabytes takes longer than other work may wait. */
export function* canonicalJsonInParts(value: Json): WorkInParts<string> {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  let written = begin(value, undefined)
  for (let items = 1; ; items++) {
    if (items % itemsPerPart === 0) yield
    const { value: from, keys, container } = written
    const at = written.next++
    if (at === (keys ?? (from as readonly Json[])).length) {
      const text = keys ? `{${written.text}}` : `[${written.text}]`
      if (!container) return text
      container.text += text
      written = container
      continue
    }
    const key = keys?.[at]
    const item = (from as Record<string | number, Json>)[key ?? at] as Json
    if (at > 0) written.text += ','
    if (key !== undefined) written.text += `${JSON.stringify(key)}:`
    if (typeof item === 'string' && item.length > longLength) yield longPart
    if (item === null || typeof item !== 'object') written.text += JSON.stringify(item)
    else written = begin(item, written)
  }
}

const begin = (value: Written['value'], container: Written | undefined): Written => {
  const keys = Array.isArray(value) ? undefined : Object.keys(value).sort()
  return { value, keys, container, next: 0, text: '' }
}

/** Returns the SHA-256 of the canonical JSON as 64 hexadecimal digits. */
export const hashJson = (value: Json): string => hashText(canonicalJson(value))

/** The same in parts. */
export function* hashJsonInParts(value: Json): WorkInParts<string> {
  const text = yield* canonicalJsonInParts(value)
  if (text.length > longLength) yield longPart
  return hashText(text)
}
export const hashText = (text: string | Uint8Array): string => hash('sha256', text)
