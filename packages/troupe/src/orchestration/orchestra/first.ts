/** What a run begins with. */
import type { Agent } from '../../agents/index.ts'
import type { Json } from '../../core/index.ts'
import type { Pinned } from '../core/model.ts'

export interface First {
  readonly task: Json
  readonly pinned: Pinned
  readonly tags: readonly string[]
  readonly agents: ReadonlyMap<string, Agent>
}
