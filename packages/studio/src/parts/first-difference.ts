/** The first place at which two values differ. */

interface FirstDifference {
  /** The keys that lead to it; empty for the values themselves. */
  readonly path: readonly string[]
  /** Undefined where a value has nothing at that place. */
  readonly before: unknown
  readonly after: unknown
}

/** Returns undefined for equal values. The order of keys makes no difference. */
export function firstDifference(
  before: unknown,
  after: unknown,
  path: readonly string[] = [],
): FirstDifference | undefined {
  if (Object.is(before, after)) return undefined
  if (!isComposite(before) || !isComposite(after) || Array.isArray(before) !== Array.isArray(after))
    return { path, before, after }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const found = firstDifference(before[key], after[key], [...path, key])
    if (found) return found
  }
  return undefined
}

const isComposite = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
