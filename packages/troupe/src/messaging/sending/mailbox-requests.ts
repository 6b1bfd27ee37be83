/** Requests outside of a step: a message, and a row that gets the answer in the change that acknowledges the message. */
import { addStepTaint, decodeJson, failure, type Json, restoreError, whenAborted } from '../../core/index.ts'
import type { MessageType } from '../message-type.ts'
import type { MessagingContext } from '../messaging-context.ts'
import type { Answer } from '../receiving/delivery-handle.ts'
import { later } from '../statements/compile.ts'
import type { Encoded, Sender } from './compose-message.ts'
import type { OutboundQueue } from './outbound-queue.ts'
import { type CheckedRequest, type RequestPort, requestTerms } from './request-port.ts'

export const mailboxRequests = (
  messaging: MessagingContext,
  outboundQueue: OutboundQueue,
  sender: () => Sender,
): RequestPort => ({
  check() {},

  async request(type: MessageType, payload: Promise<Encoded>, options: CheckedRequest): Promise<Json> {
    const { to, timeoutMs, signal } = options
    const { ttl, ...common } = requestTerms(options)
    const from = sender()
    const { user, agent } = from
    const id = messaging.ids.next()
    const until = messaging.clock.monotonic() + timeoutMs
    const prepared = payload.then((encoded) =>
      messaging.compose(
        from,
        { id, to, type, options: { ...common, ttl, correlationId: id }, replyTo: { request: id } },
        encoded,
      ),
    )
    // A closed troupe rejects the request without the message.
    prepared.catch(() => {})
    const timedOut = () =>
      failure('timeout', { what: `The request ${type.name} to ${to}`, kind: 'request', limit: ttl })
    const listening = messaging.answers.listen(user, id)
    const ended = new AbortController()
    const stopTimer = messaging.clock.after(timeoutMs, () => ended.abort('timeout'))
    const stopWatching = whenAborted(signal, () => ended.abort(signal?.reason))
    let answered = false
    try {
      const lane = JSON.stringify([user, agent, to, common.priority ?? 'normal'])
      await outboundQueue.send(lane, prepared, {
        signal: ended.signal,
        also: [messaging.requests.open({ user, id, until: later(timeoutMs) })],
      })
      for (;;) {
        const [row] = await messaging.read(user, messaging.requests.find({ user, id }))
        answered = row !== undefined && row.answer !== null
        if (row && answered) {
          const stored = decodeJson(String(row.answer))
          const problem = await messaging.signed?.checkReply(user, to, id, stored)
          if (problem) throw problem
          return replyOf(stored)
        }
        if (messaging.clock.monotonic() >= until) throw timedOut()
        await listening.wait(until - messaging.clock.monotonic(), signal)
      }
    } catch (error) {
      if (ended.signal.aborted && ended.signal.reason === 'timeout' && isCancelled(error)) throw timedOut()
      throw error
    } finally {
      listening.end()
      stopTimer()
      stopWatching()
      // The clean-up removes a row that stays; its loss must not hide the reply. An abandoned request is withdrawn.
      const done = [
        messaging.requests.close({ user, id }),
        ...(answered ? [] : [messaging.requests.withdraw({ user, mailbox: to, id })]),
      ]
      await messaging.commit(user, done, null, []).catch(() => {})
    }
  },
})

const isCancelled = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'cancelled'

function replyOf(stored: Json): Json {
  const answer = stored as unknown as Answer
  addStepTaint(answer.taint, 'the answer to a request')
  if ('error' in answer) throw restoreError(answer.error)
  return answer.value
}
