/** The audit entry of an answer of a person: the approval that was given, or a mismatch with the question. */
import { type Json, type Question, TroupeError, type UserId } from '../../core/index.ts'
import type { TaintGuard } from '../../security/index.ts'
import { checkAnswerTo } from './ask-question.ts'

/** How an answer to an approval is recorded: for which tool, and by the hash of which arguments. */
export const approvalAuditEntry = ({ tool, hash }: Question, value: Json) => ({
  operation: (value as { readonly approve?: unknown } | null)?.approve === true ? 'approval.give' : 'approval.refuse',
  resource: [tool, hash].filter((part) => part !== undefined).join(' '),
})

/**
 * The answer as the question takes it; one that is bound to other arguments is an incident.
 * @throws what `checkAnswer` throws
 */
export function answerTo(
  guard: Pick<TaintGuard, 'mismatched'>,
  user: UserId,
  question: Question & { readonly agent: string },
  value: Json,
): Json {
  try {
    return checkAnswerTo(question, value)
  } catch (error) {
    if (error instanceof TroupeError && error.code === 'approval.mismatch')
      guard.mismatched({ userId: user, agent: question.agent, action: question.tool ?? 'approval' })
    throw error
  }
}
