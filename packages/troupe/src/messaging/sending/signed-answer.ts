/**
 * The answer to a request of a step where messages are signed. It comes whole, with its signature; what is wrong with it is
 * recorded once, so that a step that is entered again finds the same, whatever has become of the key.
 */
import { type Json, restoreError, type StoredError, storeError, TroupeError } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { MessagingContext } from '../messaging-context.ts'
import type { Answer } from '../receiving/delivery-handle.ts'

export interface AskedFor {
  readonly to: string
  readonly nonce: string
}

/** @throws AccessDeniedError for an answer that nobody asked has signed; else what the answer says */
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

/** Errors of the step's own: no answer came. */
const own = new Set(['timeout', 'cancelled', 'step.over', 'journal.lost', 'troupe.closed'])

async function answerFrom(coming: Promise<Json>): Promise<Answer> {
  try {
    const came = await coming
    const isComplete = typeof came === 'object' && came !== null && ('value' in came || 'error' in came)
    // Of somebody who does not sign, or is none of ours.
    return isComplete ? (came as unknown as Answer) : { value: came }
  } catch (thrown) {
    if (thrown instanceof TroupeError && own.has(thrown.code)) throw thrown
    return { error: storeError(thrown) }
  }
}
