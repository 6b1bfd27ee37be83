/** `support.messages` outside a step: resolves when the messages are durable. */
import { checkName, failure, type Json, TroupeError } from '../core/index.ts'
import { checkSend, compose, type Encoded, encode, type Sender } from './compose.ts'
import type { Dispatch, Sent } from './dispatch.ts'
import type { CommonSendOptions, MessageHands, SendOutcome, SentMessage } from './message-hands.ts'
import { toMessage } from './message-row.ts'
import { decodePayload, type MessageType } from './message-type.ts'
import type { Post } from './post.ts'
import { request } from './requests.ts'

export type Action = 'send_message_to_agent' | 'broadcast_message_to_agents'

export interface LiveMessagesParts {
  readonly post: Post
  readonly dispatch: Dispatch
  readonly sender: Sender
  /** @throws AccessDeniedError */
  readonly authorize: (action: Action) => void
  readonly subscribersOf: (user: string, topic: string) => Promise<readonly string[]>
  /** Every agent of the user that has a mailbox or is present. */
  readonly everyone: (user: string) => Promise<readonly string[]>
}

export function liveMessages(parts: LiveMessagesParts): MessageHands {
  const { post, dispatch, sender, authorize } = parts
  const one = (type: MessageType, payload: Promise<Encoded>, to: string, options: CommonSendOptions): Promise<Sent> => {
    const draft = { id: post.ids.next(), to, type, options }
    const prepared = payload.then((encoded) => compose(sender, draft, encoded, post.clock.now()))
    const lane = JSON.stringify([sender.user, sender.agent, to, options.priority ?? 'normal'])
    return dispatch.send(lane, prepared, { signal: options.signal })
  }
  const toMany = async (
    type: MessageType,
    payload: unknown,
    recipients: readonly string[],
    options: CommonSendOptions,
  ) => {
    const encoded = encode(type, payload, post.settings.maxBytes)
    await encoded
    const threadId = options.threadId ?? post.ids.next()
    const sent = recipientsOf(recipients, sender.agent).map(async (to): Promise<SendOutcome> => {
      try {
        return outcomeOf(to, threadId, await one(type, encoded, to, { ...options, threadId }))
      } catch (error) {
        if (!(error instanceof TroupeError)) throw error
        return { to, success: false, error }
      }
    })
    return Promise.all(sent)
  }
  return {
    async send(type, payload, options) {
      checkSend('send', options, ['to'])
      checkName('agent', options.to)
      authorize('send_message_to_agent')
      const { to, ...common } = options
      return sentMessage(await one(type, encode(type, payload, post.settings.maxBytes), to, common))
    },
    async broadcast(type, payload, options = {}) {
      checkSend('broadcast', options, ['to'])
      authorize('broadcast_message_to_agents')
      const { to, ...common } = options
      if (to !== undefined && !Array.isArray(to))
        throw failure('validation.failed', { what: 'to', problem: 'it is a list of the names of agents' })
      return toMany(type, payload, to ?? (await parts.everyone(sender.user)), common)
    },
    async publish(type, payload, options) {
      checkSend('publish', options, ['topic'])
      authorize('broadcast_message_to_agents')
      const { topic, ...common } = options
      return toMany(type, payload, await parts.subscribersOf(sender.user, checkName('topic', topic)), common)
    },
    async request(type, payload, options) {
      checkName('agent', options.to)
      authorize('send_message_to_agent')
      return request(post, dispatch, sender, type, payload, options)
    },
  }
}

/** Each once, the sender left out. */
export const recipientsOf = (names: readonly string[], sender: string): readonly string[] =>
  [...new Set(names)].filter((name) => name !== sender)

const outcomeOf = (to: string, threadId: string, { row, duplicate, dropped }: Sent): SendOutcome => ({
  to,
  success: true,
  id: String(row.id),
  threadId: row.thread_id === null ? threadId : String(row.thread_id),
  ...(duplicate ? { duplicate } : {}),
  ...(dropped.length > 0 ? { dropped } : {}),
})

async function sentMessage<P>({ row, duplicate, dropped }: Sent): Promise<SentMessage<P>> {
  const payload: Json = await decodePayload(undefined, Number(row.version), String(row.payload))
  const message = toMessage(row, payload)
  const more = {
    ...(duplicate ? { duplicate } : {}),
    ...(dropped.length > 0 ? { dropped: Object.freeze(dropped) } : {}),
  }
  return Object.freeze({ ...message, ...more }) as SentMessage<P>
}
