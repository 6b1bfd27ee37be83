/** How long storage keeps what only it needs. */
import { checkOptions, type Duration, failure, milliseconds } from '../../core/index.ts'

export interface StorageRetention {
  /** Ids of changes: a repeat within this time is recognised. 24 h by default. */
  readonly changeIds?: Duration
  /** Items of the change feed: a watcher that was away for longer must resync. 24 h by default. */
  readonly feed?: Duration
  /** Revisions of a user in the feed, at most; 10,000 by default. */
  readonly feedRevisions?: number
  /** Between clean-ups; 1 min by default. */
  readonly every?: Duration
}

export interface RetentionBounds {
  readonly changeIdsMs: number
  readonly feedMs: number
  readonly feedRevisions: number
  readonly everyMs: number
}

/** @throws ValidationError for an unknown option, or a value that is none */
export function retentionBounds(retention: StorageRetention = {}): RetentionBounds {
  checkOptions('retention', retention, ['changeIds', 'feed', 'feedRevisions', 'every'])
  const { feedRevisions = 10_000 } = retention
  if (!Number.isSafeInteger(feedRevisions) || feedRevisions < 1)
    throw failure('validation.failed', { what: 'retention.feedRevisions', problem: 'it must be a whole number from 1' })
  return {
    changeIdsMs: milliseconds(retention.changeIds ?? '24h', 'retention.changeIds'),
    feedMs: milliseconds(retention.feed ?? '24h', 'retention.feed'),
    feedRevisions,
    everyMs: milliseconds(retention.every ?? '1m', 'retention.every', '1ms'),
  }
}
