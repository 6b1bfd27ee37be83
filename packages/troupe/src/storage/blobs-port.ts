/** Large values: kept once per user, referred to by a keyed hash, gone with their last owner. */
import type { UserId } from '../core/index.ts'
import type { Statement } from './statement.ts'

/** A stored value: its JSON text, or where that is over 256 KB a reference to it. */
export type ValueRef = { readonly json: string } | { readonly blob: string; readonly bytes: number }

export interface Blobs {
  /**
   * @param owner who refers to it, e.g. `entry:KEY@3` or `journal:ID`; releasing the owner lets go of the value
   * @returns what to store in place of the value, and the statements that must be in the same change
   * @throws ValidationError over 8 MB
   */
  keep(
    user: UserId,
    owner: string,
    json: string,
  ): { readonly value: ValueRef; readonly statements: readonly Statement[] }
  /** The JSON text. */
  load(user: UserId, value: ValueRef): Promise<string>
  release(user: UserId, owner: string): readonly Statement[]
}
