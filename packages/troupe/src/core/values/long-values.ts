/** Estimates how long a value is as JSON, without its text: a long one is handled in macrotasks of its own. */

/** In characters. Below it a value is written, read and copied in less than a millisecond. */
export const longLength = 64 * 1024

/** A value with more levels is rejected when it is stored. */
const maxDepth = 500

export const isLongValue = (value: unknown): boolean => !fitsWithin(value, longLength)

/**
 * Returns whether the value has about `max` characters as JSON, or fewer. A longer one is read only so far. A value that
 * cannot be read, such as a cycle, does not fit: its check rejects it later.
 */
export function fitsWithin(value: unknown, max: number): boolean {
  try {
    return lengthWithin(value, max) !== undefined
  } catch {
    return false
  }
}

/** Returns the length as `fitsWithin` estimates it; undefined if the value does not fit. */
export function lengthWithin(value: unknown, max: number, depth = 0): number | undefined {
  if (typeof value === 'string') return value.length <= max ? value.length + 2 : undefined
  if (typeof value !== 'object' || value === null) return 5
  if (depth > maxDepth) return undefined
  let length = 2
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const own = lengthWithin(value[i], max - length, depth + 1)
      if (own === undefined) return undefined
      length += own + 1
      if (length > max) return undefined
    }
    return length
  }
  for (const key in value) {
    const own = lengthWithin((value as Record<string, unknown>)[key], max - length, depth + 1)
    if (own === undefined) return undefined
    length += own + key.length + 4
    if (length > max) return undefined
  }
  return length
}
