/** Requests of a step: a recorded wait, which commits the turn first and needs no process until the answer comes. */
import {
  asJson,
  failure,
  hashText,
  type Json,
  restoreError,
  type StoredError,
  storeError,
  TroupeError,
} from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { MessageType } from '../message-type.ts'
import type { MessagingContext } from '../messaging-context.ts'
import type { Answer } from '../receiving/delivery-handle.ts'
import type { Encoded, Sender } from './compose-message.ts'
import type { MessageStage } from './message-stage.ts'
import { type CheckedRequest, type RequestPort, requestTerms } from './request-port.ts'

export const stepRequests = (
  messaging: MessagingContext,
  recorder: Recorder,
  stage: MessageStage,
  sender: () => Sender,
): RequestPort => ({
  /** A signal is rejected: the wait and its timeout are durable, so a signal could not end them. */
  check({ signal }: CheckedRequest): void {
    if (signal !== undefined)
      throw failure('option.unknown', { where: 'request in a step', option: 'signal', nearest: 'timeout' })
  },

  async request(type: MessageType, payload: Promise<Encoded>, options: CheckedRequest): Promise<Json> {
    const { to, timeoutMs } = options
    const name = `${type.name} to ${to}`
    payload.catch(() => {})
    // Recorded, for the process that executes the step next may sign or not.
    const nonce = recorder.answerNow({ kind: 'nonce', name }, () => (messaging.signed ? messaging.ids.next() : null))
    const encoded = await payload
    const { step } = recorder
    const coming = recorder.wait({
      call: { kind: 'request', name },
      input: { type: type.name, to, payload: JSON.parse(encoded.json) as Json },
      timeoutMs,
      notify: (wait) => {
        // The name of the wait is the step's own and stays the same, so that notifying twice sends once.
        const id = hashText(`${step}/${wait}`).slice(0, 32)
        const replyTo = { step, wait, ...(nonce === null ? {} : { nonce }) }
        const draft = { id, to, type, replyTo, options: { ...requestTerms(options), correlationId: id } }
        return stage.enter(messaging.compose(sender(), draft, encoded))
      },
    })
    return nonce === null ? coming : signedAnswer(messaging, recorder, { to, nonce }, coming)
  },
})

/**
 * The answer to a request of a step if messages are signed. It comes with its signature. The result of the verification is
 * recorded once, so that a repeated execution gets the same result, whatever happens to the key.
 */
interface AskedFor {
  readonly to: string
  readonly nonce: string
}

/** @throws AccessDeniedError for an answer that the asked agent has not signed; otherwise the error that the answer has */
async function signedAnswer(
  messaging: Pick<MessagingContext, 'signed'>,
  recorder: Recorder,
  { to, nonce }: AskedFor,
  coming: Promise<Json>,
): Promise<Json> {
  const came = await answerFrom(coming)
  const { userId } = recorder.principal
  const problem = await recorder.answer<StoredError | null>({ kind: 'signature', name: nonce }, async () => {
    const found = await messaging.signed?.checkReply(userId, to, nonce, asJson(came))
    return found ? storeError(found) : null
  })
  if (problem !== null) throw restoreError(problem)
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
