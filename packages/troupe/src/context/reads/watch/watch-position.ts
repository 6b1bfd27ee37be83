/**
 * The position of an item of a watch: the revision, the ordinal of the change within it, and for a change of subscriptions,
 * which brings several entries at once, the index of the entry. The same for every reader and every pattern.
 */
import { invalidInput } from '../../../core/index.ts'

export interface WatchPosition {
  readonly revision: number
  /** Absent after a complete revision. */
  readonly ordinal?: number
  readonly index?: number
}

const form = /^(\d{1,15})(?:\.(\d{1,9})(?:\.(\d{1,9}))?)?$/

export const positionText = ({ revision, ordinal, index }: WatchPosition): string =>
  [revision, ordinal, index].filter((part) => part !== undefined).join('.')

/**
 * @param position the position of an item; a number, or its text, is a revision that was seen completely
 * @throws ValidationError for any other value
 */
export function readPosition(position: unknown): WatchPosition {
  if (typeof position === 'number' && Number.isSafeInteger(position) && position >= 0) return { revision: position }
  const found = typeof position === 'string' ? form.exec(position) : null
  if (!found) throw invalidInput('from', 'it is neither a revision nor the position of an item')
  const [revision, ordinal, index] = found.slice(1).map((part) => (part === undefined ? undefined : Number(part)))
  return {
    revision: revision as number,
    ...(ordinal === undefined ? {} : { ordinal }),
    ...(index === undefined ? {} : { index }),
  }
}

/** Returns the newest revision that was seen completely at a position. */
export const wholeRevision = ({ revision, ordinal }: WatchPosition): number =>
  ordinal === undefined ? revision : Math.max(0, revision - 1)

/** Returns whether a reader at a position has seen an item. */
export function isSeen(item: WatchPosition, at: WatchPosition): boolean {
  if (item.revision !== at.revision) return item.revision < at.revision
  if (at.ordinal === undefined) return true
  const ordinal = item.ordinal ?? 0
  if (ordinal !== at.ordinal) return ordinal < at.ordinal
  return (item.index ?? 0) <= (at.index ?? 0)
}
