/** The options of `createTroupe`; `check-config.ts` checks them. */
import type { Agent } from '../agents/index.ts'
import type { ContextLimits, Lifecycle } from '../context/index.ts'
import {
  type Clock,
  checkName,
  checkOptions,
  type Duration,
  invalidInput,
  isObject,
  type Random,
} from '../core/index.ts'
import type { MessagingConfig } from '../messaging/index.ts'
import type {
  BreakerOptions,
  EmbeddingSpec,
  ModelDefaults,
  ModelLimits,
  ModelRegistry,
  Price,
  RerankingSpec,
} from '../models/index.ts'
import type { LimitsConfig, NamedScores, OnlineScoringOptions, SchedulesConfig } from '../runs/index.ts'
import type { SandboxConfig } from '../sandbox/index.ts'
import type {
  AuditConfig,
  EgressOptions,
  EncryptionConfig,
  EncryptionKey,
  PolicyConfig,
  PolicyRule,
  Roles,
  SecretReference,
  SecretText,
  SignatureConfig,
  SigningKey,
} from '../security/index.ts'
import type { Faults, PostgresOptions, StorageRetention } from '../storage/index.ts'
import { type CompiledTopology, defineTopology, type RunConfig, type TopologyForm } from '../topology/index.ts'
import type { CassetteConfig } from './cassette-file.ts'
import type { DoctorConfig } from './doctor/doctor-check.ts'
import type { ObservationConfig } from './observation-config.ts'
import type { PoliciesConfig } from './policies-config.ts'
import type { SecretsConfig } from './secrets/open-secrets.ts'
import type { ServerConfig } from './server-config.ts'
import type { FoundSetting } from './settings/setting-source.ts'

/** A team: a topology with the defaults of its runs, registered under a name. */
export interface Team {
  /** The topology of the runs. */
  readonly topology: TopologyForm
  /** Defaults of the runs. They override those of the topology, and the options of `start` override both. */
  readonly config?: RunConfig
  /** The purpose of the team, for people. */
  readonly description?: string
}

/** The options of `createTroupe`. All but `storage` are optional. */
export interface TroupeConfig extends ObservationConfig {
  /** The policies of calls to agents, tools, models and the storage; none by default. See docs/resilience.md. */
  readonly policies?: PoliciesConfig
  /** The storage: `memory:`, `sqlite:PATH`, `postgres://…`, or the parts of a PostgreSQL URL with further options. */
  readonly storage: SecretText | PostgresStorageConfig
  /**
   * `development` by default. `production` requires `encryption`, and rejects the user `default` and a PostgreSQL role
   * that can read the rows of all users, such as a superuser or the owner of the tables.
   */
  readonly profile?: 'development' | 'test' | 'production'
  /** The agents of runs that this process did not start: such runs continue when the troupe is open. */
  readonly agents?: readonly Agent[]
  /** Teams by the names under which runs are started. Runs that this process did not start find their code here too. */
  readonly teams?: Readonly<Record<string, Team | TopologyForm>>
  /** Defaults of the options of `serve`. */
  readonly server?: ServerConfig
  /** Leases, attempts, capacity and signatures of messages; the defaults are those of `MessagingConfig`. */
  readonly messaging?: MessagingConfig | WithNamedKeys
  /** Roles besides the four predefined ones, or in place of them. */
  readonly roles?: Roles
  /** The presence of workers. */
  readonly presence?: {
    /**
     * The interval of the heartbeats of a worker; 5 s by default. A worker whose process ended is absent after at
     * most twice this time.
     */
    readonly heartbeat?: Duration
  }
  /** The context mesh. */
  readonly context?: {
    /** Limits of the context; the defaults are those of `ContextLimits`. */
    readonly limits?: ContextLimits
    /** Named lifetimes of entries, besides the predefined ones or in place of them. */
    readonly lifecycles?: Readonly<Record<string, Lifecycle>>
    /** The pause between two cleanups of expired entries; 5 min by default. */
    readonly cleanup?: Duration
  }
  /**
   * On PostgreSQL: the time without a heartbeat after which another process may claim the runs of a process; 10 s by
   * default, 1 s at least.
   */
  readonly lease?: Duration
  /** Prices in US dollars per million tokens, by `provider/model`; they override the built-in table. */
  readonly prices?: Readonly<Record<string, Price>>
  /** Context windows in tokens, by `provider/model`, for `memory.compaction.at`; they override the built-in table. */
  readonly contextWindows?: Readonly<Record<string, number>>
  /** The models of agents, and the limits of their calls. */
  readonly models?: ModelsConfig
  /** Replays or records the answers of models and tools, for tests; off by default. */
  readonly cassette?: CassetteConfig
  /** Files in what is stored: messages, records of runs, entries, memories. */
  readonly blobs?: {
    /**
     * The size in bytes from which a file is stored once per user, however many records name it; 8,192 by default,
     * 1,024 at least.
     */
    readonly fileBytes?: number
  }
  /** How long ended runs, journals and other rows are stored; the defaults are those of `Retention`. */
  readonly retention?: Retention
  /** Upper limits of the budget of a run and of a user per day, whatever a caller requests; none by default. */
  readonly limits?: LimitsConfig
  /** The maximal number of schedules of a user, and the functions that make the tasks of their runs. */
  readonly schedules?: SchedulesConfig
  /** Scorers of answers. */
  readonly evaluation?: {
    /** Scorers by name, for evaluations that name one: `score: { named: 'tone' }`. */
    readonly scores?: NamedScores
    /**
     * Scores a share of the runs as they complete: `{ share: 0.1, scorers: { cites: 'citations' } }`. See
     * docs/evaluation.md.
     */
    readonly online?: OnlineScoringOptions
  }
  /** Encrypts what is stored; off by default, required in production. See docs/encryption.md. */
  readonly encryption?:
    | EncryptionConfig
    | {
        /** The keys, or the names of secrets that have them. */
        readonly keys: readonly (EncryptionKey | NamedKey)[]
        /** The id of the key that wraps; that of the last key by default. */
        readonly current?: string
      }
  /** The sources of secrets that are named by `secretRef('DB_PASSWORD')`; `['environment']` by default. */
  readonly secrets?: SecretsConfig
  /** What executes the code of agents, and the limits of code and files. See docs/sandbox.md. */
  readonly sandbox?: SandboxConfig
  /** What the audit log records, its retention, and its signatures. See docs/audit.md. */
  readonly audit?: AuditConfig
  /**
   * The hosts that tools and effects may reach with their `fetch`: by default every public host, in production only
   * those in `allow`. See docs/security.md.
   */
  readonly egress?: EgressOptions
  /**
   * Rules for calls of tools by the labels of their arguments: a list of rules, or an object with `rules` and the
   * decision about outside changes by a step that has read untrusted input and sensitive data. See docs/security.md.
   */
  readonly policy?: PolicyConfig | readonly PolicyRule[]
  /** Rejects the user `default`; true in production, where it cannot be turned off, otherwise false by default. */
  readonly requireUserId?: boolean
  /** The shutdown of the process. */
  readonly shutdown?: {
    /** The time for a drain; 25 s by default, 1 s at least. */
    readonly timeout?: Duration
  }
  /**
   * `resume`: runs of a database that was restored from a backup continue at once. `wait`, the default: they wait for
   * `resumeRestored()`.
   */
  readonly restored?: 'wait' | 'resume'
  /** Drains the troupe and ends the process at SIGTERM and SIGINT, as `handleSignals` does; false by default. */
  readonly signals?: boolean
  /**
   * Sets the log to level `debug`, and lets the command line print stacks of errors; false by default. Rejected in
   * production, and together with `traces: false`.
   */
  readonly debug?: boolean
  /** The clock of all timeouts and times; that of the machine by default. For tests. */
  readonly clock?: Clock
  /** The source of ids and jitter; that of the machine by default. For tests. */
  readonly random?: Random
  /** Injects faults into the storage, for tests. */
  readonly faults?: Faults
  /** Checks of the application and attestations, for `troupe.doctor()`. See docs/doctor.md. */
  readonly doctor?: DoctorConfig
  /** Set by `loadConfig`. */
  readonly [declared]?: Declared
}

/** The key under which a loaded configuration has the sources of its values. */
export const declared: unique symbol = Symbol('declared')

/** The sources of the values of a loaded configuration. */
export interface Declared {
  /** The value and source of each setting, by its path. */
  readonly effectiveValues: ReadonlyMap<string, FoundSetting>
  /** The configuration as it was loaded, if it was opened without its agents. */
  readonly config: TroupeConfig
  /** The troupe was opened by a command to be inspected: this process executes nothing. */
  readonly inspectOnly?: true
}

/** Returns the configuration with the sources of its values. */
export const withOrigins = (
  config: TroupeConfig,
  origins: Omit<Declared, 'config'> & Partial<Pick<Declared, 'config'>>,
): TroupeConfig => ({ ...config, [declared]: { config, ...origins } })

/**
 * A PostgreSQL database, with secrets or references to them. A password that is a reference is requested for each
 * connection.
 */
export type PostgresStorageConfig = Omit<PostgresOptions, PostgresSecret> & {
  readonly [Name in PostgresSecret]?: NonNullable<PostgresOptions[Name]> | SecretReference
}
type PostgresSecret = 'url' | 'password' | 'migrateUrl' | 'listenUrl'
/** A key whose material is a secret. */
interface NamedKey {
  /** The id of the key. */
  readonly id: string
  /** The name of the secret with the key. */
  readonly key: SecretReference
}
type WithNamedKeys = Omit<MessagingConfig, 'signatures'> & {
  /** The signatures of messages, with keys or the names of secrets that have them. */
  readonly signatures: Omit<SignatureConfig, 'keys'> & {
    /** The keys that sign and check. */
    readonly keys: readonly (
      | SigningKey
      | (Omit<SigningKey, 'secret' | 'privateKey'> & { readonly [Name in 'secret' | 'privateKey']?: SecretReference })
    )[]
  }
}

/** How long ended runs and other rows are stored. */
export interface Retention extends StorageRetention {
  /**
   * The retention of the journals of ended runs and steps, for which a run can be replayed and forked; 30 days by
   * default.
   */
  readonly replay?: Duration
  /** The retention of ended runs with their results and usage; 365 days by default, at least `replay`. */
  readonly runs?: Duration
  /** The retention of the metrics that the application records per user, by the minute; 7 days by default. */
  readonly metrics?: Duration
}

/** Returns the part for the storage. @throws ValidationError for an unknown option, of whichever part */
export function storageRetentionOf(retention: Retention): StorageRetention {
  checkOptions('retention', retention, ['replay', 'runs', 'metrics', 'changeIds', 'feed', 'feedRevisions', 'every'])
  const { replay: _, runs: __, metrics: ___, ...storageRetention } = retention
  return storageRetention
}

/** The option `models` of `createTroupe`. It overrides the environment. */
export interface ModelsConfig {
  /**
   * `provider/model` for agents that name none, if the registry has no `default`; `AGENT_MODEL` of the environment by
   * default.
   */
  readonly model?: string
  /** The API key for `model`; `AGENT_API_KEY` of the environment by default. */
  readonly apiKey?: SecretText
  /** API keys by provider, `{ openai: '…' }`; `OPENAI_API_KEY` and its like of the environment by default. */
  readonly keys?: Readonly<Record<string, SecretText>>
  /** Names without a slash for models or chains: `{ fast: 'openai/gpt-5-mini', default: 'fast' }`. */
  readonly registry?: ModelRegistry
  /** Settings for agents that have none; `AGENT_MAX_TOKENS` and `AGENT_TEMPERATURE` of the environment by default. */
  readonly defaults?: ModelDefaults
  /**
   * Limits of calls by `*` (all together), provider or host (each account), or `provider/model`; `AGENT_RATE_LIMIT` of
   * the environment by default.
   */
  readonly limits?: ModelLimits
  /** The circuit breakers of models; the defaults are those of `BreakerOptions`. */
  readonly breaker?: BreakerOptions
  /** The number of attempts of one model before the next model of its chain; 3 by default. */
  readonly attempts?: number
  /** The time without data after which a stream is aborted and retried; 5 min by default. */
  readonly idle?: Duration
  /** The cache of answers, for calls with `cache: true`. */
  readonly cache?: {
    /** The maximal number of cached answers; 1,000 by default, 1,000,000 at most. */
    readonly max?: number
    /** The time for which an answer is cached; 1 h by default. */
    readonly ttl?: Duration
  }
  /** The model that embeds texts for memories and the selection of tools; without one their similarity is lexical. */
  readonly embedding?: EmbeddingSpec
  /** The model that orders what a search in documents or memories has found; without one, the order stays. */
  readonly reranking?: RerankingSpec
}

export const standardFileBytes = 8_192

/** Returns the agents by name. @throws ValidationError for two agents with one name */
export function agentsByName(agents: readonly Agent[]): ReadonlyMap<string, Agent> {
  const byName = new Map<string, Agent>()
  for (const agent of agents) {
    const name = checkName('agent', agent?.name)
    const other = byName.get(name)
    if (other && other !== agent) throw invalidInput('agents', `two agents have the name ${name}`)
    byName.set(name, agent)
  }
  return byName
}

export const compiledTeams = (
  teams: Readonly<Record<string, Team | TopologyForm>>,
): ReadonlyMap<string, CompiledTopology> =>
  new Map(Object.entries(teams).map(([name, team]) => [name, compiledTeam(team)]))

export function compiledTeam(team: Team | TopologyForm): CompiledTopology {
  if (!isObject(team) || !('topology' in team)) return defineTopology(team as TopologyForm)
  checkOptions('A team', team as Team, ['topology', 'config', 'description'])
  const { topology, config } = team as Team
  const { canonical, agents } = defineTopology(topology)
  return defineTopology({ ...canonical, config: { ...canonical.config, ...config } } as TopologyForm, {
    agents: [...agents.values()],
  })
}
