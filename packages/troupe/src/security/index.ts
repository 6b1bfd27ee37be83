/** Security: access control, API keys, the audit log, encryption at rest, policies, and the erasure of users. */
export * from './access.ts'
export {
  type ApiKey,
  ApiKeys,
  type CreatedKey,
  type Grant,
  type KeyOptions,
  type KeyScope,
  type OpenedSession,
  taintOfAgent,
} from './api-keys/index.ts'
export * from './audit/index.ts'
export { auditedEncryption } from './audited-encryption.ts'
export { type Caller, Callers, expressionSource } from './callers.ts'
export { recordConfig } from './config-record.ts'
export * from './egress/index.ts'
export { markOf } from './encryption/data-key-statements.ts'
export type { Encryption, EncryptionStatus, RotateOptions, RunningEncryption } from './encryption/encryption.ts'
export type { EncryptionState, Reencryption } from './encryption/encryption-state.ts'
export * from './encryption/key-ring-port.ts'
export {
  createLocalKeyRing,
  type LocalKeys,
} from './encryption/local-key-ring.ts'
export { nextUser } from './encryption/next-user.ts'
export { type EncryptionConfig, type OpenedEncryption, openEncryption } from './encryption/open-encryption.ts'
export type { ReencryptionResult } from './encryption/reencrypt-users.ts'
export { createErasure, createErasureCheck, type Erasure, type ErasureResult } from './erasure/erasure.ts'
export { BoundedEvaluator, type ChargedWork } from './evaluator/bounded-evaluator.ts'
export { KeyMatcher } from './evaluator/key-matcher.ts'
export {
  checkCron,
  type DueTimes,
  type Misfire,
  nextTime,
  type TimesQuery,
  type Timing,
} from './evaluator/schedule-times.ts'
export * from './incidents.ts'
export { coversOperation, type Operation, type OperationPattern, operations } from './operations.ts'
export { type ToolChange, type ToolForm, ToolPins } from './pins/tool-pins.ts'
export * from './policy/index.ts'
export * from './roles.ts'
export * from './secrets/secret-reference.ts'
export * from './secrets/secret-source.ts'
export { Secrets, type SecretsParts } from './secrets/secrets.ts'
export * from './security-tables.ts'
export * from './signatures/index.ts'
export * from './taint/index.ts'
export * from './validation/index.ts'
