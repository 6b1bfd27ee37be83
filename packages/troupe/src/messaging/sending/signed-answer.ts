/**
 * The answer to a request of a step if messages are signed. It comes with its signature. The result of the verification is
 * recorded once, so that a repeated execution gets the same result, whatever happens to the key.
 */
import { type Json, restoreError, type StoredError, storeError, TroupeError } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { MessagingContext } from '../messaging-context.ts'
import type { Answer } from '../receiving/delivery-handle.ts'

export interface AskedFor {
  readonly to: string
  readonly nonce: string
}

/** @throws AccessDeniedError for an answer that the asked agent has not signed; otherwise the error that the answer has */
export async function signedAnswer(
  messaging: Pick<MessagingContext, 'signed'>,
  recorder: Recorder,
  { to, nonce }: AskedFor,
  coming: Promise<Json>,
): Promise<Json> {
  const came = await answerFrom(coming)
  const { userId } = recorder.principal
  const problem = await recorder.answer({ kind: 'signature', name: nonce }, async () => {
    const found = await messaging.signed?.checkReply(userId, to, nonce, came as unknown as Json)
    return found ? (storeError(found) as unknown as Json) : null
  })
  if (problem !== null) throw restoreError(problem as unknown as StoredError)
  recorder.addTaint(came.taint ?? [])
  if ('error' in came) throw restoreError(came.error)
  return came.value
}

/** Errors of the step itself, without an answer. */
const own = new Set(['timeout', 'cancelled', 'step.over', 'journal.lost', 'troupe.closed'])

async function answerFrom(coming: Promise<Json>): Promise<Answer> {
  try {
    const came = await coming
    const isComplete = typeof came === 'object' && came !== null && ('value' in came || 'error' in came)
    // The sender is an agent without a key, or outside of the troupe.
    return isComplete ? (came as unknown as Answer) : { value: came }
  } catch (thrown) {
    if (thrown instanceof TroupeError && own.has(thrown.code)) throw thrown
    return { error: storeError(thrown) }
  }
}
