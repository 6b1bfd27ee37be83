/** The configuration of the audit log, and its checks. */
import type { KeyObject } from 'node:crypto'
import { checkOptions, type Duration, invalidInput, milliseconds } from '../../core/index.ts'
import { leastRetentionMs } from './schema/audit-tables.ts'
import { auditVerifier, type Checkpoint, type CheckpointKey } from './verification/checkpoint.ts'

/** The option `audit` of `createTroupe`. */
export interface AuditConfig {
  /** Records allowed writes, each in the change that it made; true by default. Refusals are always recorded. */
  readonly writes?: boolean
  /** Records allowed reads, soon after them; false by default, since each is a row. */
  readonly reads?: boolean
  /** How entry keys are recorded: by name, or hashed with a secret of the database; `names` by default. */
  readonly keys?: 'names' | 'hashed'
  /**
   * The age at which records are deleted; their hashes stay. `365d` by default, `1h` at least. Refusals stay for 24 h
   * at least.
   */
  readonly retention?: Duration
  /** Signs the log at intervals, so that a later change of it is found. None by default. */
  readonly checkpoints?: CheckpointConfig
}

/** Options of the checkpoints of the audit log. */
export interface CheckpointConfig {
  /** The key that signs the checkpoints. */
  readonly key: CheckpointKey
  /**
   * The public Ed25519 keys that signed before `key`, as PEM of SPKI or KeyObjects; none by default. `audit.verify` then
   * also accepts their checkpoints, and what they signed before the first checkpoint of `key`.
   */
  readonly retired?: readonly (string | KeyObject)[]
  /**
   * The destination of checkpoints: the path of a file to which lines are added, a URL to which each is posted, or a
   * function. Choose one that the owner of the database cannot change.
   */
  readonly to: string | ((checkpoint: Checkpoint) => void | Promise<void>)
  /** The pause between two checkpoints; 5 min by default. Another one is made when the troupe closes. */
  readonly every?: Duration
  /**
   * Returns the newest checkpoint that was delivered, if `to` is a URL or a function; of a path, the last line is read.
   * A troupe compares it with the log when it opens the database, and emits `audit.rolled-back` if the log does not
   * continue it.
   */
  readonly last?: () => Checkpoint | undefined | Promise<Checkpoint | undefined>
}

export interface AuditSettings {
  readonly writes: boolean
  readonly reads: boolean
  readonly hashed: boolean
  readonly retentionMs: number
}

/** @throws ValidationError `option.unknown`, `validation.failed` */
export function checkCheckpoints(config: CheckpointConfig): CheckpointConfig {
  checkOptions('audit.checkpoints', config, ['key', 'retired', 'to', 'every', 'last'])
  checkOptions('audit.checkpoints.key', config.key, ['id', 'privateKey'])
  if (typeof config.to !== 'function' && (typeof config.to !== 'string' || config.to === ''))
    throw invalidInput('audit.checkpoints.to', 'it must be a path, a URL or a function')
  if (config.retired !== undefined && !Array.isArray(config.retired))
    throw invalidInput('audit.checkpoints.retired', 'it must be a list of public keys')
  auditVerifier(config.retired ?? [])
  if (config.last !== undefined && typeof config.last !== 'function')
    throw invalidInput('audit.checkpoints.last', 'it must be a function')
  return config
}

/** @throws ValidationError `option.unknown`, `validation.failed` */
export function auditSettings(config: AuditConfig = {}): AuditSettings {
  checkOptions('audit', config, ['writes', 'reads', 'keys', 'retention', 'checkpoints'])
  const { writes = true, reads = false, keys = 'names', retention = '365d' } = config
  if (typeof writes !== 'boolean' || typeof reads !== 'boolean')
    throw invalidInput('audit.writes and audit.reads', 'each is true or false')
  if (keys !== 'names' && keys !== 'hashed') throw invalidInput('audit.keys', 'it must be names or hashed')
  const retentionMs = milliseconds(retention, 'audit.retention')
  if (retentionMs < leastRetentionMs) throw invalidInput('audit.retention', 'it must be at least 1h')
  return { writes, reads, hashed: keys === 'hashed', retentionMs }
}
