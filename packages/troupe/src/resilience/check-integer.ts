/** Checks options that are counts. */
import { failure, show } from '../core/index.ts'

/** @throws ValidationError unless the value is a whole number of at least `lowest` */
export function checkInteger(where: string, option: string, value: number, lowest = 1): number {
  if (Number.isSafeInteger(value) && value >= lowest) return value
  throw failure('validation.failed', {
    what: `The option ${option} of ${where}`,
    problem: `it is ${show(value)}, not a whole number from ${lowest}`,
  })
}
