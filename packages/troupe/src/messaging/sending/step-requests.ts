/** Requests of a step: a recorded wait, which commits the turn first and needs no process until the answer comes. */
import { failure, hashText, type Json } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { MessageType } from '../message-type.ts'
import type { MessagingContext } from '../messaging-context.ts'
import type { Encoded, Sender } from './compose-message.ts'
import type { MessageStage } from './message-stage.ts'
import { type CheckedRequest, type RequestPort, requestTerms } from './request-port.ts'
import { signedAnswer } from './signed-answer.ts'

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
