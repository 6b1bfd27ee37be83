/** Large values: kept once per user, referred to by a keyed hash, gone with their last owner. */
import type { UserId } from '../core/index.ts'
import type { Statement } from './changes/statement.ts'

/** Above it a value is stored apart, in bytes of its JSON. */
export const largeBytes = 256 * 1024

/** A stored value: its JSON text, or where that is over 256 KB a reference to it. */
export type ValueRef = { readonly json: string } | { readonly blob: string; readonly bytes: number }

export interface Blobs {
  /**
   * @param owner who refers to it, e.g. `entry:KEY@3` or `journal:ID`; releasing the owner lets go of the value
   * @returns what to store in place of the value, and the statements that must be in the same change
   * @throws ValidationError over 8 MB
   */
  store(
    user: UserId,
    owner: string,
    json: string,
  ): { readonly value: ValueRef; readonly statements: readonly Statement[] }
  /** Another owner of a value that is stored already: in a change that makes sure that an owner of it still is one. */
  share(user: UserId, owner: string, value: ValueRef): readonly Statement[]
  /** The JSON text. */
  load(user: UserId, value: ValueRef): Promise<string>
  release(user: UserId, owner: string): readonly Statement[]
  /**
   * What stands for a text where it is to be found by and not to be read: alike for equal texts of one user alone. Only with
   * encryption on does it need more than the database to try guesses.
   */
  mark(user: UserId, text: string): string
}
