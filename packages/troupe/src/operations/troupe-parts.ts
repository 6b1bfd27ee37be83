/** What a troupe is made of, for whoever works with it within this room. */
import type { Agent, createSessions, Services } from '../agents/index.ts'
import type { OpenedPolicies, RevealedConfig, TroupeConfig } from '../configuration/index.ts'
import type { ContextClient, Mesh } from '../context/index.ts'
import type { Clock, Duration, Events, Ids, Random, Recording, Redactor } from '../core/index.ts'
import type { Inbox, Journals, Recorder, Requests, Steps, Timers } from '../journal/index.ts'
import type { HaltableWorker, Mailboxes, Presence, Supervision } from '../messaging/index.ts'
import type { Models } from '../models/index.ts'
import type { Log, MetricStore, MetricsCollector } from '../observability/index.ts'
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
import type { Blobs, OpenedStorage } from '../storage/index.ts'
import type { UnreadResults } from '../tools/index.ts'
import type { CompiledTopology } from '../topology/index.ts'
import type { Gate } from './services/gate.ts'
import type { Housekeeping } from './services/housekeeping.ts'
import type { Observation } from './services/observation.ts'
import type { EgressClient } from './services/open-egress-client.ts'
import type { Restored } from './services/restored.ts'
import type { Sharing } from './services/sharing.ts'
import type { StagedClients } from './services/staged-clients.ts'
import type { ToolSources } from './services/tool-sources.ts'
import type { Updates } from './updates/updates.ts'

export interface TroupeParts {
  readonly storage: OpenedStorage
  readonly encryption: RunningEncryption
  readonly blobs: Blobs
  readonly apiKeys: ApiKeys
  readonly requests: Requests
  /** What the configuration named, for whoever serves it. */
  readonly settings: {
    readonly storage: RevealedConfig['storage']
    readonly production: boolean
    shutdown: { readonly timeout?: Duration }
    readonly agents: ReadonlyMap<string, Agent>
    readonly teams: ReadonlyMap<string, CompiledTopology>
    /** What holds now, with its secrets by their names. */
    config: TroupeConfig
  }
  /** What changes with its settings while running. */
  readonly live: {
    readonly storage: Pick<OpenedStorage, 'setRetention'>
    readonly journals: Pick<Journals, 'setRetention'>
    readonly models: Models
    readonly policies: OpenedPolicies
  }
  readonly workers: Map<HaltableWorker, string>
  /** Of workers that are not up yet. Where the troupe ends meanwhile they stop by themselves. */
  readonly starting: Set<Promise<unknown>>
  /** Each with its user; those that gave up, too. */
  readonly supervisions: Map<Supervision, string>
  readonly evaluator: BoundedEvaluator
  readonly toolPins: ToolPins
  readonly toolSources: ToolSources
  readonly updates: Updates
  /** Servers of it that are open. */
  readonly served: Set<object>
  readonly erasure: Erasure
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  readonly gate: Gate
  readonly restored: Restored
  /** What this process is watched by on behalf of the troupe; ended with it. */
  readonly cleanups: (() => void)[]
  readonly log: Log
  readonly redactor: Redactor
  readonly secrets: Secrets
  readonly events: Events
  readonly metrics: MetricsCollector
  readonly observation: Observation
  /** What users had answered once. */
  readonly cache: Cache
  readonly roles: Roles
  readonly audit: AuditLog
  readonly callers: Callers
  readonly incidents: Incidents
  readonly egressClient: EgressClient
  readonly guard: TaintGuard
  readonly unread: UnreadResults
  readonly mesh: Mesh
  readonly mailboxes: Mailboxes
  readonly presence: Presence
  readonly services: Services
  readonly inbox: Inbox
  readonly steps: Steps
  readonly timers: Timers
  readonly housekeeping: Housekeeping
  readonly endedRuns: EndedRuns
  readonly orchestra: OrchestraHost
  /** Absent if no live runs are scored. */
  readonly scoring?: OnlineScoring
  readonly schedules: ScheduleHost
  /** The name under which this process holds runs. */
  readonly holder: () => string
  /** Where several processes share the storage. */
  readonly sharing: Sharing | undefined
  readonly sessions: ReturnType<typeof createSessions>
  readonly metricStore: MetricStore
  readonly clients: (recorder: Recorder, access: Access, over?: ContextClient) => StagedClients
}

/**
 * What a troupe within another has from it: limits and breakers of models and tools are theirs together, and so are the
 * connections of tools, with what is pinned of them, and the log.
 */
export type SharedServices = Pick<Services, 'models' | 'policies' | 'toolSources'> & {
  readonly recording?: Recording | undefined
  /** What fails within is a line of the log around it. */
  readonly log?: Log
}
