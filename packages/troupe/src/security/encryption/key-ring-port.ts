/**
 * The port of the key ring: the keys that wrap the data keys of users, and never leave the ring. The local one holds
 * them in memory; a ring of a key service calls that service.
 */
import type { UserId } from '../../core/index.ts'

/** The data key that is wrapped. The wrapped key is bound to it, so that it cannot be unwrapped as another one. */
export interface KeyContext {
  /** The user; empty for a key of the whole database. */
  readonly user: UserId
  /** The id of the data key. */
  readonly id: string
}

/** A wrapped data key, as it is stored. */
export interface WrappedKey {
  /** The id of the key of the ring that wrapped it. */
  readonly by: string
  /** The wrapped key, in a form that the ring chooses. */
  readonly text: string
}

/** The port of the keys that wrap data keys. */
export interface KeyRing {
  /** The id of the key that wraps from now on. */
  readonly current: string
  /** Wraps a data key with the current key. */
  wrap(keyContext: KeyContext, key: Uint8Array): Promise<WrappedKey>
  /**
   * Unwraps a data key.
   * @throws ValidationError `encryption.key_missing` or `encryption.key_wrong`, naming the id
   */
  unwrap(keyContext: KeyContext, wrapped: WrappedKey): Promise<Uint8Array>
  /** Makes another key the current one. Absent if the ring decides by itself. */
  use?(key: string | EncryptionKey): Promise<void>
  /**
   * Destroys the keys of a user that is being erased, if the ring has keys for single users: then backups cannot be
   * decrypted either. It may be called again after a crash.
   */
  forget?(user: UserId): Promise<void>
}

/** A key of a local key ring. */
export interface EncryptionKey {
  /**
   * The id of the key, stored beside what it wrapped; it is not secret. 1 to 128 letters, digits or one of `. _ : / -`.
   */
  readonly id: string
  /** The 32 bytes of the key, or a function that returns them and is called once. */
  readonly key: KeyMaterial | (() => KeyMaterial | Promise<KeyMaterial>)
}
/** The 32 bytes of a key: as bytes, as 64 hexadecimal digits, or in base64. */
export type KeyMaterial = string | Uint8Array
