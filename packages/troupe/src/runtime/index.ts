/** A troupe, put together. */

export type { AgentHandle } from './agent-handle.ts'
export { AgentPool } from './agent-pool.ts'
export { AnswerQuestion, type TakeAnswersOptions } from './answer-desk.ts'
export { absentDatabase, backupTo, type RestoreOptions, restore, storageOf, verifyBackup } from './backups.ts'
export type { CassetteConfig } from './cassette-file.ts'
export { declared, type ModelsConfig, type TroupeConfig, withOrigins } from './config.ts'
export { codeProblem } from './configuration/code-problem.ts'
export type { Origin } from './configuration/found.ts'
export {
  type DeploymentConfig,
  defineConfig,
  type LoadConfigOptions,
  type LoadedConfig,
  loadConfig,
  type Team,
} from './configuration/load-config.ts'
export type { ServerConfig } from './configuration/server-config.ts'
export { type ShownSetting, secretsOf, showConfig, shownPlace } from './configuration/show-config.ts'
export { createTroupe } from './create-troupe.ts'
export { checkIds, entryOf, isAttestable } from './doctor/catalogue.ts'
export type { Checkup, DoctorAnswer, DoctorCheck, DoctorConfig, DoctorStatus } from './doctor/check.ts'
export { type DoctorOptions, examineConfig, examineProject, pendingSteps } from './doctor/doctor.ts'
export { type DoctorReport, type DoctorResult, joined as joinedReports } from './doctor/examine.ts'
export { guideChecklists } from './doctor/guide-lines.ts'
export type { Drained, DrainOptions } from './drain-parts.ts'
export { EpisodicMemory, type EpisodicMemoryConfig } from './episodic-memory.ts'
export { handleSignals } from './handle-signals.ts'
export { HealthMonitor } from './health-monitor.ts'
export type { LiveConfig } from './live/live-settings.ts'
export type { ChangedSetting, ReconfigureOptions } from './live/reconfigure.ts'
export { LlmAgent } from './llm-agent.ts'
export { LoadTester } from './load-tester.ts'
export { MetricsCollector } from './metrics-collector.ts'
export type {
  AlertsConfig,
  AlertTarget,
  HealthConfig,
  ObservationConfig,
  TracesConfig,
} from './observation-config.ts'
export type { TroupeParts } from './parts.ts'
export { BatchProcessor, CircuitBreaker, LastGood, Pool, RateLimiter } from './policies.ts'
export type { PoliciesConfig } from './policies-config.ts'
export { postgresFromEnvironment } from './postgres-from-environment.ts'
export type { SecretCommand, SecretFiles, SecretsConfig } from './secrets/open-secrets.ts'
export type { SignalOptions } from './signals.ts'
export { migrations } from './tables.ts'
export { type NamedTeam, registered, teamOf } from './team-of.ts'
export type { Audit } from './troupe.ts'
export { partsOf, type Troupe } from './troupe.ts'
export type { AgentMemory, User } from './user.ts'
export { type VerifyAuditOptions, verifyAudit } from './verify-audit.ts'
export type { Versions } from './versions.ts'
export { createEgress } from './ways-out.ts'
