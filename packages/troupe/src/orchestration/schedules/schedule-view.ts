/** What a schedule shows. */
import type { Duration } from '../../core/index.ts'
import type { Overlap } from './schedule-spec.ts'
import type { Problem, ScheduleRow, ScheduleState } from './schedule-store.ts'
import type { Misfire } from './schedule-times.ts'
import { comingTimes } from './schedule-times.ts'

export interface Schedule {
  readonly id: string
  readonly state: ScheduleState
  /** ISO text. */
  readonly createdAt: string
  /** The name under which it is registered; absent where a definition was given. */
  readonly topology?: string
  /** Of its agents, where a definition was given. */
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
  /** Why what is due begins no run. */
  readonly problem?: Problem
}

const shown = 5

export function scheduleOf(row: ScheduleRow & { readonly now: number }): Schedule {
  const { id, state, spec, waiting, lastRun, lastAt, problem } = row
  const { topology, timing, tags, misfire, overlap, onMessage } = spec
  const given = spec.given as Pick<Schedule, 'at' | 'in' | 'every' | 'timeZone' | 'onContext'>
  const times =
    timing && state === 'active' && row.due !== null ? [row.due, ...comingTimes(timing, row.due, shown - 1)] : []
  return {
    id,
    state,
    createdAt: new Date(row.createdAt).toISOString(),
    ...('name' in topology ? { topology: topology.name } : { agents: topology.agents }),
    tags,
    ...given,
    ...(onMessage ? { onMessage } : {}),
    misfire,
    overlap,
    next: times.map((time) => new Date(time).toISOString()),
    waiting,
    ...(lastRun === null ? {} : { lastRun: { id: lastRun, at: new Date(lastAt ?? 0).toISOString() } }),
    ...(problem ? { problem } : {}),
  }
}
