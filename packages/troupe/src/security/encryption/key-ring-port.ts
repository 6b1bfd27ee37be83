/**
 * The key ring: the keys that wrap users' data keys, and never leave it. The local one holds them in memory
 * (`local-key-ring.ts`); one of a key service calls it.
 */
import type { UserId } from '../../core/index.ts'

/** What is wrapped: bound to it, so that a wrapped key opens for nobody else. */
export interface KeyContext {
  /** Empty for what belongs to the whole database. */
  readonly user: UserId
  /** Of the key that is wrapped. */
  readonly id: string
}

export interface WrappedKey {
  /** The id of the key of the ring that wrapped it. */
  readonly by: string
  readonly text: string
}

export interface KeyRing {
  /** The id of the key that wraps from now on. */
  readonly current: string
  wrap(keyContext: KeyContext, key: Uint8Array): Promise<WrappedKey>
  /** @throws ValidationError `encryption.key_missing` or `encryption.key_wrong`, naming the id */
  unwrap(keyContext: KeyContext, wrapped: WrappedKey): Promise<Uint8Array>
  /** Another key wraps from now on. Absent: the ring decides by itself. */
  use?(key: string | EncryptionKey): Promise<void>
  /**
   * The user is forgotten: where the ring has keys of single users, this user's ends here, and with it what backups hold.
   * Called again after a crash.
   */
  forget?(user: UserId): Promise<void>
}

export interface EncryptionKey {
  /** Stored beside what the key has wrapped: it names the key, and is no secret. */
  readonly id: string
  /** 32 bytes: as they are, 64 hexadecimal digits, base64, or what gives them. */
  readonly key: KeyMaterial | (() => KeyMaterial | Promise<KeyMaterial>)
}
export type KeyMaterial = string | Uint8Array
