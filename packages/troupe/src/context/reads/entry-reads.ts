/** How a client reads entries: what is committed, or in a step what its record answers, merged with what it has written. */
import type { Duration, Json, TaintLabel } from '../../core/index.ts'
import type { Entry, ListOptions } from '../context-client.ts'
import type { ListQuery } from './listing.ts'

/** Called when the storage is asked, and not when a record answers: a read is audited once. */
export type OnAsked = () => void

export interface FoundPage<T> {
  readonly items: readonly T[]
  readonly cursor: string | undefined
}

/** What an update begins with. */
export interface CurrentValue {
  readonly value: Json | undefined
  /** 0 where there is no entry. */
  readonly version: number
  readonly taint: readonly TaintLabel[]
  /** True if the writer of the value declared its labels. */
  readonly taintDeclared: boolean
}

export interface EntryReads {
  value(key: string, maxAge: Duration | undefined, asked: OnAsked): Promise<Json | undefined> | Json | undefined
  entry(key: string, asked: OnAsked): Promise<Entry | undefined>
  /** Of distinct keys, in their order. */
  values(keys: readonly string[], asked: OnAsked): Promise<Map<string, Json>>
  list(options: ListOptions, query: ListQuery, asked: OnAsked): Promise<FoundPage<Entry>>
  keys(options: ListOptions, query: ListQuery, asked: OnAsked): Promise<FoundPage<string>>
  /** @throws AccessDeniedError `context.unread` in a retry, for an entry that the agent does not see */
  current(key: string, isRetry: boolean, asked: OnAsked): Promise<CurrentValue>
}
