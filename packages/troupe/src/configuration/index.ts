/** The configuration of a troupe: settings, where each comes from, and the checks before anything opens. */
export { type CassetteConfig, openCassetteFile } from './cassette-file.ts'
export { checkConfig, configProblems, throwProblems } from './check-config.ts'
export { configHashes } from './config-hashes.ts'
export {
  type CheckId,
  checkIds,
  checksById,
  doctorCatalogue,
  entryOf,
  severityOf,
} from './doctor/doctor-catalogue.ts'
export {
  checkDoctor,
  type DoctorAnswer,
  type DoctorCheck,
  type DoctorConfig,
  type DoctorContext,
  type DoctorStatus,
} from './doctor/doctor-check.ts'
export { readEnvironment } from './environment.ts'
export { codeProblem } from './load/code-problem.ts'
export {
  type DeploymentConfig,
  defineConfig,
  type LoadConfigOptions,
  type LoadedConfig,
  loadConfig,
} from './load/load-config.ts'
export {
  type Variables,
  wrongValue,
} from './load/read-variables.ts'
export { redactedStorageUrl, type ShownSetting, secretsOf, showConfig, shownValue } from './load/show-config.ts'
export { contextOptions, modelsOptions } from './models-options.ts'
export {
  type AlertsConfig,
  type AlertTarget,
  type HealthBounds,
  type HealthConfig,
  healthBounds,
  type ObservationConfig,
  rulesOf,
  type TracesConfig,
} from './observation-config.ts'
export { troupeOptions } from './option-shapes.ts'
export { packageFolder } from './package-folder.ts'
export {
  guardedModels,
  guardedStorage,
  type OpenedPolicies,
  openPolicies,
  type PoliciesConfig,
} from './policies-config.ts'
export { postgresFromEnvironment } from './postgres-from-environment.ts'
export { type CleanupTask, cleanupTasksOf, journalRetention, retentionPeriods } from './retention-periods.ts'
export { openSecrets, type SecretCommand, type SecretFiles, type SecretsConfig } from './secrets/open-secrets.ts'
export { type RevealedConfig, revealConfig } from './secrets/reveal-config.ts'
export type { ServerConfig } from './server-config.ts'
export {
  type FoundSetting as EffectiveValue,
  type SettingSource,
  settingSourceText,
} from './settings/setting-source.ts'
export { childrenOf, settingAt } from './settings/settings.ts'
export {
  agentsByName,
  compiledTeams,
  type Declared,
  declared,
  type ModelsConfig,
  type PostgresStorageConfig,
  type Retention,
  standardFileBytes,
  storageRetentionOf,
  type Team,
  type TroupeConfig,
  withOrigins,
} from './troupe-config.ts'
export { unsafeInProduction } from './unsafe-in-production.ts'
