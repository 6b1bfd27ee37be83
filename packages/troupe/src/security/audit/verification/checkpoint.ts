/** A checkpoint: the size and the root of the tree, signed with Ed25519 over canonical JSON (RFC 8785). */
import type { KeyObject } from 'node:crypto'
import { createPublicKey } from 'node:crypto'
import { canonicalJson, invalidInput } from '../../../core/index.ts'
import type { SecretReference } from '../../secrets/secret-reference.ts'
import { readyKey } from '../../signatures/signing-key.ts'

/** A key that signs checkpoints. */
export interface CheckpointKey {
  /** The id of the key, which each checkpoint names. */
  readonly id: string
  /** The private Ed25519 key: PEM of PKCS #8, a KeyObject, or the name of a secret with the key. */
  readonly privateKey: string | KeyObject | SecretReference
}

/** The size and the root of the audit log at a time, signed with Ed25519 over canonical JSON (RFC 8785). */
export interface Checkpoint {
  /** The id of the key. */
  readonly key: string
  /** The time of the checkpoint, in ms since 1970. */
  readonly at: number
  /** The number of leaves of the tree. */
  readonly size: number
  /** The root of the tree, in base64url. */
  readonly root: string
  /** The signature, in base64url. */
  readonly signature: string
}

const signedText = ({ key, at, size, root }: Omit<Checkpoint, 'signature'>): string =>
  canonicalJson({ at, key, root, size, type: 'troupe.audit.checkpoint', v: 1 })

export type SignCheckpoint = (tree: { readonly at: number; readonly size: number; readonly root: string }) => Checkpoint

/**
 * A record that explains deleted records (`audit.retire` of an id, `user.forget` of a user's mark) or deleted leaves
 * (`audit.prune`, read by `readPruneExcuse`).
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

/** @throws ValidationError for a value that is not a private Ed25519 key; the error never quotes the key */
export function excuseSigner(key: CheckpointKey): (excuse: Excuse) => string {
  const { sign } = readyKey({ id: key.id, privateKey: key.privateKey as string | KeyObject })
  return (excuse) => String(sign?.(excuseText(excuse)))
}

/** @throws ValidationError for a value that is not a private Ed25519 key; the error never quotes the key */
export function checkpointSigner(key: CheckpointKey): SignCheckpoint {
  // The name of a secret was resolved before.
  const { id, sign } = readyKey({ id: key.id, privateKey: key.privateKey as string | KeyObject })
  return (tree) => {
    const unsigned = { key: id, ...tree }
    return { ...unsigned, signature: String(sign?.(signedText(unsigned))) }
  }
}

/** Returns the public half. The name of a secret was resolved before. */
export const publicKeyOf = ({ privateKey }: CheckpointKey): KeyObject =>
  createPublicKey(privateKey as string | KeyObject)

export interface AuditVerifier {
  readonly isSigned: (checkpoint: Checkpoint) => boolean
  /** @param n the leaf of the record */
  readonly excuses: (excuse: Excuse, signature: string | null, n: number) => boolean
}

/** Keys that do not sign any more. A record that one of them signed excuses others only if its leaf is before `before`. */
export interface RetiredKeys {
  readonly publicKeys: readonly (string | KeyObject)[]
  readonly before: number
}

/** @throws ValidationError for a value that is not an Ed25519 key */
export function auditVerifier(publicKeys: readonly (string | KeyObject)[], retired?: RetiredKeys): AuditVerifier {
  const ready = (keys: readonly (string | KeyObject)[]) =>
    keys.map((key, i) => readyKey({ id: `key-${i}`, publicKey: publicHalf(key) }))
  const [present, earlier] = [ready(publicKeys), ready(retired?.publicKeys ?? [])]
  return {
    isSigned: ({ signature, ...tree }) =>
      [...present, ...earlier].some(({ verify }) => verify(signedText(tree), signature)),
    excuses: (excuse, signature, n) => {
      const keys = n < (retired?.before ?? 0) ? [...present, ...earlier] : present
      return signature !== null && keys.some(({ verify }) => verify(excuseText(excuse), signature))
    },
  }
}

/** Returns the checkpoints and keys of a log. What retired keys signed counts up to the first checkpoint of the present key. */
export function withRetiredKeys(
  { keyId, publicKey, retired }: { keyId: string; publicKey: KeyObject; retired: RetiredKeys['publicKeys'] },
  delivered: readonly Checkpoint[],
) {
  const [present, earlier] = [auditVerifier([publicKey]), auditVerifier(retired)]
  const before = delivered.filter(present.isSigned).reduce((least, { size }) => Math.min(least, size), Infinity)
  return {
    checkpoints: delivered.filter((one) => one.key === keyId || (earlier.isSigned(one) && one.size <= before)),
    publicKeys: [publicKey],
    retired: { publicKeys: retired, before },
  }
}

const publicHalf = (key: string | KeyObject): string | KeyObject =>
  typeof key !== 'string' && key?.type === 'private' ? createPublicKey(key) : key

/** @throws ValidationError for a value that is not a checkpoint */
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
  if (!sound) throw invalidInput(where, 'it is not a checkpoint')
  const { key, at, size, root, signature } = it as Checkpoint
  return { key, at, size, root, signature }
}
