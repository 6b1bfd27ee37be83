/** Copies the answer to a question, so that a later change by the caller has no effect. */
import { copyJson, isObject, type Json, readable } from '../../core/index.ts'

/**
 * `reason: undefined` in `{ approve, hash, reason }` counts as no reason and is not rejected.
 * @throws ValidationError for a value that is not JSON or cannot be read
 */
export const copyAnswer = (value: unknown): Json =>
  readable('The answer', () => copyJson(omitUndefined(value), 'The answer'))

const omitUndefined = (value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) : value
