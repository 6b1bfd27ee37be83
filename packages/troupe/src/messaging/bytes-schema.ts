/**
 * Bytes in messages. They are stored as base64, and the envelope has their paths, so that every receiver gets bytes and no text is
 * mistaken for bytes. Only a declared schema accepts them.
 */

// The schema library of the built-in tools; with another library, declare `Uint8Array` in it.
import { z } from 'zod'
import { checkOptions, failure, invalidInput, type Json } from '../core/index.ts'

/** The path of bytes in a payload. */
export type BytesPath = readonly (string | number)[]

/**
 * Returns the schema of a `Uint8Array`, alone or inside a zod object.
 * @param options.max the highest number of bytes; the limit of a message (8 MB as base64) by default
 * @example const Scan = defineMessage('scan', z.object({ page: z.int(), image: bytesSchema({ max: 1_000_000 }) }))
 */
export function bytesSchema(options: { readonly max?: number } = {}): z.ZodType<Uint8Array, Uint8Array> {
  checkOptions('bytesSchema', options, ['max'])
  const { max = Number.POSITIVE_INFINITY } = options
  if (!(typeof max === 'number' && max >= 0)) throw invalidInput('max', 'it must be a number of bytes')
  const some = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'it must be a Uint8Array')
  return some.refine((value) => value.byteLength <= max, `it has at most ${max} bytes`)
}

const isPlain = (value: object) =>
  Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)

/** Returns a copy in which each byte array is replaced; other values that are not JSON stay unchanged. */
export function replaceBytes(value: unknown, by: (bytes: Uint8Array, path: BytesPath) => string): unknown {
  const open = new Set<object>()
  const copy = (at: unknown, path: BytesPath): unknown => {
    if (at instanceof Uint8Array) return by(at, path)
    if (typeof at !== 'object' || at === null || open.has(at) || !isPlain(at)) return at
    open.add(at)
    const copied = Array.isArray(at)
      ? at.map((item, i) => copy(item, [...path, i]))
      : Object.fromEntries(Object.entries(at).map(([key, item]) => [key, copy(item, [...path, key])]))
    open.delete(at)
    return copied
  }
  return copy(value, [])
}

/** Returns the value for `encodeJson` and the paths of the bytes. */
export function withoutBytes(value: unknown): { readonly value: unknown; readonly paths: readonly BytesPath[] } {
  const paths: BytesPath[] = []
  const rest = replaceBytes(value, (found, path) => {
    paths.push(path)
    return Buffer.from(found.buffer, found.byteOffset, found.byteLength).toString('base64')
  })
  return { value: rest, paths }
}

/** Restores the bytes in place, because `payload` was just decoded and is not shared. */
export function withBytes(payload: Json, paths: readonly BytesPath[] = []): Json {
  const root = { payload } as unknown as Record<string, unknown>
  for (const path of paths) {
    let holder = root
    let last: string | number = 'payload'
    for (const next of path) {
      holder = own(holder, last) as Record<string, unknown>
      last = next
    }
    holder[last] = new Uint8Array(Buffer.from(String(own(holder, last)), 'base64'))
  }
  return root.payload as Json
}

function own(holder: unknown, name: string | number): unknown {
  if (typeof holder === 'object' && holder !== null && Object.hasOwn(holder, name))
    return (holder as Record<string, unknown>)[name]
  throw failure('storage.corrupt', { path: 'of the storage', problem: 'the bytes of a message are missing' })
}
