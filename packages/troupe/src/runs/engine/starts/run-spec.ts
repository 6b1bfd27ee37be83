/** The specification of a new run. */
import type { Agent } from '../../../agents/index.ts'
import type { Json, TaintLabel } from '../../../core/index.ts'
import type { Statement } from '../../../storage/index.ts'
import type { Pinned } from '../../machine/machine-events.ts'

export interface RunSpec {
  readonly task: Json
  /** The taint labels of the task. */
  readonly taint?: readonly TaintLabel[]
  readonly pinned: Pinned
  readonly tags: readonly string[]
  readonly agents: ReadonlyMap<string, Agent>
  /** Further statements of the change of the start: the claim of a thread, or the audit record of a tool call. */
  readonly statements?: readonly Statement[]
}
