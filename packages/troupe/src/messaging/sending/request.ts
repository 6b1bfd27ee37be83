/** Requests from outside a step: a message, and a row where its answer is put in the change that acknowledges it. */
import {
  type Duration,
  decodeJson,
  duration,
  failure,
  type Json,
  milliseconds,
  parse,
  restoreError,
  type StoredError,
} from '../../core/index.ts'
import type { RequestOptions } from '../message-client.ts'
import type { MessageType } from '../message-type.ts'
import type { MessagingContext } from '../messaging-context.ts'
import { later } from '../statements/compile.ts'
import { checkSend, commonOptions, encode, type Sender } from './compose-message.ts'
import type { OutboundQueue } from './outbound-queue.ts'

const requestOptions = ['to', 'timeout', 'priority', 'threadId', 'metadata', 'signal']

/**
 * @returns the options as they are now, and the timeout as a number
 * @throws ValidationError
 */
export function checkRequest(options: RequestOptions): RequestOptions & { readonly timeoutMs: number } {
  const checked = checkSend('request', options, ['to', 'timeout'])
  for (const name of commonOptions)
    if (!requestOptions.includes(name) && Object.hasOwn(options, name))
      throw failure('option.unknown', { where: 'request', option: name, nearest: requestOptions.join(', ') })
  const timeoutMs = milliseconds(options.timeout ?? '30s', 'timeout')
  if (timeoutMs <= 0) throw failure('validation.failed', { what: 'timeout', problem: 'it must be longer than nothing' })
  return { ...checked, timeoutMs }
}

export async function request<R>(
  messaging: MessagingContext,
  outboundQueue: OutboundQueue,
  sender: Sender,
  type: MessageType<unknown, R>,
  payload: unknown,
  options: RequestOptions,
): Promise<R> {
  const { to, timeout: _, timeoutMs, signal, ...common } = checkRequest(options)
  const { user, agent } = sender
  const id = messaging.ids.next()
  const until = messaging.clock.monotonic() + timeoutMs
  const ttl: Duration = duration(timeoutMs)
  const prepared = encode(type, payload, messaging.settings.maxBytes).then((encoded) =>
    messaging.compose(
      sender,
      { id, to, type, options: { ...common, ttl, correlationId: id }, replyTo: { request: id } },
      encoded,
    ),
  )
  const timedOut = () => failure('timeout', { what: `The request ${type.name} to ${to}`, kind: 'request', limit: ttl })
  const listening = messaging.answers.listen(user, id)
  const ended = new AbortController()
  const stopTimer = messaging.clock.after(timeoutMs, () => ended.abort('timeout'))
  const abort = () => ended.abort(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  let answered = false
  try {
    const lane = JSON.stringify([user, agent, to, common.priority ?? 'normal'])
    await outboundQueue.send(lane, prepared, {
      signal: ended.signal,
      also: [messaging.requests.open(user, id, later(timeoutMs))],
    })
    for (;;) {
      const [row] = await messaging.read(user, messaging.requests.find(user, id))
      answered = row !== undefined && row.answer !== null
      if (row && answered) {
        const stored = decodeJson(String(row.answer))
        const problem = await messaging.signed?.checkReply(user, to, id, stored)
        if (problem) throw problem
        return await replyOf(type, stored)
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
    signal?.removeEventListener('abort', abort)
    // A row that stays is swept after its time; its loss must not hide the reply. Nobody waits for one given up.
    const done = [messaging.requests.close(user, id), ...(answered ? [] : [messaging.requests.withdraw(user, to, id)])]
    await messaging.commit(user, done, null, []).catch(() => {})
  }
}

const isCancelled = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'cancelled'

async function replyOf<R>(type: MessageType<unknown, R>, stored: Json): Promise<R> {
  const answer = stored as unknown as { readonly value: Json } | { readonly error: StoredError }
  if ('error' in answer) throw restoreError(answer.error)
  return type.reply ? parse(type.reply, answer.value, `The reply to ${type.name}`) : (answer.value as R)
}
