/** What `createTroupe({ audit })` takes. */
import { checkOptions, type Duration, failure, milliseconds } from '../../core/index.ts'
import { leastRetentionMs } from './audit-tables.ts'
import type { Checkpoint, CheckpointKey } from './verification/checkpoint.ts'

export interface AuditConfig {
  /** Writes that were allowed, each in the change that it made; on by default. Refusals are recorded in any case. */
  readonly writes?: boolean
  /** Reads that were allowed, soon after them; off by default, for there are many, and each is a row. */
  readonly reads?: boolean
  /** Keys of entries by name, or hashed with a secret of the database; `names` by default. */
  readonly keys?: 'names' | 'hashed'
  /** Older records go, and leave their hashes; `365d` by default, `1h` at least. Refusals stay for 24 h at least. */
  readonly retention?: Duration
  /** Signs how far the log has come, so that what is changed behind it is found. */
  readonly checkpoints?: CheckpointConfig
}

export interface CheckpointConfig {
  readonly key: CheckpointKey
  /** A path that lines are added to, a URL that each is posted to, or what takes them. Keep it where the database's owner is not. */
  readonly to: string | ((checkpoint: Checkpoint) => void | Promise<void>)
  /** 5 min by default; and when the troupe closes. */
  readonly every?: Duration
  /**
   * Returns the newest checkpoint that was delivered, where `to` is a URL or a function; of a path its last line is read.
   * A troupe compares it with the log when it opens the database, and emits `audit.rolled-back` if the log does not go on
   * from it.
   */
  readonly last?: () => Checkpoint | undefined | Promise<Checkpoint | undefined>
}

export interface AuditSettings {
  readonly writes: boolean
  readonly reads: boolean
  readonly hashed: boolean
  readonly retentionMs: number
}

const wrong = (what: string, problem: string) => failure('validation.failed', { what, problem })

/** @throws ValidationError `option.unknown`, `validation.failed` */
export function checkCheckpoints(config: CheckpointConfig): CheckpointConfig {
  checkOptions('audit.checkpoints', config, ['key', 'to', 'every', 'last'])
  checkOptions('audit.checkpoints.key', config.key, ['id', 'privateKey'])
  if (typeof config.to !== 'function' && (typeof config.to !== 'string' || config.to === ''))
    throw wrong('audit.checkpoints.to', 'it is a path, a URL or a function')
  if (config.last !== undefined && typeof config.last !== 'function')
    throw wrong('audit.checkpoints.last', 'it is a function')
  return config
}

/** @throws ValidationError `option.unknown`, `validation.failed` */
export function auditSettings(config: AuditConfig = {}): AuditSettings {
  checkOptions('audit', config, ['writes', 'reads', 'keys', 'retention', 'checkpoints'])
  const { writes = true, reads = false, keys = 'names', retention = '365d' } = config
  if (typeof writes !== 'boolean' || typeof reads !== 'boolean')
    throw wrong('audit.writes and audit.reads', 'each is true or false')
  if (keys !== 'names' && keys !== 'hashed') throw wrong('audit.keys', 'it is neither names nor hashed')
  const retentionMs = milliseconds(retention, 'audit.retention')
  if (retentionMs < leastRetentionMs) throw wrong('audit.retention', 'it is 1h at least')
  return { writes, reads, hashed: keys === 'hashed', retentionMs }
}
