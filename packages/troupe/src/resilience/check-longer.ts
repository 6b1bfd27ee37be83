/** Options that last for a while: what would be over at once says something else than it does. */
import { failure, milliseconds } from '../core/index.ts'

/** @throws ValidationError for what is no duration, or shorter than a millisecond */
export function checkLonger(value: unknown, what: string): number {
  const ms = milliseconds(value, what)
  if (ms >= 1) return ms
  throw failure('validation.failed', { what, problem: 'it must be longer than nothing' })
}
