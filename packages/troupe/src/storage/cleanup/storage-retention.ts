/** Retention of the rows that only storage itself needs. */
import { checkOptions, type Duration, invalidInput, milliseconds } from '../../core/index.ts'

/** The retention of rows that only the storage needs. */
export interface StorageRetention {
  /** The retention of ids of changes: a repeated change is recognised within this time. 24 h by default. */
  readonly changeIds?: Duration
  /**
   * The retention of items of the change feed: a watcher that was disconnected for longer must resync. 24 h by default.
   */
  readonly feed?: Duration
  /** The maximum number of revisions of a user in the feed; 10,000 by default. */
  readonly feedRevisions?: number
  /** The pause between two cleanups; 1 min by default. */
  readonly every?: Duration
}

export interface RetentionBounds {
  readonly changeIdsMs: number
  readonly feedMs: number
  readonly feedRevisions: number
  readonly everyMs: number
}

/** Returns the retention in ms, with defaults. @throws ValidationError for an unknown option or an invalid value */
export function retentionBounds(retention: StorageRetention = {}): RetentionBounds {
  checkOptions('retention', retention, ['changeIds', 'feed', 'feedRevisions', 'every'])
  const { feedRevisions = 10_000 } = retention
  if (!Number.isSafeInteger(feedRevisions) || feedRevisions < 1)
    throw invalidInput('retention.feedRevisions', 'it must be a whole number from 1')
  return {
    changeIdsMs: milliseconds(retention.changeIds ?? '24h', 'retention.changeIds'),
    feedMs: milliseconds(retention.feed ?? '24h', 'retention.feed'),
    feedRevisions,
    everyMs: milliseconds(retention.every ?? '1m', 'retention.every', '1ms'),
  }
}
