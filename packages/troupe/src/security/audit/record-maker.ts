/** Makes the records of the audit log: attributed to their caller, with a nonce, and signed if they excuse others. */
import { createHmac } from 'node:crypto'
import type { Clock, Ids, Random, UserId } from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'
import { markOf } from '../encryption/data-key-statements.ts'
import type { AuditSettings } from './audit-config.ts'
import { recordDigest, type StoredRecord } from './audit-record.ts'
import type { AuditStatements } from './audit-statements.ts'
import type { AuditEntry } from './audit-trail.ts'
import type { AuditedCalls } from './audited-calls.ts'
import { type Excuse, excusingOperations } from './verification/checkpoint.ts'

export interface RecordMakerParts {
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  readonly settings: Pick<AuditSettings, 'hashed'>
  /** The secret with which keys of entries are hashed. */
  readonly secret: Uint8Array
  readonly checkpoints?: { readonly signExcuse: (excuse: Excuse) => string }
}

export class RecordMaker {
  readonly #parts: RecordMakerParts
  readonly #calls: Pick<AuditedCalls, 'attribute'>
  readonly #statements: Pick<AuditStatements, 'record' | 'pending'>
  #chance: Uint8Array = new Uint8Array(0)
  #drawn = 0

  constructor(
    parts: RecordMakerParts,
    calls: Pick<AuditedCalls, 'attribute'>,
    statements: Pick<AuditStatements, 'record' | 'pending'>,
  ) {
    this.#parts = parts
    this.#calls = calls
    this.#statements = statements
  }

  /** Stores the record, and has it wait for its leaf. */
  statements(stored: StoredRecord): readonly Statement[] {
    const mark = stored.user === '' ? '' : markOf(stored.user)
    return [
      this.#statements.record(stored),
      this.#statements.pending({ id: stored.id, mark, digest: recordDigest(stored) }),
    ]
  }

  make(user: UserId, auditEntry: AuditEntry, allowed = true, reason?: string): StoredRecord {
    const { operation, entry, resource = null } = auditEntry
    const [id, at] = [this.#parts.ids.next(), Math.floor(this.#parts.clock.now())]
    const excuses = user === '' && excusingOperations.includes(operation)
    const signature = excuses ? this.#parts.checkpoints?.signExcuse({ id, at, operation, resource }) : undefined
    return {
      user,
      id,
      at,
      ...this.#calls.attribute(auditEntry),
      operation,
      resource: entry === undefined ? resource : this.named(entry),
      allowed: allowed ? 1 : 0,
      reason: reason ?? null,
      nonce: this.#nonce(),
      signature: signature ?? null,
    }
  }

  /** The key of an entry as the log holds it: hashed if the log is configured so. */
  named(entry: string): string {
    const { settings, secret } = this.#parts
    return settings.hashed ? `#${createHmac('sha256', secret).update(entry).digest('base64url').slice(0, 22)}` : entry
  }

  /** Nonces are drawn for many records at once, since a call of the random source costs more than the rest. */
  #nonce(): string {
    if (this.#drawn === this.#chance.length) {
      this.#chance = this.#parts.random.bytes(16 * 64)
      this.#drawn = 0
    }
    this.#drawn += 16
    return Buffer.from(this.#chance.subarray(this.#drawn - 16, this.#drawn)).toString('base64url')
  }
}
