/** Compares two runs: finds the first event that differs, except for times and ids of runs. */
import { canonicalJson } from '../../core/index.ts'
import type { NumberedEvent } from '../engine/events/run-event.ts'
import type { StepUsage } from '../machine/machine-events.ts'

/** The first difference of two runs. */
export interface Comparison {
  /** True if the events of both runs are equal apart from times. */
  readonly identical: boolean
  /** The `seq` of the first event that differs or that one run does not have; absent if they are identical. */
  readonly divergedAt?: number
  /** The event of the first run; absent if it ended before. */
  readonly a?: NumberedEvent
  /** The event of the second run; absent if it ended before. */
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

/** The source of a fork, the usage by model of shared steps, the thread and the principal that started the run are not compared. */
function essence(event: NumberedEvent): string {
  const { at: _, ...rest } = event
  if (rest.type === 'timer.set') return rest.name
  if (rest.type === 'timer.cleared') return `${rest.name} ${rest.remainingMs === undefined}`
  if ('usage' in rest && rest.usage) {
    const { models: _, ...usage } = rest.usage as StepUsage
    return canonicalJson({ ...rest, usage })
  }
  if (rest.type !== 'run.started') return canonicalJson(rest)
  const { more: __, thread: ___, ...pinned } = rest.pinned
  return canonicalJson({ ...rest, pinned })
}
