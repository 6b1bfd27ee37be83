/**
 * A record of the audit log and its leaf in the tree. The leaf has a hash of the record that is keyed with random bytes of the
 * record: after the record is deleted, the leaf reveals nothing and the tree can still be verified.
 */
import { hash } from 'node:crypto'
import type { UserId } from '../../core/index.ts'

/** A record of the audit log: an action, its actor, and whether it was allowed. It never has a value. */
export interface AuditRecord {
  /** The id, which sorts by time. */
  readonly id: string
  /** ms since 1970, of the process that recorded it. */
  readonly at: number
  /** Absent for records of the troupe itself. */
  readonly user?: UserId
  /** The agent's name, `host` for trusted code, `troupe` for itself. */
  readonly actor: string
  /** The id of the API key of the caller. */
  readonly key?: string
  /** A right (`push_context`) or an operation (`run.start`). */
  readonly operation: string
  /** The subject: a key, a recipient, a run. Never a value. */
  readonly resource?: string
  /** False if the action was refused. */
  readonly allowed: boolean
  /** The error code of a rejection. */
  readonly reason?: string
}

/** A record as its row stores it. */
export interface StoredRecord {
  /** Empty for records of the troupe itself. */
  readonly user: UserId
  readonly id: string
  readonly at: number
  readonly actor: string
  readonly key: string | null
  readonly operation: string
  readonly resource: string | null
  readonly allowed: 0 | 1
  readonly reason: string | null
  /** 16 random bytes. */
  readonly nonce: string
  /**
   * The signature by the key of the checkpoints, for a record that explains deleted ones; null for others, and without
   * such a key.
   */
  readonly signature: string | null
}

const storedFields = [
  'user',
  'id',
  'at',
  'actor',
  'key',
  'operation',
  'resource',
  'allowed',
  'reason',
  'nonce',
  'signature',
]
/** Returns whether a record has no field that its digest does not cover. */
export const isCovered = (record: StoredRecord): boolean =>
  Object.keys(record).every((field) => storedFields.includes(field))

export const toRecord = (stored: StoredRecord): AuditRecord => ({
  id: stored.id,
  at: stored.at,
  ...(stored.user === '' ? {} : { user: stored.user }),
  actor: stored.actor,
  ...(stored.key === null ? {} : { key: stored.key }),
  operation: stored.operation,
  ...(stored.resource === null ? {} : { resource: stored.resource }),
  allowed: stored.allowed === 1,
  ...(stored.reason === null ? {} : { reason: stored.reason }),
})

/** SHA-256 in base64url. */
export const recordDigest = (it: StoredRecord): string =>
  hash(
    'sha256',
    JSON.stringify([
      1,
      it.user,
      it.id,
      it.at,
      it.actor,
      it.key,
      it.operation,
      it.resource,
      it.allowed,
      it.reason,
      it.nonce,
      it.signature,
    ]),
    'base64url',
  )

/** The leaf of a record. */
export interface Leaf {
  readonly n: number
  readonly id: string
  /** The mark of the user (`markOf`); empty for records of the troupe. */
  readonly mark: string
  readonly digest: string
}

/** Returns the bytes that are hashed as the leaf. */
export const leafText = ({ n, id, mark, digest }: Leaf): string => `${n}\n${id}\n${mark}\n${digest}`

/** Returns the digest of the numbers of leaves, in order. */
export const leafNumbersDigest = (numbers: readonly number[]): string => hash('sha256', numbers.join(), 'base64url')
