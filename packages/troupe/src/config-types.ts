/** The namespace `Config`: types of what `createTroupe`, `loadConfig` and `handleSignals` are given. */
export type {
  AlertsConfig,
  AlertTarget,
  CassetteConfig,
  DeploymentConfig,
  DoctorConfig,
  EffectiveValue,
  HealthConfig,
  LoadConfigOptions,
  LoadedConfig,
  ModelsConfig,
  ObservationConfig,
  PoliciesConfig,
  PostgresStorageConfig,
  Retention,
  SecretCommand,
  SecretFiles,
  SecretsConfig,
  ServerConfig,
  Team,
  TracesConfig,
  Variables,
} from './configuration/index.ts'
export type { Cancel, EventContext, FetchPort, MatchedName } from './core/index.ts'
export type { MessagingConfig } from './messaging/index.ts'
export type {
  BreakerOptions as ModelBreakerOptions,
  CallLimits,
  CassetteMode,
  CompatibleModel,
  ConfiguredModel,
  EmbeddingSpec,
  ModelDefaults,
  ModelLimits,
  ModelRegistry,
  ModelSpec,
  ModelTarget,
  Price,
  RerankingSpec,
} from './models/index.ts'
export type { Log, LogConfig, LogFields, LogLevel, LogSink, OtlpConfig, Webhook } from './observability/index.ts'
export type { PoliciesByName } from './resilience/index.ts'
export type { DailyLimits, LimitsConfig, SchedulesConfig } from './runs/index.ts'
export type {
  AuditConfig,
  CheckpointConfig,
  CheckpointKey,
  EncryptionConfig,
  LocalKeys,
  PolicyConfig,
  PolicyOutcome,
  PolicyRule,
  Power,
  Role,
  Roles,
  SecretReference,
  SecretSource,
  SecretText,
  SecretValue,
  SignatureConfig,
} from './security/index.ts'
export type { SignalOptions } from './startup/index.ts'
export type { PostgresOptions } from './storage/index.ts'
