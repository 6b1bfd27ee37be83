/**
 * The codec that encrypts and decrypts stored content. The modules name their content (`content.ts`), and
 * `wrappers/encrypt-storage.ts` calls the codec. Without encryption there is no codec.
 */
import type { UserId } from '../core/index.ts'
import type { Statement } from './changes/statement.ts'
import type { ValueLocation } from './content.ts'

export interface LocatedValue {
  readonly location: ValueLocation
  readonly text: string
}

export interface EncryptedValues {
  /** In the order of the values. */
  readonly texts: readonly string[]
  /** Statements added at the end of the change; they fail if the key must no longer be used for writing. */
  readonly guards: readonly Statement[]
  /** Reports that the change is durable. */
  committed(): void
}

/** Encrypts and decrypts values; returns synchronously if the user's key is cached. */
export interface Codec {
  /** @throws `user.forgotten` while the user is being erased; `encryption.key_missing` */
  encrypt(user: UserId, values: readonly LocatedValue[]): EncryptedValues | Promise<EncryptedValues>
  /** @throws ProcessingError `encryption.damaged` if the value was altered or moved from another location */
  decrypt(user: UserId, values: readonly LocatedValue[]): readonly string[] | Promise<readonly string[]>
  /** Reports that the guard of a change failed, so the cached keys of the user are outdated. */
  outdated(user: UserId): void
}
