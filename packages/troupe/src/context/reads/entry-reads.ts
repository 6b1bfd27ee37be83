/** The reads of a client: committed entries, or in a step the answers of its record merged with its staged writes. */
import type { Duration, Json, TaintLabel } from '../../core/index.ts'
import type { Entry, ListOptions } from '../context-client.ts'
import type { ListQuery } from './listing.ts'

/** Called when the storage is read, and not for an answer of the record, so that a read is audited once. */
export type OnAsked = () => void

export interface FoundPage<T> {
  readonly items: readonly T[]
  readonly cursor: string | undefined
}

/** The value that the function of an update gets. */
export interface CurrentValue {
  readonly value: Json | undefined
  /** The version; 0 without an entry. */
  readonly version: number
  readonly taint: readonly TaintLabel[]
  /** True if the writer of the value declared its labels. */
  readonly taintDeclared: boolean
}

export interface EntryReads {
  value(key: string, maxAge: Duration | undefined, asked: OnAsked): Promise<Json | undefined> | Json | undefined
  entry(key: string, asked: OnAsked): Promise<Entry | undefined>
  /** Returns the entries of distinct keys, in their order. */
  values(keys: readonly string[], asked: OnAsked): Promise<Map<string, Json>>
  list(options: ListOptions, query: ListQuery, asked: OnAsked): Promise<FoundPage<Entry>>
  keys(options: ListOptions, query: ListQuery, asked: OnAsked): Promise<FoundPage<string>>
  /** @throws AccessDeniedError `context.unread` in a retry, for an entry that the agent does not see */
  current(key: string, isRetry: boolean, asked: OnAsked): Promise<CurrentValue>
}
