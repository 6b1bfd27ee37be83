/**
 * Bounds what a message of a server costs the main thread, and ends the requests that are cancelled. The client checks each
 * message by recursive schemas, some 5 µs for each value, and tools are hashed, compared and recorded. A message of too many
 * values is replaced before that by an error.
 */
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client'
import { truncateText } from '../../../core/index.ts'

/** Values of one message, members of objects and items of lists included; the tools of a large server have some thousand. */
const maxValues = 30_000
const maxDepth = 64

/**
 * Counts the values of a message, not deeper than `maxDepth` levels, and stops above `max`.
 * @returns the number of values; more than `max` if there are more or if the message is deeper
 */
export function countValues(message: unknown, max: number): number {
  let count = 0
  let level: unknown[] = [message]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) return max + 1
    const next: unknown[] = []
    for (const value of level) {
      if (++count > max) return count
      if (typeof value !== 'object' || value === null) continue
      // A member costs a step before its value does, so that one large object ends the count as well.
      for (const key in value) {
        if (count + next.length > max) return max + 1
        next.push((value as Record<string, unknown>)[key])
      }
    }
    level = next
  }
  return count
}

interface MessageListeners {
  readonly onList?: (deliver: () => void) => void
  readonly onMessage?: () => void
}

/**
 * Bounds the messages of a transport that is connected already, and all pages of a list of tools together.
 * A request with too many values is left without an answer, and a notification is dropped. A request whose stream ends
 * without its answer fails at once instead of at its timeout. A request that the client cancels, also for its timeout, is
 * aborted: by the protocol of 2025 the client sends a notification only, and the HTTP request would wait for the server.
 * @param listeners `onList` counts and delivers a list of tools; `onMessage` is called with each message
 */
export function boundMessages(
  transport: Transport,
  { onList = (run) => run(), onMessage = () => {} }: MessageListeners = {},
): void {
  const { onmessage: deliver } = transport
  if (!deliver) return
  const send = transport.send.bind(transport)
  let listed = 0
  const unanswered = new Map<unknown, AbortController>()
  const abort = (id: unknown) => {
    unanswered.get(id)?.abort()
    unanswered.delete(id)
  }
  transport.send = (message, options) => {
    if ('method' in message && message.method === 'tools/list' && message.params?.cursor === undefined) listed = 0
    if ('method' in message && message.method === 'notifications/cancelled') abort(message.params?.requestId)
    if (!('id' in message && 'method' in message) || options?.onRequestStreamEnd) return send(message, options)
    const controller = new AbortController()
    const { signal } = controller
    unanswered.set(message.id, controller)
    const requestSignal = options?.requestSignal ? AbortSignal.any([options.requestSignal, signal]) : signal
    return new Promise((_, reject) => {
      const fail = (error: unknown) => {
        if (unanswered.delete(message.id)) reject(error)
      }
      const onRequestStreamEnd = () => fail(new Error('the stream of the request ended without its answer'))
      send(message, { ...options, requestSignal, onRequestStreamEnd }).catch(fail)
    })
  }
  const receive: typeof deliver = (message, extra) => {
    if ('id' in message && !('method' in message)) unanswered.delete(message.id)
    const isList = isListOfTools(message)
    const max = isList ? maxValues - listed : maxValues
    const count = countValues(message, max)
    if (isList) listed += count
    if (count <= max) deliver(withKnownContent(message), extra)
    else if ('id' in message && !('method' in message)) deliver(tooLarge(message.id), extra)
  }
  transport.onmessage = (message, extra) => {
    onMessage()
    if (isListOfTools(message)) onList(() => receive(message, extra))
    else receive(message, extra)
  }
}

const contentTypes: ReadonlySet<unknown> = new Set(['text', 'image', 'audio', 'resource', 'resource_link'])

/** Replaces parts of a result whose type a later protocol has added: the client would reject the whole result. */
function withKnownContent(message: JSONRPCMessage): JSONRPCMessage {
  if (!('result' in message) || !Array.isArray(message.result.content)) return message
  const content = message.result.content.map((part: { readonly type?: unknown } | null) =>
    typeof part?.type !== 'string' || contentTypes.has(part.type)
      ? part
      : { type: 'text', text: `[omitted: a part of the unknown type ${JSON.stringify(truncateText(part.type, 50))}]` },
  )
  return { ...message, result: { ...message.result, content } }
}

const isListOfTools = (message: JSONRPCMessage): boolean => 'result' in message && 'tools' in message.result

const tooLarge = (id: unknown) =>
  ({
    jsonrpc: '2.0',
    id,
    error: { code: -32_000, message: `it sent more than ${maxValues} values, or more than ${maxDepth} levels` },
  }) as JSONRPCMessage
