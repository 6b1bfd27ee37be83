/** Large values: stored once per user, referred to by a keyed hash, and deleted with their last owner. */
import type { UserId } from '../../core/index.ts'
import type { Statement } from '../changes/statement.ts'

/** The size in bytes of JSON above which a value is stored separately. */
export const largeBytes = 256 * 1024

/** A stored value: its JSON text, or a reference if the text is over 256 KB. */
export type ValueRef = { readonly json: string } | { readonly blob: string; readonly bytes: number }

export interface Blobs {
  /**
   * Prepares a value for storing.
   * @param owner the record that refers to the value, e.g. `entry:KEY@3` or `journal:ID`; `release` with this owner
   * releases the value
   * @returns the value or reference to store, and the statements that must be in the same change
   * @throws ValidationError over 8 MB
   */
  store(
    user: UserId,
    owner: string,
    json: string,
  ): { readonly value: ValueRef; readonly statements: readonly Statement[] }
  /** Adds another owner to a stored value. The change must also ensure that the value still has an owner. */
  share(user: UserId, owner: string, value: ValueRef): readonly Statement[]
  /** Returns the JSON text of the value. */
  load(user: UserId, value: ValueRef): Promise<string>
  release(user: UserId, owner: string): readonly Statement[]
  /**
   * Returns a keyed hash of a text, for lookups without the text itself. Equal texts of one user have equal hashes;
   * hashes of different users differ. With encryption on, guesses cannot be tested with the database alone.
   */
  mark(user: UserId, text: string): string
}
