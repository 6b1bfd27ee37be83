/**
 * The state of a run between two inputs: a fold of its events, which only `evolve` updates. Each slice is plain data
 * with its fold in its folder. Counts are stored with the counted data, so that no query costs more than O(log n).
 */
import type { Flow } from '../../agents/index.ts'
import { failure } from '../../core/index.ts'
import type { Graph } from '../../topology/index.ts'
import { type BranchesSlice, createBranchesSlice } from './branches/branches-slice.ts'
import { type BudgetsSlice, createBudgetsSlice } from './budgets/budgets-slice.ts'
import { type ClocksSlice, createClocksSlice } from './clocks/clocks-slice.ts'
import { createJoinsSlice, type JoinsSlice } from './joins/joins-slice.ts'
import { createLabelsSlice, type LabelsSlice } from './labels/labels-slice.ts'
import { createLimitsSlice, type LimitsSlice } from './limits/limits-slice.ts'
import { createQuestionsSlice, type QuestionsSlice } from './people/questions-slice.ts'
import { createRunSlice, type RunSlice } from './run/run-slice.ts'
import { createStepsSlice, type StepsSlice } from './steps/steps-slice.ts'

export interface State {
  readonly run: RunSlice
  readonly branches: BranchesSlice
  readonly joins: JoinsSlice
  readonly steps: StepsSlice
  readonly questions: QuestionsSlice
  readonly limits: LimitsSlice
  readonly clocks: ClocksSlice
  readonly budgets: BudgetsSlice
  readonly labels: LabelsSlice
  /** Compiled from the pinned topology, and not saved. */
  graph: Graph | undefined
  /** The flows of nodes without a counted edge, by node and all other inputs; a cache that is not saved. */
  readonly flows: Map<string, Flow>
}

/** Before its first event. */
export const createState = (): State => ({
  run: createRunSlice(),
  branches: createBranchesSlice(),
  joins: createJoinsSlice(),
  steps: createStepsSlice(),
  questions: createQuestionsSlice(),
  limits: createLimitsSlice(),
  clocks: createClocksSlice(),
  budgets: createBudgetsSlice(),
  labels: createLabelsSlice(),
  graph: undefined,
  flows: new Map(),
})

export const hasEnded = ({ run: { status } }: Readonly<State>): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled'

/**
 * Returns a value that exists if `transition` has decided the events.
 * @throws Error `invariant.broken` if it does not
 */
export function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw failure('invariant.broken', { rule: `there is no ${what}` })
  return value
}
