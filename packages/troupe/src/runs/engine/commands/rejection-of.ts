/** Rejects commands that do not fit the state of the run, before they become inputs. */

import { failure, type TroupeError } from '../../../core/index.ts'
import { answerRejection } from '../../machine/people/check-answer.ts'
import { outcomeProblem } from '../../machine/people/outcome-problem.ts'
import { deriveStatus } from '../../machine/run/run-account.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import type { Order } from './run-message.ts'

/** Returns the error of a command that does not fit the present state; undefined if it fits. */
export function rejectionOf(state: State, run: string, order: Order): TroupeError | undefined {
  const { status, over } = deriveStatus(state)
  if (order.type === 'question.answered') return answerRejection(state, order.question, order.value)
  if (over) return failure('run.over', { run, status })
  const wrong = (problem: string) => failure('validation.failed', { what: `The edit of run ${run}`, problem })
  if (order.type === 'step.edited') {
    if (!viewOf(state).step(order.step)?.suspendedEnding)
      return wrong(`no failure of the step ${order.step} is held at a breakpoint`)
    const problem = outcomeProblem(state, order.step, order.outcome)
    return problem === undefined ? undefined : wrong(problem)
  }
  if (order.type === 'branch.edited' && viewOf(state).branch(order.branch)?.status !== 'ready')
    return wrong(`the branch ${order.branch} is not about to begin a step`)
  return undefined
}
