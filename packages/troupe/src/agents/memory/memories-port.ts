/** The stored memories of a user: items with their origin and their taint labels. */
import type { Json, Provenance, TaintLabel, UserId } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'

/** An item to store in a memory of a user. */
export interface NewMemory {
  /** The id. An item with the same id in the same memory is replaced, and its version rises by one. */
  readonly id: string
  /** The content: a text, or any JSON. */
  readonly content: Json
  /** The importance: the item with the lowest priority is removed first when the capacity is exceeded. */
  readonly priority: number
  /** The name of the agent whose memory it is. */
  readonly agent: string
  /** The id of the thread in which it was stored; empty for an item that the application added outside a thread. */
  readonly source: string
  /** The agent, run and step that stored it. */
  readonly provenance: Provenance
  /** The taint labels, which every step inherits that is shown the item. */
  readonly taint: readonly TaintLabel[]
}

/** A stored item of a memory. */
export interface MemoryItem extends NewMemory {
  /** The number of the version, from 1. */
  readonly version: number
  /** The time of this version as ISO 8601 text. */
  readonly at: string
  /** The vector of the content; absent until a search has computed it. */
  readonly vector?: {
    /** `provider/model` that made the vector. A vector of another model is computed again. */
    readonly model: string
    /** The coordinates. */
    readonly numbers: Float32Array
  }
}

/** An earlier version of an item. */
export type FormerMemory = Pick<MemoryItem, 'content' | 'version' | 'provenance' | 'taint' | 'at'>

/** Stores the memories of users. */
export interface Memories {
  /** Returns the items in descending order of priority; among equals the newest is first. */
  read(user: UserId, memory: string): Promise<readonly MemoryItem[]>
  /** Returns the earlier versions of an item, the newest first; the last 20 are stored. */
  history(user: UserId, memory: string, id: string): Promise<readonly FormerMemory[]>
  /**
   * Stores an item and removes the items above the capacity: those with the lowest priority, among equals the oldest.
   */
  put(user: UserId, memory: string, item: NewMemory, capacity: number): Fragment
  /** Removes items with their vectors and earlier versions. */
  forget(user: UserId, memory: string, ids: readonly string[]): Fragment
  /** Removes all items and earlier versions that were stored in a thread, in every memory of the user. */
  forgetSource(user: UserId, source: string): Fragment
  /**
   * Stores vectors of items whose version is unchanged. A failure is ignored; the next search computes the vectors
   * again.
   */
  storeVectors(user: UserId, memory: string, items: readonly WithVector[]): Promise<void>
}

export type WithVector = Required<Pick<MemoryItem, 'id' | 'version' | 'vector'>>
