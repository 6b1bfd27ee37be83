/** The dependencies of schedules, which startup provides. */
import type { ContextMesh, WrittenEntry } from '../../context/index.ts'
import type { Platform, UserId } from '../../core/index.ts'
import type { Mailbox } from '../../messaging/index.ts'
import type { Log } from '../../observability/index.ts'
import type { AuditTrail, BoundedEvaluator, Callers } from '../../security/index.ts'
import type { Statement, Storage } from '../../storage/index.ts'
import type { CompiledTopology } from '../../topology/index.ts'
import type { StartSpec } from '../engine/starts/start-run.ts'
import type { ScheduleCode } from './schedule-code.ts'
import type { ScheduleStore } from './schedule-store.ts'

/** How schedules start runs and follow them. */
interface ScheduledRuns {
  /**
   * @param also statements before the run's rows in the same change
   * @throws the expectations of `also`, and `run.exists`
   */
  readonly start: (user: UserId, spec: StartSpec, also?: readonly Statement[]) => Promise<string>
  /** @throws ValidationError `topology.rejected` */
  readonly check: (spec: Pick<StartSpec, 'task' | 'config'> & { readonly topology: CompiledTopology }) => void
  /** Returns whether a run of the schedule has not ended: of a time, a change, a message or a call of `trigger`. */
  readonly isAnyOpen: (user: UserId, schedule: string) => Promise<boolean>
}

/** The sources that trigger schedules. */
export interface TriggerSources {
  /** The times of a schedule, computed where the author of its cron text allows it. */
  readonly times: BoundedEvaluator['times']
  readonly context: (user: UserId) => ContextMesh
  readonly written: (
    user: UserId,
    after: number,
  ) => Promise<{ readonly entries: readonly WrittenEntry[]; readonly revision: number; readonly lost: boolean }>
  /** Returns the keys that match a pattern, evaluated where its author allows it. */
  readonly matching: (
    author: string | undefined,
    pattern: string,
    keys: readonly string[],
  ) => Promise<ReadonlySet<string>>
  readonly mailbox: (user: UserId, name: string) => Mailbox
}

/** The rights of a schedule's creator, and the record of changes. */
export interface ScheduleAccess {
  readonly callers: Pick<Callers, 'grant' | 'sourceFor' | 'taint' | 'withinRun'>
  /** Returns true if the API key, session or token that created a schedule still has access to the user. */
  readonly isGranted: (key: string, user: UserId) => Promise<boolean>
  readonly audit: AuditTrail | undefined
}

interface ScheduleSettings {
  readonly code: ScheduleCode
  /** The highest number of schedules of one user that have not ended. */
  readonly limit: number
  readonly log: Log
}

export interface ScheduleParts {
  readonly platform: Platform
  readonly stores: { readonly storage: Storage; readonly store: ScheduleStore }
  readonly runs: ScheduledRuns
  readonly sources: TriggerSources
  readonly access: ScheduleAccess
  readonly settings: ScheduleSettings
}

/** Returns the id of a trigger's run; ids of schedules and names of triggers have no `@`. */
export const runOf = (schedule: string, trigger: string): string => `${schedule}@${trigger}`

/** Returns the schedule that may have started a run; undefined if none has. */
export const scheduleIdOf = (run: string): string | undefined => {
  const at = run.lastIndexOf('@')
  return at > 0 ? run.slice(0, at) : undefined
}

/** The highest number of waiting triggers of one schedule. */
export const maxPendingTriggers = 1_000
/** The retention in ms of an ended schedule. */
export const endedMs = 30 * 86_400_000
