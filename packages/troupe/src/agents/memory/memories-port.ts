/** What is remembered durably: items of one memory of one user, with where they came from and what clings to them. */
import type { Json, Provenance, TaintLabel, UserId } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'

export interface NewMemory {
  /** An item of this id is replaced, and its version raised. */
  readonly id: string
  readonly content: Json
  readonly priority: number
  readonly agent: string
  /** The conversation it was made in; empty where none. */
  readonly source: string
  readonly provenance: Provenance
  readonly taint: readonly TaintLabel[]
}

export interface MemoryItem extends NewMemory {
  readonly version: number
  /** ISO text. */
  readonly at: string
  /** Of its content, by the model named. */
  readonly vector?: { readonly model: string; readonly numbers: Float32Array }
}

/** What an item was before it was replaced. */
export type FormerMemory = Pick<MemoryItem, 'content' | 'version' | 'provenance' | 'taint' | 'at'>

export interface Memories {
  /** The most important first, of equals the newest. */
  read(user: UserId, memory: string): Promise<readonly MemoryItem[]>
  /** The newest first; the last twenty are kept. */
  history(user: UserId, memory: string, id: string): Promise<readonly FormerMemory[]>
  /** Puts an item and lets go what is beyond the capacity: the least important, of equals the oldest. */
  put(user: UserId, memory: string, item: NewMemory, capacity: number): Fragment
  /** With its vectors and all it was before. */
  forget(user: UserId, memory: string, ids: readonly string[]): Fragment
  /** All that was made in a conversation, whichever memory holds it. */
  forgetSource(user: UserId, source: string): Fragment
  /** Keeps vectors of items that are still as they were; what cannot be kept is made again the next time. */
  storeVectors(user: UserId, memory: string, items: readonly WithVector[]): Promise<void>
}

export type WithVector = Required<Pick<MemoryItem, 'id' | 'version' | 'vector'>>
