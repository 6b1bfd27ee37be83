/** Checks options that are counts. */
import { invalidInput, show } from '../core/index.ts'

/** @throws ValidationError unless the value is a whole number within the bounds */
export function checkInteger(
  where: string,
  option: string,
  value: number,
  lowest = 1,
  highest = Number.MAX_SAFE_INTEGER,
): number {
  const to = highest === Number.MAX_SAFE_INTEGER ? '' : ` to ${highest}`
  if (Number.isSafeInteger(value) && value >= lowest && value <= highest) return value
  throw invalidInput(`The option ${option} of ${where}`, `it is ${show(value)}, not a whole number from ${lowest}${to}`)
}
