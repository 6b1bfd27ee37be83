/** `support.messages` outside a step: resolves when the messages are durable. */
import { checkName, failure, TroupeError } from '../core/index.ts'
import { Batch, type Enter } from './batched-messages.ts'
import { checkSend, type Encoded, encode, type Sender } from './compose.ts'
import type { Dispatch, Sent } from './dispatch.ts'
import { deepFreeze } from './message.ts'
import type {
  BatchSendOptions,
  BroadcastOptions,
  CommonSendOptions,
  LiveMessageHands,
  MessageBatch,
  MessageHands,
  SendOutcome,
  SentMessage,
} from './message-hands.ts'
import { toMessage } from './message-row.ts'
import type { MessageType } from './message-type.ts'
import type { Post } from './post.ts'
import { request } from './requests.ts'

export type Action = 'send_message_to_agent' | 'broadcast_message_to_agents'

export interface LiveMessagesParts {
  readonly post: Post
  readonly dispatch: Dispatch
  /** Batches that have something waiting. */
  readonly batches: Set<Batch>
  readonly sender: Sender
  /** @throws AccessDeniedError */
  readonly authorize: (action: Action) => void
  readonly subscribersOf: (user: string, topic: string, agent: string) => Promise<readonly string[]>
  /** Every agent of the user that has a mailbox or is present; with a role, those present with it. */
  readonly everyone: (user: string, role: string | undefined) => Promise<readonly string[]>
}

export function liveMessages(parts: LiveMessagesParts): LiveMessageHands {
  const { dispatch } = parts
  const atOnce: Enter = ({ lane, prepared, signal }) => dispatch.send(lane, prepared, { signal })
  return { ...handsThat(parts, atOnce), batched: (options = {}) => batchedMessages(parts, options) }
}

function batchedMessages(parts: LiveMessagesParts, options: BatchSendOptions): MessageBatch {
  const { dispatch, batches: open, post } = parts
  const batch = new Batch({ clock: post.clock, dispatch, open }, options)
  const hands = handsThat(parts, batch.enter)
  return {
    ...hands,
    request(type, payload, requested) {
      // It goes at once, and nothing of its lane may come after it that was sent before.
      void batch.flush()
      return hands.request(type, payload, requested)
    },
    flush: () => batch.flush(),
    [Symbol.asyncDispose]: () => batch.close(),
  }
}

function handsThat(parts: LiveMessagesParts, enter: Enter): MessageHands {
  const { post, dispatch, sender, authorize } = parts
  const one = async (
    type: MessageType,
    payload: Promise<Encoded>,
    to: string,
    options: CommonSendOptions,
  ): Promise<Sent> => {
    const draft = { id: post.ids.next(), to, type, options }
    const prepared = payload.then((encoded) => post.compose(sender, draft, encoded))
    const lane = JSON.stringify([sender.user, sender.agent, to, options.priority ?? 'normal'])
    return enter({ lane, priority: options.priority ?? 'normal', prepared, signal: options.signal })
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
      const { to, ...common } = checkSend('send', options, ['to'])
      checkName('agent', to)
      authorize('send_message_to_agent')
      return sentMessage(post, await one(type, encode(type, payload, post.settings.maxBytes), to, common))
    },
    async broadcast(type, payload, options = {}) {
      const { to, role, ...common } = checkBroadcast(options)
      authorize('broadcast_message_to_agents')
      return toMany(type, payload, to ?? (await parts.everyone(sender.user, role)), common)
    },
    async publish(type, payload, options) {
      const { topic, ...common } = checkSend('publish', options, ['topic'])
      authorize('broadcast_message_to_agents')
      const subscribers = await parts.subscribersOf(sender.user, checkName('topic', topic), sender.agent)
      return toMany(type, payload, subscribers, common)
    },
    async request(type, payload, options) {
      checkName('agent', options?.to)
      authorize('send_message_to_agent')
      return request(post, dispatch, sender, type, payload, options)
    },
  }
}

/**
 * @returns the options as they are now
 * @throws ValidationError
 */
export function checkBroadcast(options: BroadcastOptions): BroadcastOptions {
  const given = checkSend('broadcast', options, ['to', 'role'])
  const { to, role } = given
  if (to !== undefined && !Array.isArray(to))
    throw failure('validation.failed', { what: 'to', problem: 'it is a list of the names of agents' })
  if (role !== undefined && (typeof role !== 'string' || to !== undefined))
    throw failure('validation.failed', { what: 'role', problem: 'it is a text, and stands in place of to' })
  return to === undefined ? given : { ...given, to: [...to] }
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

async function sentMessage<P>(post: Post, { row, duplicate, dropped }: Sent): Promise<SentMessage<P>> {
  const payload = deepFreeze(await post.payloadOf(row))
  const message = toMessage(row, payload)
  const more = {
    ...(duplicate ? { duplicate } : {}),
    ...(dropped.length > 0 ? { dropped: Object.freeze(dropped) } : {}),
  }
  return Object.freeze({ ...message, ...more }) as SentMessage<P>
}
