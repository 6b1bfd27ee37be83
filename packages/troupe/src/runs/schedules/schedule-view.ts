/** What a schedule shows. */
import type { Duration } from '../../core/index.ts'
import type { Overlap } from './schedule-spec.ts'
import type { ScheduleProblem, ScheduleRow, ScheduleState } from './schedule-store.ts'
import type { Misfire } from './schedule-times.ts'
import { comingTimes } from './schedule-times.ts'

export interface Schedule {
  readonly id: string
  readonly state: ScheduleState
  /** ISO text. */
  readonly createdAt: string
  /** Present if the schedule names a registered team. */
  readonly team?: string
  /** Present if the schedule names a registered agent. */
  readonly agent?: string
  /** The names of its agents, if the schedule has a definition. */
  readonly agents?: readonly string[]
  readonly tags: readonly string[]
  readonly at?: string
  readonly in?: Duration
  readonly every?: string
  readonly timeZone?: string
  readonly onContext?: { readonly pattern: string; readonly topics?: readonly string[] }
  readonly onMessage?: { readonly type: string; readonly to: string }
  readonly misfire: Misfire
  readonly overlap: Overlap
  /** The coming times as ISO text, five at most; none while it is paused. */
  readonly next: readonly string[]
  /** Occasions that have not begun a run yet. */
  readonly waiting: number
  readonly lastRun?: { readonly id: string; readonly at: string }
  /**
   * The id of the API key or page session by which it was made or resumed last, or `token:USER:END` of a token that ends
   * at END, in seconds since 1970; absent where the application did. The schedule pauses when that has ended.
   */
  readonly apiKey?: string
  /** Why what is due begins no run. */
  readonly problem?: ScheduleProblem
}

const shown = 5

export function scheduleView(row: ScheduleRow & { readonly now: number }): Schedule {
  const { id, state, spec, waiting, lastRun, lastAt, problem } = row
  const { team, agent, topology, timing, tags, misfire, overlap, onMessage } = spec
  const definition = spec.definition as Pick<Schedule, 'at' | 'in' | 'every' | 'timeZone' | 'onContext'>
  const times =
    timing && state === 'active' && row.due !== null ? [row.due, ...comingTimes(timing, row.due, shown - 1)] : []
  return {
    id,
    state,
    createdAt: new Date(row.createdAt).toISOString(),
    ...(team === undefined ? {} : { team }),
    ...(agent === undefined ? {} : { agent }),
    ...(topology ? { agents: topology.agents } : {}),
    tags,
    ...definition,
    ...(onMessage ? { onMessage } : {}),
    misfire,
    overlap,
    next: times.map((time) => new Date(time).toISOString()),
    waiting,
    ...(lastRun === null ? {} : { lastRun: { id: lastRun, at: new Date(lastAt ?? 0).toISOString() } }),
    ...(row.apiKey === null ? {} : { apiKey: row.apiKey }),
    ...(problem ? { problem } : {}),
  }
}
