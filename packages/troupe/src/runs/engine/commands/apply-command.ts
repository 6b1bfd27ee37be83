/** Applies a command that a run accepts: its outcome for the sender and for the audit log. */

import { approvalAuditEntry } from '../../../agents/index.ts'
import { storeError, type TroupeError, type UserId } from '../../../core/index.ts'
import type { Statement } from '../../../storage/index.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { rejectionOf } from './rejection-of.ts'
import type { RunMessageOf } from './run-message.ts'

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
