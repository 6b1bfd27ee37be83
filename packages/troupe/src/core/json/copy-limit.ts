/** Limits the length of the values that one call copies. */
import { failure } from '../errors/failure.ts'

/** The highest length of a stored value as JSON. */
export const maxValueBytes = 8 * 1024 * 1024

/** The highest length of a value as JSON that a record of a run or of a step contains beside its other fields. */
export const maxRecordedBytes = maxValueBytes - 64 * 1024

/** The rest of a limit, so that a value far above it is not copied to its end. */
export interface CopyLimit {
  /**
   * In characters of JSON, of which none has less than a byte. Copies are counted with their fewest: a number has one.
   * Negative: something was too long.
   */
  left: number
}

/** Returns the limit of all values of a call together: 8 MiB as JSON. */
export const copyLimit = (): CopyLimit => ({ left: maxValueBytes })

/**
 * @param text the value as JSON
 * @throws ValidationError `value.too_large` for a value that no record of a run contains
 */
export function checkRecordedLength(text: string, what: string): void {
  const bytes = Buffer.byteLength(text)
  if (bytes > maxRecordedBytes) throw failure('value.too_large', { what, bytes, limit: maxRecordedBytes })
}

/** @param what the name of what was too long */
export const copyLimitError = (what: string) =>
  failure('value.too_large', { what, bytes: `more than ${maxValueBytes}`, limit: maxValueBytes })
