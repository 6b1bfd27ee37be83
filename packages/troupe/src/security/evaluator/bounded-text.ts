/**
 * Returns the JSON text of a value, or undefined if it has none, is longer than a limit or has more than 500 levels. The value comes
 * from others: examining it ends at the limit, so that a larger value costs no more time.
 */
import type { Json } from '../../core/index.ts'

const maxDepth = 500

export const boundedText = (value: Json, maxLength: number): string | undefined => {
  if (leastLength(value, maxLength, 0) > maxLength) return undefined
  const text: string | undefined = JSON.stringify(value)
  return text === undefined || text.length > maxLength ? undefined : text
}

/** Returns at most the length of the text, since escapes are not counted. Ends beyond the limit. */
function leastLength(value: Json, maxLength: number, depth: number): number {
  if (typeof value === 'string') return value.length + 2
  if (typeof value !== 'object' || value === null) return 1
  if (depth > maxDepth) return Number.POSITIVE_INFINITY
  let length = 2
  const add = (item: Json) => {
    length += leastLength(item, maxLength - length, depth + 1)
    return length <= maxLength
  }
  if (Array.isArray(value)) {
    length += Math.max(value.length - 1, 0)
    if (length > maxLength) return length
    value.every(add)
    return length
  }
  // A loop over the keys needs no list of all of them.
  for (const key in value) {
    length += key.length + 3
    if (length > maxLength || !add((value as { readonly [key: string]: Json })[key] as Json)) break
  }
  return length
}
