/** Two runs side by side: the first event in which they differ, moments and ids of runs aside. */
import { canonicalJson } from '../../core/index.ts'
import type { NumberedEvent } from '../engine/events/run-event.ts'

export interface Comparison {
  readonly identical: boolean
  /** The `seq` of the first event that differs, or that one of them lacks. */
  readonly divergedAt?: number
  /** That event in each; absent in the one that was over before. */
  readonly a?: NumberedEvent
  readonly b?: NumberedEvent
}

export function compareRuns(a: readonly NumberedEvent[], b: readonly NumberedEvent[]): Comparison {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [one, other] = [a[i], b[i]]
    if (one && other && essence(one) === essence(other)) continue
    return { identical: false, divergedAt: i + 1, ...(one ? { a: one } : {}), ...(other ? { b: other } : {}) }
  }
  return { identical: true }
}

/** What a run was forked from and who started it is not part of what happened in it. */
function essence(event: NumberedEvent): string {
  const { at: _, ...rest } = event
  if (rest.type === 'timer.set') return rest.name
  if (rest.type === 'timer.cleared') return `${rest.name} ${rest.remainingMs === undefined}`
  if (rest.type !== 'run.started') return canonicalJson(rest)
  const { more: __, ...pinned } = rest.pinned
  return canonicalJson({ ...rest, pinned })
}
