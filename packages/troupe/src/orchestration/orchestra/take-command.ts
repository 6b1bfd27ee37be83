/** What becomes of a command that a run takes in, for whoever gave it and for the audit log. */
import { approvalDeed } from '../../agents/index.ts'
import { storeError, type TroupeError, type UserId } from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'
import type { State } from '../core/state.ts'
import type { OrchestraParts } from './parts.ts'
import { refusalOf } from './refusal-of.ts'
import type { Order } from './wire.ts'

interface Place {
  readonly user: UserId
  readonly run: string
  /** Before the command. */
  readonly state: Readonly<State>
}
type Parts = Pick<OrchestraParts, 'commands' | 'audit' | 'services'>

export function takeCommand(
  parts: Parts,
  { user, run, state }: Place,
  { id, order }: { readonly id: string; readonly order: Order },
): { readonly refused: boolean; readonly statements: readonly Statement[] } {
  const refusal = refusalOf(state as State, run, order)
  const settled = parts.commands.settle(user, run, id, refusal ? { error: storeError(refusal) } : {})
  return {
    refused: refusal !== undefined,
    statements: [settled, ...recordApproval(parts, user, state, order, refusal)],
  }
}

/** That an approval was given, or that it was for something else. */
function recordApproval(
  { audit, services }: Parts,
  user: UserId,
  state: Readonly<State>,
  order: Order,
  refusal: TroupeError | undefined,
): readonly Statement[] {
  if (order.type !== 'question.answered') return []
  const { ask, agent = '' } = state.questions.get(order.question) ?? {}
  if (ask?.kind !== 'approval') return []
  if (refusal?.code === 'approval.mismatch')
    services.guard.mismatched({ userId: user, agent, action: ask.tool ?? 'approval' })
  return (refusal ? undefined : audit?.written(user, { actor: order.by, ...approvalDeed(ask, order.value) })) ?? []
}
