/** Operating a troupe: doctor, health, backups, audit verification, live settings, versions. */

export type { ApprovalListOptions, OpenApproval, UserApproval } from './approvals/approval.ts'
export { Approvals } from './approvals/approvals.ts'
export { listApprovals } from './approvals/list-approvals.ts'
export { type DoctorOptions, doctorOf, examineConfig, examineProject, pendingSteps } from './doctor/doctor.ts'
export { type DoctorReport, type DoctorResult, joined as joinedReports } from './doctor/examine.ts'
export { registerChecks } from './health-checks.ts'
export type { LiveConfig } from './live/live-settings.ts'
export { type ChangedSetting, type ReconfigureOptions, reconfigure } from './live/reconfigure.ts'
export {
  absentDatabase,
  backupTo,
  type RestoreBackupOptions,
  restoreBackup,
  storageOf,
  verifyBackup,
} from './restore-backup.ts'
export { Gate } from './services/gate.ts'
export { createHousekeeping } from './services/housekeeping.ts'
export { type MissingModelKey, missingModelKeys, registeredAgents } from './services/model-keys.ts'
export { createAgentAlertSink, Observation } from './services/observation.ts'
export { createEgress, type EgressClient, openEgressClient } from './services/open-egress-client.ts'
export { Restored } from './services/restored.ts'
export { share } from './services/sharing.ts'
export { requireMetrics, stagedMetrics } from './services/staged-metrics.ts'
export { ToolSources } from './services/tool-sources.ts'
export type {
  AgentParts,
  CommunicationParts,
  MaintenanceParts,
  ModelParts,
  ObservabilityParts,
  ProtectionParts,
  RunParts,
  SecurityParts,
  SharedServices,
  StoreParts,
  ToolParts,
  TroupeParts,
  WorkParts,
} from './troupe-parts.ts'
export { migrations, userTables } from './troupe-tables.ts'
export type { UpdateBatch } from './updates/pending-updates.ts'
export type { ListUpdate } from './updates/update.ts'
export { Updates } from './updates/updates.ts'
export { checkpointsOf, marksOfUsers, type VerifyAuditOptions, verifyAudit } from './verify-audit.ts'
export { type Versions, versionsOf } from './versions.ts'
