/** Options that count things. */
import { failure, show } from '../core/index.ts'

/** @throws ValidationError for what is no whole number from `lowest` */
export function checkInteger(where: string, option: string, value: number, lowest = 1): number {
  if (Number.isSafeInteger(value) && value >= lowest) return value
  throw failure('validation.failed', {
    what: `The option ${option} of ${where}`,
    problem: `it is ${show(value)}, not a whole number from ${lowest}`,
  })
}
