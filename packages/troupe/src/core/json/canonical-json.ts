/** Writes and hashes the canonical JSON of a value, at once or in parts. */
import { createHash, hash } from 'node:crypto'
import { finishNow, longPart, type WorkInParts } from '../time/time-slice.ts'
import type { Json } from '../values/json-value.ts'
import { isLongValue, longLength } from '../values/long-values.ts'

/** Deeper values are written without recursion. */
const maxRecursion = 100

/** Returns the canonical JSON of RFC 8785: keys sorted by code units, numbers and strings as in ECMAScript. */
export const canonicalJson = (value: Json): string => canonicalText(value, 0)

function canonicalText(value: Json, depth: number): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  let text = ''
  if (depth > maxRecursion) {
    finishNow(writeCanonical(value, (piece) => (text += piece)))
    return text
  }
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) text += `${text === '' ? '' : ','}${canonicalText(item, depth + 1)}`
    return `[${text}]`
  }
  const fields = value as { readonly [key: string]: Json }
  for (const key of Object.keys(fields).sort())
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalText(fields[key] as Json, depth + 1)}`
  return `{${text}}`
}

/** A list or an object whose canonical text is being written, in the chain of those that contain it. */
interface Written {
  readonly value: readonly Json[] | { readonly [key: string]: Json }
  /** The sorted keys of an object. */
  readonly keys: readonly string[] | undefined
  readonly container: Written | undefined
  /** The index of the next item or key. */
  next: number
}

const itemsPerPart = 256

/** In parts: a value of many megabytes takes longer than other work may wait. */
function* writeCanonical(value: Json, write: (piece: string) => void): WorkInParts<void> {
  if (value === null || typeof value !== 'object') return write(JSON.stringify(value))
  const begin = (value: Written['value'], container: Written | undefined): Written => {
    write(Array.isArray(value) ? '[' : '{')
    return { value, keys: Array.isArray(value) ? undefined : Object.keys(value).sort(), container, next: 0 }
  }
  let written = begin(value, undefined)
  for (let items = 1; ; items++) {
    if (items % itemsPerPart === 0) yield
    const { value: from, keys, container } = written
    const at = written.next++
    if (at === (keys ?? (from as readonly Json[])).length) {
      write(keys ? '}' : ']')
      if (!container) return
      written = container
      continue
    }
    const key = keys?.[at]
    const item = (from as Record<string | number, Json>)[key ?? at] as Json
    if (at > 0) write(',')
    if (key !== undefined) write(`${JSON.stringify(key)}:`)
    if (typeof item === 'string' && item.length > longLength) yield longPart
    if (item === null || typeof item !== 'object') write(JSON.stringify(item))
    else written = begin(item, written)
  }
}

/** Returns the SHA-256 of the canonical JSON as 64 hexadecimal digits. */
export const hashJson = (value: Json): string => hashText(canonicalJson(value))

/** The same in parts. */
export function* hashJsonInParts(value: Json): WorkInParts<string> {
  if (!isLongValue(value)) return hashJson(value)
  let text = ''
  let long: ReturnType<typeof createHash> | undefined
  yield* writeCanonical(value, (piece) => {
    text += piece
    if (text.length < longLength) return
    long ??= createHash('sha256')
    long.update(text)
    text = ''
  })
  return long ? long.update(text).digest('hex') : hashText(text)
}
export const hashText = (text: string | Uint8Array): string => hash('sha256', text)
