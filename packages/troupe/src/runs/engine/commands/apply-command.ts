/**
 * Applies a command that a run accepts: its outcome for the sender and for the audit log. A command that does not fit the
 * state of the run is rejected before it becomes an input.
 */

import { approvalAuditEntry } from '../../../agents/index.ts'
import { failure, invalidInput, storeError, type TroupeError, type UserId } from '../../../core/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { answerRejection, outcomeProblem } from '../../machine/people/check-answer.ts'
import { deriveStatus } from '../../machine/run/run-account.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import type { Order, RunMessageOf } from './run-message.ts'

interface CommandTarget {
  readonly user: UserId
  readonly run: string
  /** The state before the command. */
  readonly state: Readonly<State>
}
type Parts = Pick<OrchestraParts, 'stores' | 'reporting' | 'agents'>

export function applyCommand(
  parts: Parts,
  { user, run, state }: CommandTarget,
  message: RunMessageOf<'command'>,
): { readonly rejected: boolean; readonly statements: readonly Statement[] } {
  const { id, order } = message
  const rejection = rejectionOf(state as State, run, order)
  const outcomeStatement = parts.stores.commands.recordOutcome(
    user,
    run,
    id,
    rejection ? { error: storeError(rejection) } : {},
  )
  return {
    rejected: rejection !== undefined,
    statements: [outcomeStatement, ...recordApproval(parts, { user, state }, message, rejection)],
  }
}

/**
 * Returns the statements that record the answer to an approval in the audit log. Reports an approval with another hash to the
 * guard.
 */
function recordApproval(
  { reporting: { audit }, agents: { services } }: Parts,
  { user, state }: Pick<CommandTarget, 'user' | 'state'>,
  { order, key, agent: by }: RunMessageOf<'command'>,
  rejection: TroupeError | undefined,
): readonly Statement[] {
  if (order.type !== 'question.answered') return []
  const { ask, agent = '' } = viewOf(state).question(order.question) ?? {}
  if (ask?.kind !== 'approval') return []
  if (rejection?.code === 'approval.mismatch')
    services.guard.mismatched({ userId: user, agent, action: ask.tool ?? 'approval' })
  if (rejection || !audit) return []
  return audit.actionStatements(
    { actor: by ?? order.by, key: key ?? null, ...approvalAuditEntry(ask, order.value) },
    user,
  )
}

/** Returns the error of a command that does not fit the present state; undefined if it fits. */
export function rejectionOf(state: State, run: string, order: Order): TroupeError | undefined {
  const { status, over } = deriveStatus(state)
  if (order.type === 'question.answered') return answerRejection(state, order.question, order.value)
  if (over) return failure('run.over', { run, status })
  const wrong = (problem: string) => invalidInput(`The edit of run ${run}`, problem)
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
