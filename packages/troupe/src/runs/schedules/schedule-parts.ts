/** What schedules are made of: handed over by the runtime. */
import type { ContextMesh, WrittenEntry } from '../../context/index.ts'
import type { Clock, Events, Ids, Random, UserId } from '../../core/index.ts'
import type { Mailbox } from '../../messaging/index.ts'
import type { Log } from '../../observability/index.ts'
import type { AuditTrail, Callers } from '../../security/index.ts'
import type { Statement, Storage } from '../../storage/index.ts'
import type { CompiledTopology } from '../../topology/index.ts'
import type { StartSpec } from '../engine/starts/start-run.ts'
import type { ScheduleCode } from './schedule-code.ts'
import type { ScheduleStore } from './schedule-store.ts'

export interface ScheduleParts {
  readonly storage: Storage
  readonly store: ScheduleStore
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  readonly events: Events
  readonly log: Log
  readonly code: ScheduleCode
  readonly audit: AuditTrail | undefined
  /** Schedules of one user that have not ended. */
  readonly limit: number
  /**
   * @param also goes before the run's rows in one change
   * @throws with `also` what it expects, and `run.exists`
   */
  readonly start: (user: UserId, spec: StartSpec, also?: readonly Statement[]) => Promise<string>
  /** @throws ValidationError `topology.rejected` */
  readonly check: (spec: Pick<StartSpec, 'task' | 'config'> & { readonly topology: CompiledTopology }) => void
  readonly callers: Pick<Callers, 'grant' | 'taint'>
  /** Whether the API key, session or token by which a schedule was made still opens what is the user's. */
  readonly isGranted: (key: string, user: UserId) => Promise<boolean>
  /** Also where it is not kept any more. */
  readonly isOver: (user: UserId, run: string) => Promise<boolean>
  readonly context: (user: UserId) => ContextMesh
  readonly written: (
    user: UserId,
    after: number,
  ) => Promise<{ readonly entries: readonly WrittenEntry[]; readonly revision: number; readonly lost: boolean }>
  readonly mailbox: (user: UserId, name: string) => Mailbox
}

/** With its length, for a name may hold any character. */
export const scheduleKey = (user: UserId, id: string): string => `${user.length} ${user}${id}`

/** The run of an occasion; ids of schedules and names of occasions hold no `@`. */
export const runOf = (schedule: string, trigger: string): string => `${schedule}@${trigger}`

/** The schedule that may have begun a run; undefined where none has. */
export const scheduleIdOf = (run: string): string | undefined => {
  const at = run.lastIndexOf('@')
  return at > 0 ? run.slice(0, at) : undefined
}

/** Occasions of one schedule that wait; no more are taken in. */
export const maxPendingTriggers = 1_000
/** For which a schedule that has ended is kept. */
export const endedMs = 30 * 86_400_000
