/** The places at which two values differ. */

export interface Difference {
  /** The keys that lead to it; empty for the values themselves. */
  readonly path: readonly string[]
  /** Undefined where a value has nothing at that place. */
  readonly before: unknown
  readonly after: unknown
}

/** Returns undefined for equal values. The order of keys makes no difference. */
export const firstDifference = (before: unknown, after: unknown): Difference | undefined =>
  differences(before, after, 1)[0]

/** Returns the first places, in the order of the keys. */
export function differences(
  before: unknown,
  after: unknown,
  max: number,
  path: readonly string[] = [],
): readonly Difference[] {
  if (Object.is(before, after)) return []
  if (!isComposite(before) || !isComposite(after) || Array.isArray(before) !== Array.isArray(after))
    return [{ path, before, after }]
  const found: Difference[] = []
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (found.length >= max) break
    found.push(...differences(before[key], after[key], max - found.length, [...path, key]))
  }
  return found
}

const isComposite = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
