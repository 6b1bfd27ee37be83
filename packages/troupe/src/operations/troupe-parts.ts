/** The parts of an open troupe in groups of at most six. A function names the groups that it uses. */
import type { Agent, createSessions, ExternalServices, Services } from '../agents/index.ts'
import type { OpenedPolicies, RevealedConfig, TroupeConfig } from '../configuration/index.ts'
import type { ContextClient, Mesh } from '../context/index.ts'
import type { Duration, PeriodicTask, Platform, Redactor } from '../core/index.ts'
import type { JournalParts, Recorder, Requests } from '../journal/index.ts'
import type { HaltableWorker, Mailboxes, MessageClient, Presence, Supervision } from '../messaging/index.ts'
import type { Models } from '../models/index.ts'
import type { Log, MetricStore, MetricsCollector, UserMetrics } from '../observability/index.ts'
import type { Cache } from '../resilience/index.ts'
import type { EndedRuns, OnlineScoring, OrchestraHost, ScheduleHost } from '../runs/index.ts'
import type {
  Access,
  ApiKeys,
  AuditLog,
  BoundedEvaluator,
  Callers,
  Erasure,
  Incidents,
  Roles,
  RunningEncryption,
  Secrets,
  TaintGuard,
  ToolPins,
} from '../security/index.ts'
import type { Blobs, OpenedStorage, UnusedBlobs } from '../storage/index.ts'
import type { UnreadResults } from '../tools/index.ts'
import type { CompiledTopology } from '../topology/index.ts'
import type { Gate } from './services/gate.ts'
import type { Observation } from './services/observation.ts'
import type { EgressClient } from './services/open-egress-client.ts'
import type { Restored } from './services/restored.ts'
import type { Sharing } from './services/sharing.ts'
import type { ToolSources } from './services/tool-sources.ts'
import type { Updates } from './updates/updates.ts'

/** The settings that are read while the troupe runs. */
export interface SettingParts {
  readonly storage: RevealedConfig['storage']
  readonly production: boolean
  shutdown: { readonly timeout?: Duration }
  /** The registered agents, by name. */
  readonly agents: ReadonlyMap<string, Agent>
  /** The registered teams, by name. */
  readonly teams: ReadonlyMap<string, CompiledTopology>
  /** The current configuration, which names its secrets and does not contain them. */
  config: TroupeConfig
}

/** The database, and what is stored in it or in memory under a key. */
export interface StoreParts {
  readonly storage: OpenedStorage
  /** The storage without encryption. */
  readonly bare: OpenedStorage
  readonly blobs: Blobs
  /** Deletes the data of files that nothing names any more. */
  readonly unusedBlobs: UnusedBlobs
  /** The results of HTTP requests with an idempotency key. */
  readonly requests: Requests
  /** The results of `user.cached`, in memory. */
  readonly cache: Cache
}

/** The clients of a step: its writes and messages wait for the commit of its turn. */
interface StagedClients {
  readonly context: ContextClient
  readonly messages: MessageClient
  readonly metrics: UserMetrics
}

/** What agents share: the context and the messages. */
export interface CommunicationParts {
  readonly mesh: Mesh
  readonly mailboxes: Mailboxes
  readonly presence: Presence
  /** Creates the clients of a step. `over` is the context client of the step if the recorder belongs to one of its stages. */
  readonly clients: (recorder: Recorder, access: Access, over?: ContextClient) => StagedClients
}

/** What is in progress in this process, and whether more may start. */
export interface WorkParts {
  readonly gate: Gate
  /** The running workers, each with its user. */
  readonly workers: Map<HaltableWorker, string>
  /** The starts in progress. A worker that is up after the troupe has closed stops. */
  readonly starting: Set<Promise<unknown>>
  /** Each supervisor with its user, also after an escalation. */
  readonly supervisions: Map<Supervision, string>
  /** The open servers of the troupe. */
  readonly served: Set<object>
  /** Called when the troupe closes: they remove handlers of this process. */
  readonly cleanups: Set<() => void>
}

/** What executes agents outside of runs. */
export interface AgentParts {
  readonly services: Services
  readonly sessions: ReturnType<typeof createSessions>
}

/**
 * The models and policies of the configuration, whose settings can change. Agents call those of `services`, which an
 * evaluation shares with the enclosing troupe.
 */
export interface ModelParts {
  readonly models: Models
  readonly policies: OpenedPolicies
}

/** Tools and their sources. */
export interface ToolParts {
  readonly toolSources: ToolSources
  readonly toolPins: ToolPins
  readonly evaluator: BoundedEvaluator
  readonly unread: UnreadResults
}

/** Runs and schedules, and their ownership by this process. */
export interface RunParts {
  readonly orchestra: OrchestraHost
  readonly schedules: ScheduleHost
  /** Absent if live runs are not scored. */
  readonly scoring?: OnlineScoring
  readonly endedRuns: EndedRuns
  /** Returns the name under which this process owns runs. */
  readonly holder: () => string
  /** Undefined if no other process can use the storage. */
  readonly sharing: Sharing | undefined
}

/** Access control and the record of actions. */
export interface SecurityParts {
  readonly roles: Roles
  readonly audit: AuditLog
  readonly callers: Callers
  readonly incidents: Incidents
  readonly guard: TaintGuard
  readonly apiKeys: ApiKeys
}

/** What protects data: secrets, encryption and the filter of egress. */
export interface ProtectionParts {
  readonly secrets: Secrets
  readonly redactor: Redactor
  readonly encryption: RunningEncryption
  readonly egressClient: EgressClient
}

/** What reports the work of the troupe. */
export interface ObservabilityParts {
  readonly log: Log
  readonly metrics: MetricsCollector
  readonly metricStore: MetricStore
  readonly observation: Observation
  readonly updates: Updates
}

/** The background work on the stored data. */
export interface MaintenanceParts {
  readonly restored: Restored
  readonly housekeeping: PeriodicTask
  readonly erasure: Erasure
}

export interface TroupeParts {
  readonly platform: Platform
  readonly settings: SettingParts
  readonly stores: StoreParts
  readonly journal: JournalParts
  readonly communication: CommunicationParts
  readonly work: WorkParts
  readonly agents: AgentParts
  readonly models: ModelParts
  readonly tools: ToolParts
  readonly runs: RunParts
  readonly security: SecurityParts
  readonly protection: ProtectionParts
  readonly observability: ObservabilityParts
  readonly maintenance: MaintenanceParts
}

/**
 * What an evaluation troupe shares with the enclosing troupe: models, tools and their policies with their limits, the tool
 * sources with their connections and pins, and the log.
 */
export type SharedServices = ExternalServices & {
  /** Errors of the evaluation are lines of the log of the enclosing troupe. */
  readonly log?: Log
}
