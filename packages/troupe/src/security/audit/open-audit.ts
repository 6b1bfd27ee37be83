/** Opens the audit log of a storage. */
import { sql } from 'kysely'
import { failure, invalidInput, milliseconds } from '../../core/index.ts'
import { type Storage, templates } from '../../storage/index.ts'
import { type AuditConfig, auditSettings, type CheckpointConfig, checkCheckpoints } from './audit-config.ts'
import { AuditLog, type AuditLogParts } from './audit-log.ts'
import {
  type Checkpoint,
  checkpointSigner,
  excuseSigner,
  publicKeyOf,
  readCheckpoint,
} from './verification/checkpoint.ts'
import type { CheckpointerParts } from './verification/checkpointer.ts'

type DeliverTo = (to: string) => {
  readonly deliver: CheckpointerParts['deliver']
  /** Absent if delivered checkpoints cannot be read. */
  readonly last?: () => Promise<Checkpoint | undefined>
  readonly delivered?: () => Promise<readonly Checkpoint[]>
}

/**
 * @param deliverTo delivers checkpoints if `to` is not a function
 * @throws ValidationError `option.unknown`, `validation.failed`
 */
export async function openAudit(parts: AuditLogParts, config?: AuditConfig, deliverTo?: DeliverTo): Promise<AuditLog> {
  const settings = auditSettings(config)
  const checkpoints = config?.checkpoints && checkpointing(config.checkpoints, deliverTo)
  const secret = await secretOf(parts.storage)
  return new AuditLog(parts, { settings, secret, ...(checkpoints ? { checkpoints } : {}) })
}

function checkpointing(config: NonNullable<AuditConfig['checkpoints']>, deliverTo: DeliverTo | undefined) {
  const { key, retired = [], to, every = '5m', last } = checkCheckpoints(config)
  const everyMs = milliseconds(every, 'audit.checkpoints.every', '1s')
  const target = typeof to === 'function' ? { deliver: to } : deliverTo?.(to)
  if (!target)
    throw invalidInput('audit.checkpoints.to', 'this troupe cannot deliver to a URL or path; pass a function')
  return {
    ...target,
    ...(last ? newestOf(last) : {}),
    everyMs,
    sign: checkpointSigner(key),
    keyId: key.id,
    publicKey: publicKeyOf(key),
    retired,
    signExcuse: excuseSigner(key),
  }
}

/** A wrong answer fails, because a comparison with it would report that the database was rolled back. */
function newestOf(ask: NonNullable<CheckpointConfig['last']>) {
  const last = async () => {
    const found: unknown = await ask()
    return found === undefined ? undefined : readCheckpoint(found, 'audit.checkpoints.last')
  }
  return { last, delivered: async () => [await last()].filter((one) => one !== undefined) }
}

/** The key of the database for hashed keys of entries, so that each process that opens it finds them. */
async function secretOf(storage: Pick<Storage, 'read' | 'dialect'>): Promise<Uint8Array> {
  const query = templates(storage.dialect)<Record<never, never>>(
    () => sql`select value from storage_settings where name = 'secret'`,
  )
  const [rows] = await storage.read({ work: true }, [query({})])
  const value = rows?.[0]?.value
  if (!(value instanceof Uint8Array)) throw failure('invariant.broken', { rule: 'a database has a secret for hashes' })
  return value
}
