/** A schedule, as its readers see it. */
import type { Duration } from '../../core/index.ts'
import type { Misfire } from '../../security/index.ts'
import type { Overlap } from './schedule-spec.ts'
import type { ScheduleProblem, ScheduleRow, ScheduleState } from './schedule-store.ts'

/** A schedule, as `user.schedules` returns it. */
export interface Schedule {
  /** The id. */
  readonly id: string
  /** The state. */
  readonly state: ScheduleState
  /** The time of the creation, as ISO 8601 text. */
  readonly createdAt: string
  /** Present if the schedule names a registered team. */
  readonly team?: string
  /** Present if the schedule names a registered agent. */
  readonly agent?: string
  /** The names of its agents, if the schedule has a definition. */
  readonly agents?: readonly string[]
  /** The tags of each run, besides `schedule:ID`. */
  readonly tags: readonly string[]
  /** The time of its only run, as it was given. */
  readonly at?: string
  /** The delay of its only run, as it was given. */
  readonly in?: Duration
  /** The cron text or interval, as it was given. */
  readonly every?: string
  /** The time zone, as it was given. */
  readonly timeZone?: string
  /** The entries whose writes start runs. */
  readonly onContext?: {
    /** The pattern of the keys. */
    readonly pattern: string
    /** The topics; absent for all. */
    readonly topics?: readonly string[]
  }
  /** The messages that start runs. */
  readonly onMessage?: {
    /** The name of the message type. */
    readonly type: string
    /** The name of the mailbox. */
    readonly to: string
  }
  /** The runs for missed times. */
  readonly misfire: Misfire
  /** The behaviour if an earlier run is open. */
  readonly overlap: Overlap
  /** The next times as ISO 8601 text, at most five; empty while the schedule is paused. */
  readonly next: readonly string[]
  /** The number of triggers that have not started a run yet. */
  readonly waiting: number
  /** The last run; absent before the first one. */
  readonly lastRun?: {
    /** The id of the run. */
    readonly id: string
    /** The time at which it was started, as ISO 8601 text. */
    readonly at: string
  }
  /**
   * The id of the API key or page session by which it was created or resumed last, or `token:USER:END` for a token that
   * ends at END, in seconds since 1970; absent if the application did. The schedule is paused when that key, session or
   * token has ended.
   */
  readonly apiKey?: string
  /** Why a due trigger starts no run; absent if there is no problem. */
  readonly problem?: ScheduleProblem
}

export function scheduleView(row: ScheduleRow): Schedule {
  const { id, state, spec, waiting, lastRun, lastAt, problem } = row
  const { team, agent, topology, tags, misfire, overlap, onMessage } = spec
  const definition = spec.definition as Pick<Schedule, 'at' | 'in' | 'every' | 'timeZone' | 'onContext'>
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
    next: (state === 'active' ? row.coming : []).map((time) => new Date(time).toISOString()),
    waiting,
    ...(lastRun === null ? {} : { lastRun: { id: lastRun, at: new Date(lastAt ?? 0).toISOString() } }),
    ...(row.apiKey === null ? {} : { apiKey: row.apiKey }),
    ...(problem ? { problem } : {}),
  }
}
