/** Shows any value in the message of an error. */
import { truncateText } from './truncate-text.ts'

/**
 * Returns a short text for any value, for the message of an error. Never throws, and never calls code of the value: an
 * object may have no prototype, a getter that throws, or be a revoked proxy. Of a text, the first 300 characters are given.
 */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > longest ? `${truncateText(value, longest)}… (${value.length} characters)` : value
    case 'bigint':
      return `${value}n`
    case 'function':
      return 'a function'
    case 'object':
      return value === null ? 'null' : isList(value) ? 'a list' : 'an object'
    default:
      return String(value)
  }
}

/** `Array.isArray`, which a revoked proxy cannot make throw. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

const longest = 300
