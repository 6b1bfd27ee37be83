/** What the orchestra is made of: handed over by the runtime, the only place that names concrete ones. */
import type { Agent, ChildRunSpec, Services } from '../../agents/index.ts'
import type { ContextClient, Mesh } from '../../context/index.ts'
import type { Clock, Ids, Json, Random, UserId } from '../../core/index.ts'
import type { Inbox, Journals, Recorder, Steps, Timers } from '../../journal/index.ts'
import type { MessageClient } from '../../messaging/index.ts'
import type { Log, UserMetrics } from '../../observability/index.ts'
import type { AuditTrail, Roles } from '../../security/index.ts'
import type { Statement, Storage } from '../../storage/index.ts'
import type { BreakOn, Budgets, CanonicalTopology, CompiledTopology, RunLimits } from '../../topology/index.ts'
import type { NamedScores } from '../evaluation/scorers/score-function.ts'
import type { DailyUsage } from './budgets/daily-usage.ts'
import type { Pools, SharedBudgets } from './budgets/shared-budgets.ts'
import type { Parent } from './children/parent.ts'
import type { RunCommands } from './commands/run-commands.ts'
import type { EventWithPath } from './events/run-event.ts'
import type { RunBudgets } from './execution/run-budgets.ts'
import type { Wakeups } from './ownership/wakeups.ts'
import type { TeamReference } from './starts/resolve-team.ts'
import type { RunSpec } from './starts/run-spec.ts'
import type { EndedRuns } from './store/ended-runs.ts'
import type { RunStore } from './store/run-store.ts'

/** A token, a thought, progress: not stored, may be dropped, followed by the event that holds the whole. */
export type RunLivePart = {
  readonly step: string
  readonly agent: string
  readonly part: Json
  /** Agents that the part is meant for, along edges of type stream. */
  readonly to?: readonly string[]
}

/** What the host does for runs that steps start. */
export interface ChildRuns {
  /** @throws ValidationError `topology.rejected`, with all findings on `error.findings` */
  prepare(spec: ChildRunSpec): RunSpec
  /** The rows of a new run. */
  rows(user: UserId, run: string, spec: RunSpec): readonly Statement[]
  /** The rows of a run that tries again, below another step, one that failed or was stopped. */
  retry(user: UserId, run: string, as: string, parent: Parent, repeat: boolean): Promise<readonly Statement[]>
  /** How many hops a child run has taken. @throws NotFoundError `replay.expired` */
  hopsOf(user: UserId, run: string): Promise<number>
  /** What a run that this step starts may take of the budgets of the run. */
  remaining(user: UserId, run: string, step: string): Promise<RemainingBudget>
  /** Carries a child out here with this code, where it is not over. */
  claim(user: UserId, run: string, agents: ReadonlyMap<string, Agent>, parent: string): Promise<void>
  cancel(user: UserId, run: string): Promise<void>
  /** Cancels what a step has started, and waits for it to stop. */
  cancelOf(user: UserId, stepJournal: string): Promise<void>
  /**
   * Cancels all that the steps of a run have started, and waits for it to stop.
   * @param graceMs how long a step that was told to stop may take; a child run is waited for twice as long
   */
  cancelAll(user: UserId, run: string, graceMs?: number): Promise<void>
}
export interface RemainingBudget {
  /** The runs whose budgets the run draws from. */
  readonly pools: Pools
  readonly depth: number
  /** The limits that hold in the run. */
  readonly budget: Budgets
  /** Where the run stops, and one that it starts too. */
  readonly breakOn: readonly BreakOn[]
}

export interface OrchestraParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  readonly log: Log
  readonly audit?: AuditTrail
  readonly journals: Journals
  readonly endedRuns: EndedRuns
  readonly inbox: Inbox
  readonly timers: Timers
  readonly steps: Steps
  readonly store: RunStore
  readonly commands: RunCommands
  readonly budgets: RunBudgets
  readonly sharedBudgets: SharedBudgets
  /** The ceilings of each run. */
  readonly limits: RunLimits
  /** Absent if no limit per day is configured. */
  readonly dailyUsage?: DailyUsage
  readonly services: Services
  /** That agents may have; absent where nobody checks them. */
  readonly roles?: Roles
  /** The context of users, for what a run had to do with it. */
  readonly mesh: Pick<Mesh, 'agent' | 'host'>
  /** How answers of evaluations are scored, by name. */
  readonly scores: NamedScores
  /** How a team is called, as far as the troupe knows. */
  readonly teamOf: (topology: CanonicalTopology) => string | undefined
  /**
   * @param what the call that names the team
   * @throws ValidationError where it names none or several; NotFoundError `team.unknown`
   */
  readonly resolveTeam: (reference: TeamReference, what: string) => CompiledTopology
  /** Of this release. */
  readonly build: string
  /** Takes out what is known to be secret. */
  readonly redact: (text: string) => string
  /**
   * The staged hands of an agent; `over` are those of the step, where the recorder is of a stage over it, and `within`
   * the rights of who acts for it there.
   */
  readonly clients: (
    recorder: Recorder,
    agent: Agent,
    over?: ContextClient,
    within?: readonly Agent['access'][],
  ) => { readonly context: ContextClient; readonly messages: MessageClient; readonly metrics: UserMetrics }
  /** To observers of the troupe. */
  readonly announce: (user: UserId, run: string, trace: string, event: EventWithPath) => void
  readonly live: (user: UserId, run: string, part: RunLivePart) => void
  readonly children: ChildRuns
  /** A process that is not heard of for so long is given up. */
  readonly leaseMs: number
  /** Returns for how many ms in all this process has been suspended while its runs worked. */
  readonly suspendedMs: () => number
  /** Why nothing may begin or go on yet. */
  readonly gate?: { waiting(what: string): Error | undefined }
  /** The error for what is missing of a user who was forgotten. */
  readonly erasureError?: (user: UserId) => Promise<Error | undefined>
  /** A run stopped here: it is another's now, or nobody's until the storage is well again. */
  readonly onOwnershipLost: (owner: { readonly user: UserId; readonly run: string }, byTakeover: boolean) => void
  /** Due times of this process. */
  readonly wakeups: Wakeups
}
