/**
 * A record of the audit log, and what stands for it in the tree. The leaf holds a hash of the record that is keyed with
 * chance of its own: when the record goes, with its user or its retention, the leaf tells nothing and the tree still proves.
 */
import { hash } from 'node:crypto'
import type { UserId } from '../../core/index.ts'

export interface AuditRecord {
  /** Sorts by time. */
  readonly id: string
  /** ms since 1970, of the process that recorded it. */
  readonly at: number
  /** Absent for what the troupe did as a whole. */
  readonly user?: UserId
  /** The agent's name, `host` for trusted code, `troupe` for itself. */
  readonly actor: string
  /** The id of the API key by which it came in. */
  readonly key?: string
  /** A right (`push_context`), or what was done (`run.start`). */
  readonly operation: string
  /** What it was about: a key, a recipient, a run. Never a value. */
  readonly resource?: string
  readonly allowed: boolean
  /** The code of the refusal. */
  readonly reason?: string
}

/** As it stands in its row. */
export interface StoredRecord {
  /** Empty for the troupe's own. */
  readonly user: UserId
  readonly id: string
  readonly at: number
  readonly actor: string
  readonly key: string | null
  readonly operation: string
  readonly resource: string | null
  readonly allowed: 0 | 1
  readonly reason: string | null
  /** 16 bytes of chance. */
  readonly nonce: string
  /** Of a record that excuses missing ones, by the key of the checkpoints; null elsewhere, and without such a key. */
  readonly signature: string | null
}

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

/** What the tree holds of a record. */
export interface Leaf {
  readonly n: number
  readonly id: string
  /** Of the user (`markOf`); empty for the troupe's own. */
  readonly mark: string
  readonly digest: string
}

/** What is hashed as the leaf. */
export const leafText = ({ n, id, mark, digest }: Leaf): string => `${n}\n${id}\n${mark}\n${digest}`

/** Of the numbers of leaves, in their order. */
export const leafNumbersDigest = (numbers: readonly number[]): string => hash('sha256', numbers.join(), 'base64url')
