/** The answer to a question as it is at the call: what the caller changes later changes nothing. */
import { encodeJson, isObject, type Json, readable } from '../../core/index.ts'

/**
 * `{ approve, hash, reason: undefined }` says no reason: it is not rejected for that.
 * @throws ValidationError for what JSON cannot hold, or cannot be read
 */
export const copyAnswer = (value: unknown): Json =>
  readable('The answer', () => JSON.parse(encodeJson(omitUndefined(value), 'The answer')) as Json)

const omitUndefined = (value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) : value
