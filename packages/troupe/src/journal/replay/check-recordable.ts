/** Checks that a record can contain an answer, before the answer is added to the record of its step. */
import { failure, maxValueBytes } from '../../core/index.ts'
import type { CallId } from './call-id.ts'

/** The bytes of a record besides the answer and the id of its call, of which a character takes at most six bytes. */
const otherFieldsBytes = 256

/**
 * @param text the answer as JSON
 * @throws ValidationError `value.too_large` for an answer that no record can contain
 */
export function checkRecordable(id: CallId, text: string, what: string): void {
  const bytes = Buffer.byteLength(text)
  const limit = maxValueBytes - 6 * id.length - otherFieldsBytes
  if (bytes > limit) throw failure('value.too_large', { what, bytes, limit })
}
