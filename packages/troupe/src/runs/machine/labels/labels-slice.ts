/** The labels of a run: taint of values, and the path of each agent. */
import type { TaintLabel } from '../../../core/index.ts'
import type { AgentPath } from './agent-path.ts'

export interface LabelsSlice {
  /** The taint of the task, the run, and each tainted branch, join and serving step. */
  readonly taints: Map<string, readonly TaintLabel[]>
  readonly paths: Map<string, AgentPath>
}

export const createLabelsSlice = (): LabelsSlice => ({ taints: new Map(), paths: new Map() })
