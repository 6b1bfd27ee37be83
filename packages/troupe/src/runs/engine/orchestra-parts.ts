/** The dependencies of the orchestra. Startup provides them and is the only module that names implementations. */
import type { Agent, ChildRunSpec, Services } from '../../agents/index.ts'
import type { ContextClient, Mesh } from '../../context/index.ts'
import type { Json, LastReturn, Platform, UserId } from '../../core/index.ts'
import type { JournalParts, Recorder } from '../../journal/index.ts'
import type { Mailboxes, MessageClient } from '../../messaging/index.ts'
import type { Log, UserMetrics } from '../../observability/index.ts'
import type { AuditTrail } from '../../security/index.ts'
import type { Statement, Storage } from '../../storage/index.ts'
import type {
  BreakOn,
  Budgets,
  CanonicalTopology,
  CheckContext,
  CompiledTopology,
  RunLimits,
} from '../../topology/index.ts'
import type { NamedScores } from '../evaluation/scorers/score-function.ts'
import type { DailyUsage } from './budgets/daily-usage.ts'
import type { Pools, SharedBudgets } from './budgets/shared-budgets.ts'
import type { Parent } from './children/parent.ts'
import type { RunCommands } from './commands/run-commands.ts'
import type { AnnouncedEvent } from './events/run-event.ts'
import type { RunTrace } from './events/run-trace.ts'
import type { RunBudgets } from './execution/run-budgets.ts'
import type { Wakeups } from './ownership/wakeups.ts'
import type { RunCallers } from './starts/of-caller.ts'
import type { TeamReference } from './starts/resolve-team.ts'
import type { RunSpec } from './starts/run-spec.ts'
import type { EndedRuns } from './store/ended-runs.ts'
import type { RunStore } from './store/run-store.ts'
import type { RunThreads } from './threads/run-threads.ts'

/** A token, reasoning or progress. It is not stored and can be lost; a later event has the complete value. */
export type RunLivePart = {
  /** The id of the step, as in events. */
  readonly step: string
  /** The name of the agent that executes the step. */
  readonly agent: string
  /** The content, such as new text (`{ type: 'text-delta', delta }`) or progress that the agent reports. */
  readonly part: Json
  /** The agents that receive the part along edges of type stream. */
  readonly to?: readonly string[]
}

/** Child runs, as the host provides them to steps. */
export interface ChildRuns {
  /** @throws ValidationError `topology.rejected`, with all findings on `error.findings` */
  prepare(spec: ChildRunSpec): RunSpec
  /** Returns the statements that create the run. @returns announce reports the events of the start when they are durable */
  create(
    user: UserId,
    run: string,
    spec: RunSpec,
  ): { readonly statements: readonly Statement[]; readonly announce: () => void }
  /** Returns the statements of a child run that retries a failed or cancelled one under another step. */
  retry(user: UserId, run: string, as: string, parent: Parent, repeat: boolean): Promise<readonly Statement[]>
  /** Returns the number of hops of a child run. @throws NotFoundError `replay.expired` */
  hopsOf(user: UserId, run: string): Promise<number>
  /** Returns the part of the run's budgets that a child run of the step can reserve. */
  remaining(user: UserId, run: string, step: string): Promise<RemainingBudget>
  /** Executes an open child run in this process with this code. */
  claim(user: UserId, run: string, agents: ReadonlyMap<string, Agent>, parent: string): Promise<void>
  cancel(user: UserId, run: string): Promise<void>
  /** Cancels the child runs of a step and waits until they have stopped. */
  cancelOf(user: UserId, run: string, step: string): Promise<void>
  /**
   * Cancels all child runs of a run and waits until they have stopped.
   * @param graceMs the time in ms that a cancelled step may take; a child run gets twice as long
   */
  cancelAll(user: UserId, run: string, graceMs?: number): Promise<void>
}
export interface RemainingBudget {
  /** The runs whose budgets the run uses. */
  readonly pools: Pools
  readonly depth: number
  /** The limits that hold in the run. */
  readonly budget: Budgets
  /** The breakpoints of the run and of its child runs. */
  readonly breakOn: readonly BreakOn[]
}

/** The storage, and what the engine stores in it. */
export interface RunStores {
  readonly storage: Storage
  readonly store: RunStore
  readonly commands: RunCommands
  readonly budgets: RunBudgets
  readonly sharedBudgets: SharedBudgets
  readonly endedRuns: EndedRuns
  readonly threads: RunThreads
}

/** The services with which teams are checked. */
export interface TeamCheckContext extends CheckContext {
  /**
   * By the first agent of a team, the last such team without errors: its agents, and all else that the check reads, as
   * text. Most runs of a team start with the same.
   */
  readonly accepted: WeakMap<Agent, { readonly agents: ReadonlyMap<string, Agent>; readonly text: string }>
}

/** The agents of runs, and what their steps use. */
export interface RunAgents {
  readonly services: Services
  readonly checkContext: TeamCheckContext
  /** The callers on whose behalf runs start and work. */
  readonly callers: RunCallers
  /** The context of users, for the entries that a run has read and written. */
  readonly mesh: Pick<Mesh, 'agent' | 'host'>
  /** The mailboxes of users, for the ends of the messages that a run has sent. */
  readonly mailboxes: Pick<Mailboxes, 'endsOf'>
  /**
   * Creates the staged clients of an agent. `over` are the clients of the step if the recorder belongs to one of its stages,
   * and `within` are the rights of the agents that act for it there.
   */
  readonly clients: (
    recorder: Recorder,
    agent: Agent,
    over?: ContextClient,
    within?: readonly Agent['access'][],
  ) => { readonly context: ContextClient; readonly messages: MessageClient; readonly metrics: UserMetrics }
  /** Returns the registered name of a team, if it has one. */
  readonly teamOf: (topology: CanonicalTopology) => string | undefined
  /**
   * @param what the call that names the team
   * @throws ValidationError if the call names no team or several; NotFoundError `team.unknown`
   */
  readonly resolveTeam: (reference: TeamReference, what: string) => CompiledTopology
}

/** What bounds runs. */
export interface RunSettings {
  /** The upper limits of each run. */
  readonly limits: RunLimits
  /** Absent if no limit per day is configured. */
  readonly dailyUsage?: DailyUsage
  /** The scorers of evaluations, by name. */
  readonly scores: NamedScores
  /** The time in ms without a sign of life after which other processes take over the runs of a process. */
  readonly leaseMs: number
  /** Returns why no work may start or continue yet. */
  readonly gate?: { waiting(what: string): Error | undefined }
  /** The version of this release. */
  readonly build: string
}

/** What the runs of this process report to their host. */
export interface RunHostPorts {
  /** Emits an event to the observers of the troupe. */
  readonly announce: (user: UserId, run: string, trace: RunTrace, event: AnnouncedEvent) => void
  readonly live: (user: UserId, run: string, part: RunLivePart) => void
  readonly children: ChildRuns
  /** Returns for how many ms in all this process has been suspended while its runs worked. */
  readonly suspendedMs: () => number
  readonly lastReturn: LastReturn
  /** Called when this process loses a run to another process or to a storage error. */
  readonly onOwnershipLost: (owner: { readonly user: UserId; readonly run: string }, byTakeover: boolean) => void
  /** The timers of this process. */
  readonly wakeups: Wakeups
}

/** What records and explains the work of runs. */
export interface RunReporting {
  readonly log: Log
  readonly audit?: AuditTrail
  /** Removes known secrets from a text. */
  readonly redact: (text: string) => string
  /** Returns the error for data that is missing because the user was erased. */
  readonly erasureError?: (user: UserId) => Promise<Error | undefined>
}

/** A function names the groups that it uses. */
export interface OrchestraParts {
  readonly platform: Platform
  readonly journal: JournalParts
  readonly stores: RunStores
  readonly agents: RunAgents
  readonly settings: RunSettings
  readonly host: RunHostPorts
  readonly reporting: RunReporting
}
