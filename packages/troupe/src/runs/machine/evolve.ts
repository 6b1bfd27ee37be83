/**
 * Folds an event into the state, in place. It takes no decision, since an event is a fact. Each slice has its own folds; one
 * that changes a status asserts the transition.
 */
import { branchFolds } from './branches/branch-folds.ts'
import { budgetFolds } from './budgets/grants.ts'
import { clockFolds } from './clocks/clock-folds.ts'
import { updateWorkClock } from './clocks/run-time.ts'
import type { Folds } from './folds.ts'
import { joinFolds } from './joins/join-folds.ts'
import { type AgentPath, setPath } from './labels/agent-path.ts'
import { evolveTaint } from './labels/evolve-taint.ts'
import type { Event } from './machine-events.ts'
import { questionFolds } from './people/question-folds.ts'
import { runFolds } from './run/run-folds.ts'
import type { State } from './state.ts'
import { childFolds } from './steps/child-folds.ts'
import { requestFolds } from './steps/request-folds.ts'
import { stepFolds } from './steps/step-folds.ts'

const folds: Folds = {
  ...runFolds,
  ...budgetFolds,
  ...clockFolds,
  ...branchFolds,
  ...joinFolds,
  ...stepFolds,
  ...childFolds,
  ...requestFolds,
  ...questionFolds,
}

/**
 * Returns the path of agents that led to the event.
 * @throws Error `invariant.broken` if no transition of its record allows the event
 */
export function evolve(state: State, event: Event): AgentPath {
  state.clocks.lastAt = Math.max(state.clocks.lastAt, event.at)
  state.run.seq += 1
  const path = setPath(state.labels.paths, event)
  evolveTaint(state, event)
  const fold = folds[event.type] as (state: State, event: Event) => void
  fold(state, event)
  updateWorkClock(state)
  return path
}
