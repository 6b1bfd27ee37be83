/** What goes with values and agents through a run: taint, and through whom each agent came to act. */
import type { TaintLabel } from '../../../core/index.ts'
import type { AgentPath } from './agent-path.ts'

export interface LabelsSlice {
  /** Of the task, the run, and each branch, join and serving step that is tainted. */
  readonly taints: Map<string, readonly TaintLabel[]>
  readonly paths: Map<string, AgentPath>
}

export const createLabelsSlice = (): LabelsSlice => ({ taints: new Map(), paths: new Map() })
