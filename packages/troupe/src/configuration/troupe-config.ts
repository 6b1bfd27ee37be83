/** What `createTroupe` takes; `check-config.ts` says what of it is refused. */
import type { Agent } from '../agents/index.ts'
import type { ContextLimits, Lifecycle } from '../context/index.ts'
import { type Clock, checkName, checkOptions, type Duration, failure, isObject, type Random } from '../core/index.ts'
import type { MessagingConfig } from '../messaging/index.ts'
import type {
  BreakerOptions,
  EmbeddingSpec,
  ModelDefaults,
  ModelLimits,
  ModelRegistry,
  Price,
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
import { type ObservationConfig, observationOptions } from './observation-config.ts'
import type { PoliciesConfig } from './policies-config.ts'
import type { SecretsConfig } from './secrets/open-secrets.ts'
import type { ServerConfig } from './server-config.ts'
import type { FoundSetting } from './settings/setting-source.ts'

/** A team with what its runs are told by default. */
export interface Team {
  readonly topology: TopologyForm
  /** Goes before what the topology itself says; what a run is started with goes before both. */
  readonly config?: RunConfig
  readonly description?: string
}

export interface TroupeConfig extends ObservationConfig {
  /** How calls of agents, tools and models, and of the storage, are guarded. See docs/resilience.md. */
  readonly policies?: PoliciesConfig
  /** `memory:`, `sqlite:PATH`, `postgres://…`, or where a PostgreSQL database is and how it is talked to. */
  readonly storage: SecretText | PostgresStorageConfig
  /**
   * What may be convenient in `development`, the default, is refused in `production`: the scope `default`, and a role of
   * PostgreSQL that could see all users, as a superuser or the owner of the tables could; it needs `encryption`.
   */
  readonly profile?: 'development' | 'test' | 'production'
  /** The code of runs that this process did not start: they go on by themselves once it is open. */
  readonly agents?: readonly Agent[]
  /** Teams by the names under which runs are started; runs that this process did not start find their code here, too. */
  readonly teams?: Readonly<Record<string, Team | TopologyForm>>
  /** What `serve` takes where its own options say nothing. */
  readonly server?: ServerConfig
  readonly messaging?: MessagingConfig | WithNamedKeys
  /** Roles besides the four, or in their place: which of the built-in tools and which powers over others' entries. */
  readonly roles?: Roles
  readonly presence?: { readonly heartbeat?: Duration }
  readonly context?: {
    readonly limits?: ContextLimits
    readonly lifecycles?: Readonly<Record<string, Lifecycle>>
    readonly cleanup?: Duration
  }
  /**
   * On PostgreSQL: for so long a process that is not heard of keeps its runs; then another one carries them on. 10 s by
   * default, 1 s at least.
   */
  readonly lease?: Duration
  /** US dollars per million tokens, by `provider/model`; goes before the table that is built in. */
  readonly prices?: Readonly<Record<string, Price>>
  /** Context windows in tokens, by `provider/model`, for `memory.compaction.at`; they precede the built-in table. */
  readonly contextWindows?: Readonly<Record<string, number>>
  readonly models?: ModelsConfig
  /** Plays what models and tools said once, or records it; for tests. */
  readonly cassette?: CassetteConfig
  readonly retention?: Retention
  /** What a run, and a user in a day, may use at most, whatever a caller asks for; no ceilings by default. */
  readonly limits?: LimitsConfig
  /** How many schedules a user may have, and the functions that make tasks of their runs. */
  readonly schedules?: SchedulesConfig
  /** Scores of answers, for evaluations that name one: `score: { named: 'tone' }`. */
  readonly evaluation?: {
    readonly scores?: NamedScores
    /** Scores a share of the runs as they complete: `{ share: 0.1, scorers: { cites: 'citations' } }`. See docs/evaluation.md. */
    readonly online?: OnlineScoringOptions
  }
  /** Seals what is stored; off by default, required in production. See docs/encryption.md. */
  readonly encryption?:
    | EncryptionConfig
    | { readonly keys: readonly (EncryptionKey | NamedKey)[]; readonly current?: string }
  /** Where secrets that are named, `secret('DB_PASSWORD')`, are looked for; `['environment']` by default. */
  readonly secrets?: SecretsConfig
  /** What executes the code of agents, and how much it and their files may use. See docs/sandbox.md. */
  readonly sandbox?: SandboxConfig
  /** What is recorded of who did what, for how long, and how it is signed. See docs/audit.md. */
  readonly audit?: AuditConfig
  /**
   * Where tools and effects may go with the `fetch` that they are given: every public host by default, in production none
   * that is not in `allow`. See docs/security.md.
   */
  readonly egress?: EgressOptions
  /**
   * What becomes of calls of tools by the labels of what flows into them: a list of rules, or an object with `rules` and what
   * becomes of an outside change that holds untrusted input and sensitive data at once. See docs/security.md.
   */
  readonly policy?: PolicyConfig | readonly PolicyRule[]
  /** Refuses the scope `default`; on in production, where it cannot be turned off. */
  readonly requireUserId?: boolean
  /** How long a drain may take; 25 s by default. */
  readonly shutdown?: { readonly timeout?: Duration }
  /** `resume`: a database that was restored from a backup goes on at once; it waits for `resumeRestored()` by default. */
  readonly restored?: 'wait' | 'resume'
  /** SIGTERM and SIGINT drain the troupe and end the process, as `handleSignals` has it; off by default. */
  readonly signals?: boolean
  /**
   * The log has the level `debug`, and the command line shows stacks of its failures. Refused in production, and together
   * with `traces: false`.
   */
  readonly debug?: boolean
  readonly clock?: Clock
  readonly random?: Random
  /** Lets the storage fail as it may in the world; for tests. */
  readonly faults?: Faults
  /** Checks of one's own, and what a person saw to, for `troupe.doctor()`. See docs/doctor.md. */
  readonly doctor?: DoctorConfig
  /** Set by `loadConfig`. */
  readonly [declared]?: Declared
}

/** Under it a configuration that was loaded says where it is from. */
export const declared: unique symbol = Symbol('declared')

export interface Declared {
  /** By the path of the setting. */
  readonly effectiveValues: ReadonlyMap<string, FoundSetting>
  /** As it was loaded, where it was opened without its agents. */
  readonly config: TroupeConfig
  /** Opened to be looked at by a command: nothing is carried out here. */
  readonly inspectOnly?: true
}

/** The same, saying where it is from. */
export const withOrigins = (
  config: TroupeConfig,
  origins: Omit<Declared, 'config'> & Partial<Pick<Declared, 'config'>>,
): TroupeConfig => ({ ...config, [declared]: { config, ...origins } })

/** PostgreSQL, with secrets as they are or by their names. A password by its name is asked for at each connection. */
export type PostgresStorageConfig = Omit<PostgresOptions, PostgresSecret> & {
  readonly [Name in PostgresSecret]?: NonNullable<PostgresOptions[Name]> | SecretReference
}
type PostgresSecret = 'url' | 'password' | 'migrateUrl' | 'listenUrl'
interface NamedKey {
  readonly id: string
  readonly key: SecretReference
}
type WithNamedKeys = Omit<MessagingConfig, 'signatures'> & {
  readonly signatures: Omit<SignatureConfig, 'keys'> & {
    readonly keys: readonly (
      | SigningKey
      | (Omit<SigningKey, 'secret' | 'privateKey'> & { readonly [Name in 'secret' | 'privateKey']?: SecretReference })
    )[]
  }
}

/** How long what is over is kept. */
export interface Retention extends StorageRetention {
  /** Journals of runs and steps after their end: for so long a run can be replayed and forked. 30 days by default. */
  readonly replay?: Duration
  /** Runs after their end: results, usage and what they are found by. 365 days by default, `replay` at least. */
  readonly runs?: Duration
  /** What is recorded under names of one's own, by the minute; 7 days by default. */
  readonly metrics?: Duration
}

export const storageRetentionOf = ({ replay: _, runs: __, metrics: ___, ...retention }: Retention): StorageRetention =>
  retention

/** What goes before what the environment says. */
export interface ModelsConfig {
  /** `'provider/model'` of agents that name none, where the registry has no `default`; `AGENT_MODEL` else. */
  readonly model?: string
  /** For `model`; `AGENT_API_KEY` else. */
  readonly apiKey?: SecretText
  /** API keys by provider, `{ openai: '…' }`; `OPENAI_API_KEY` and its like else. */
  readonly keys?: Readonly<Record<string, SecretText>>
  /** `{ fast: 'openai/gpt-5-mini', default: 'fast' }`: names without a slash for models or chains. */
  readonly registry?: ModelRegistry
  /** For agents that say nothing themselves; `AGENT_MAX_TOKENS` and `AGENT_TEMPERATURE` else. */
  readonly defaults?: ModelDefaults
  /** By `*` (all together), provider or host (each account), or `provider/model`; `AGENT_RATE_LIMIT` else. */
  readonly limits?: ModelLimits
  readonly breaker?: BreakerOptions
  /** Attempts of one model before the next of its chain; 3 by default. */
  readonly attempts?: number
  /** For so long a stream may say nothing before it is cut, and tried again; 5m by default. */
  readonly idle?: Duration
  /** 1,000 answers for an hour by default. */
  readonly cache?: { readonly max?: number; readonly ttl?: Duration }
  /** Turns texts into vectors for memories and the choice of tools; without one their likeness is lexical. */
  readonly embedding?: EmbeddingSpec
}

/** What createTroupe takes. */
export const troupeOptions: readonly string[] = [
  'storage',
  'profile',
  'agents',
  'teams',
  'server',
  'messaging',
  'roles',
  'presence',
  'context',
  'lease',
  'prices',
  'contextWindows',
  'models',
  'cassette',
  'retention',
  'limits',
  'schedules',
  'evaluation',
  'sandbox',
  'encryption',
  'secrets',
  'audit',
  'egress',
  'policy',
  'requireUserId',
  'shutdown',
  'restored',
  'signals',
  'debug',
  'clock',
  'random',
  'faults',
  'doctor',
  'policies',
  ...observationOptions,
]
/** @throws ValidationError for two agents of one name */
export function agentsByName(agents: readonly Agent[]): ReadonlyMap<string, Agent> {
  const byName = new Map<string, Agent>()
  for (const agent of agents) {
    const name = checkName('agent', agent?.name)
    const other = byName.get(name)
    if (other && other !== agent)
      throw failure('validation.failed', { what: 'agents', problem: `two are called ${name}` })
    byName.set(name, agent)
  }
  return byName
}

export const compiledTeams = (
  teams: Readonly<Record<string, Team | TopologyForm>>,
): ReadonlyMap<string, CompiledTopology> =>
  new Map(Object.entries(teams).map(([name, team]) => [name, compiledTeam(team)]))

function compiledTeam(team: Team | TopologyForm): CompiledTopology {
  if (!isObject(team) || !('topology' in team)) return defineTopology(team as TopologyForm)
  checkOptions('A team', team, ['topology', 'config', 'description'])
  const { topology, config } = team as Team
  const { canonical, agents } = defineTopology(topology)
  return defineTopology({ ...canonical, config: { ...canonical.config, ...config } } as TopologyForm, {
    agents: [...agents.values()],
  })
}
