/**
 * The codec of values at rest: what turns content into what is stored, and back. The rooms name what is content
 * (`content.ts`), `encrypted-storage.ts` asks the codec. The plain one is to have none.
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
  /** Go with the change, after its own: they fail where the key is not to be written under any more. */
  readonly guards: readonly Statement[]
  /** The change is durable. */
  committed(): void
}

/** Answers at once where the user's key is at hand. */
export interface Codec {
  /** @throws `user.erased` while the user is being forgotten; `encryption.key_missing` */
  encrypt(user: UserId, values: readonly LocatedValue[]): EncryptedValues | Promise<EncryptedValues>
  /** @throws ProcessingError `encryption.damaged` for what was changed, or moved from another place */
  decrypt(user: UserId, values: readonly LocatedValue[]): readonly string[] | Promise<readonly string[]>
  /** The guard of a change failed: what is known of the user's keys is old. */
  outdated(user: UserId): void
}
