/** A checkpoint: how many leaves the tree had and what its root was, signed with Ed25519 over canonical JSON (RFC 8785). */
import type { KeyObject } from 'node:crypto'
import { createPublicKey } from 'node:crypto'
import { canonicalJson, failure } from '../../../core/index.ts'
import type { SecretReference } from '../../secrets/secret-reference.ts'
import { readyKey } from '../../signatures/signing-key.ts'

export interface CheckpointKey {
  readonly id: string
  /** Ed25519, as PEM of PKCS #8, a KeyObject, or the name of a secret that is one. */
  readonly privateKey: string | KeyObject | SecretReference
}

export interface Checkpoint {
  /** The id of the key. */
  readonly key: string
  /** ms since 1970. */
  readonly at: number
  readonly size: number
  /** base64url */
  readonly root: string
  /** base64url */
  readonly signature: string
}

const signedText = ({ key, at, size, root }: Omit<Checkpoint, 'signature'>): string =>
  canonicalJson({ at, key, root, size, type: 'troupe.audit.checkpoint', v: 1 })

export type SignCheckpoint = (tree: { readonly at: number; readonly size: number; readonly root: string }) => Checkpoint

/**
 * A record that says why others are gone: `audit.retire` of an id, `user.forget` of a user's mark; or why leaves are:
 * `audit.prune` of what `readPruneExcuse` reads.
 */
export interface Excuse {
  readonly id: string
  /** ms since 1970. */
  readonly at: number
  readonly operation: string
  readonly resource: string | null
}

export const excusingOperations: readonly string[] = ['audit.retire', 'audit.prune', 'user.forget']

const excuseText = ({ id, at, operation, resource }: Excuse): string =>
  canonicalJson({ at, id, operation, resource, type: 'troupe.audit.excuse', v: 1 })

/** @throws ValidationError for what is no private Ed25519 key; never with anything of the key */
export function excuseSigner(key: CheckpointKey): (excuse: Excuse) => string {
  const { sign } = readyKey({ id: key.id, privateKey: key.privateKey as string | KeyObject })
  return (excuse) => String(sign?.(excuseText(excuse)))
}

/** @throws ValidationError for what is no private Ed25519 key; never with anything of the key */
export function checkpointSigner(key: CheckpointKey): SignCheckpoint {
  // A secret was looked up before.
  const { id, sign } = readyKey({ id: key.id, privateKey: key.privateKey as string | KeyObject })
  return (tree) => {
    const unsigned = { key: id, ...tree }
    return { ...unsigned, signature: String(sign?.(signedText(unsigned))) }
  }
}

export interface AuditVerifier {
  readonly isSigned: (checkpoint: Checkpoint) => boolean
  readonly excuses: (excuse: Excuse, signature: string | null) => boolean
}

/** @throws ValidationError for what is no Ed25519 key */
export function auditVerifier(publicKeys: readonly (string | KeyObject)[]): AuditVerifier {
  const keys = publicKeys.map((key, i) => readyKey({ id: `key-${i}`, publicKey: publicHalf(key) }))
  return {
    isSigned: (checkpoint) => keys.some(({ verify }) => verify(signedText(checkpoint), checkpoint.signature)),
    excuses: (excuse, signature) =>
      signature !== null && keys.some(({ verify }) => verify(excuseText(excuse), signature)),
  }
}
const publicHalf = (key: string | KeyObject): string | KeyObject =>
  typeof key !== 'string' && key?.type === 'private' ? createPublicKey(key) : key

/** @throws ValidationError for what is no checkpoint */
export function readCheckpoint(value: unknown, where: string): Checkpoint {
  const it = value as Partial<Checkpoint> | null
  const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0
  const sound =
    typeof it === 'object' &&
    it !== null &&
    typeof it.key === 'string' &&
    typeof it.root === 'string' &&
    typeof it.signature === 'string' &&
    isCount(it.at) &&
    isCount(it.size)
  if (!sound) throw failure('validation.failed', { what: where, problem: 'it is not a checkpoint' })
  const { key, at, size, root, signature } = it as Checkpoint
  return { key, at, size, root, signature }
}
