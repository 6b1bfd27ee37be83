/**
 * Matches keys with a pattern. The thread of the evaluator matches the pattern of a caller. The main thread matches one of
 * the application in slices, and compares plain patterns.
 */
import { TimeSlice } from '../../core/index.ts'
import type { Pattern } from '../entries/pattern.ts'
import type { MeshCore } from '../mesh-core.ts'

/** The keys of one request to the thread. */
const chunk = 500

/**
 * @param source the author of the pattern; undefined for the application
 * @returns the keys that match
 * @throws CapacityError `capacity.exceeded` if the thread ended
 */
export async function matchKeys(
  { clock, patterns }: Pick<MeshCore, 'clock' | 'patterns'>,
  source: string | undefined,
  pattern: Pattern,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const matched = new Set<string>()
  // A comparison with the head saves most requests of a watch.
  const candidates = [...new Set(keys)].filter((key) => key.startsWith(pattern.head))
  if (source === undefined || pattern.plain || !patterns) {
    const slice = new TimeSlice(clock)
    for (const key of candidates) {
      if (slice.isOver) await slice.renew()
      if (pattern.matches(key)) matched.add(key)
    }
    return matched
  }
  for (let i = 0; i < candidates.length; i += chunk)
    for (const key of await patterns.matching(source, pattern.text, candidates.slice(i, i + chunk))) matched.add(key)
  return matched
}
