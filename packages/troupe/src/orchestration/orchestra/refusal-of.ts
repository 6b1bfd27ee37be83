/** Commands that do not fit how the run stands: refused before they become inputs. */
import { failure, type TroupeError } from '../../core/index.ts'
import { wrongAnswer } from '../core/answers.ts'
import { standingOf } from '../core/result.ts'
import type { State } from '../core/state.ts'
import type { Order } from './wire.ts'

/** What is wrong with a command as things stand. */
export function refusalOf(state: State, run: string, order: Order): TroupeError | undefined {
  const { status, over } = standingOf(state)
  if (order.type === 'question.answered') return wrongAnswer(state, order.question, order.value)
  if (over) return failure('run.over', { run, status })
  const wrong = (problem: string) => failure('validation.failed', { what: `The edit of run ${run}`, problem })
  if (order.type === 'step.edited' && !state.steps.get(order.step)?.held)
    return wrong(`no failure of the step ${order.step} is held at a breakpoint`)
  if (order.type === 'branch.edited' && state.branches.get(order.branch)?.status !== 'ready')
    return wrong(`the branch ${order.branch} is not about to begin a step`)
  return undefined
}
