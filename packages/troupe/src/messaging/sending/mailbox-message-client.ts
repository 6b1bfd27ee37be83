/**
 * Sends the messages of an agent to a write target: into the mailbox at once, or in the change that commits the turn of a step. It
 * applies rights, options, the copy of payloads and the outcomes of several recipients.
 */
import { checkName, fieldOf, invalidInput, parse, readable, TroupeError } from '../../core/index.ts'
import type { WriteTarget } from '../../journal/index.ts'
import type {
  BroadcastOptions,
  CommonSendOptions,
  MessageClient,
  PublishOptions,
  RequestOptions,
  SendOptions,
  SendOutcome,
  SentMessage,
} from '../message-client.ts'
import { checkMessageType, type MessageType } from '../message-type.ts'
import type { MessagingContext } from '../messaging-context.ts'
import { checkSend, type Encoded, encode, type Sender } from './compose-message.ts'
import { checkRequest, type RequestPort } from './request-port.ts'
import type { Send, Sent } from './send-port.ts'

export type Action = 'send_message_to_agent' | 'broadcast_message_to_agents'

/** The services of mailboxes for senders. */
export interface SenderPorts {
  readonly messaging: MessagingContext
  readonly identity: { readonly user: string; readonly agent: string }
  /** @throws AccessDeniedError, after recording the incident */
  readonly authorize: (action: Action) => void
  /** @throws AccessDeniedError for a topic that the agent may not post to */
  readonly subscribersOf: (topic: string) => Promise<readonly string[]>
  /** Returns the agents of the user with a mailbox or a present worker; with a role, the present ones of that role. */
  readonly everyone: (role: string | undefined) => Promise<readonly string[]>
}

/** A message before its recipients. */
interface Sending {
  readonly type: MessageType
  readonly payload: Promise<Encoded>
  readonly options: CommonSendOptions
  /** Resolves when the sends of earlier calls have started; undefined if they have. */
  readonly after: Promise<void> | undefined
}

export class MailboxMessageClient implements MessageClient {
  readonly #ports: SenderPorts
  readonly #target: WriteTarget
  readonly #sendNow: Send
  readonly #requests: RequestPort
  #starting: Promise<void> | undefined

  constructor(ports: SenderPorts, target: WriteTarget, send: Send, requests: RequestPort) {
    this.#ports = ports
    this.#target = target
    this.#sendNow = send
    this.#requests = requests
  }

  /** Resolves when the sends of the calls so far have started; undefined if they have. */
  get starting(): Promise<void> | undefined {
    return this.#starting
  }

  send<P>(type: MessageType<P>, payload: P, options: SendOptions): Promise<SentMessage<P>> {
    return this.#target.call(() => this.#send(type, payload, options))
  }
  async #send<P>(type: MessageType<P>, payload: P, options: SendOptions): Promise<SentMessage<P>> {
    const { to, ...common } = checkSend('send', options, ['to'])
    checkName('agent', to)
    this.#ports.authorize('send_message_to_agent')
    checkMessageType(type)
    const sending = { type, payload: this.#encode(type, payload), options: common, after: this.#starting }
    const sent = await this.#one(sending, to)
    return sent.message() as Promise<SentMessage<P>>
  }

  broadcast<P>(type: MessageType<P>, payload: P, options: BroadcastOptions = {}): Promise<readonly SendOutcome[]> {
    return this.#target.call(() => this.#broadcast(type, payload, options))
  }
  async #broadcast(type: MessageType, payload: unknown, options: BroadcastOptions): Promise<readonly SendOutcome[]> {
    const { to, role, ...common } = checkBroadcast(options)
    this.#ports.authorize('broadcast_message_to_agents')
    checkMessageType(type)
    const sending = this.#sendingToAll(type, payload, common)
    if (to) return this.#sendToAll(sending, to)
    const call = () => ({ kind: 'agents', name: role === undefined ? '*' : `*:${role}` })
    return this.#sendToFound(
      sending,
      this.#target.answer(call, () => this.#ports.everyone(role)),
    )
  }

  publish<P>(type: MessageType<P>, payload: P, options: PublishOptions): Promise<readonly SendOutcome[]> {
    return this.#target.call(() => this.#publish(type, payload, options))
  }
  async #publish(type: MessageType, payload: unknown, options: PublishOptions): Promise<readonly SendOutcome[]> {
    const { topic, ...common } = checkSend('publish', options, ['topic'])
    this.#ports.authorize('broadcast_message_to_agents')
    checkMessageType(type)
    checkName('topic', topic)
    const sending = this.#sendingToAll(type, payload, common)
    const call = () => ({ kind: 'subscribers', name: topic })
    return this.#sendToFound(
      sending,
      this.#target.answer(call, () => this.#ports.subscribersOf(topic)),
    )
  }

  async request<P, R>(type: MessageType<P, R>, payload: P, options: RequestOptions): Promise<R> {
    checkName('agent', fieldOf(options, 'to') as string)
    const checked = checkRequest(options)
    this.#requests.check(checked)
    this.#ports.authorize('send_message_to_agent')
    checkMessageType(type)
    const value = await this.#requests.request(type, this.#encode(type, payload), checked)
    return type.reply ? parse(type.reply, value, `The reply to ${type.name}`) : (value as R)
  }

  #encode(type: MessageType, payload: unknown): Promise<Encoded> {
    const { settings, clock } = this.#ports.messaging
    return encode(type, payload, settings.maxBytes, clock)
  }
  #sender(): Sender {
    const { user, agent } = this.#ports.identity
    return { user, agent, ...this.#target.origin() }
  }

  async #one({ type, payload, options, after }: Sending, to: string): Promise<Sent> {
    const { messaging } = this.#ports
    payload.catch(() => {})
    // The id is assigned at the call, so that a replay gives the same id to the same message.
    const { id, at } = this.#target.answerNow(
      () => ({ kind: 'message', name: `${type.name} to ${to}` }),
      () => ({ id: messaging.ids.next(), at: messaging.clock.now() }),
    )
    if (after) await after
    return this.#sendNow({ draft: { id, to, type, options }, at, payload, sender: () => this.#sender() })
  }

  #sendingToAll(type: MessageType, payload: unknown, options: CommonSendOptions): Sending {
    const encoded = this.#encode(type, payload)
    encoded.catch(() => {})
    return { type, payload: encoded, options, after: this.#starting }
  }

  /** Sends to recipients that are being read. Later calls start after it, so that each lane has the order of the calls. */
  async #sendToFound(sending: Sending, reading: Promise<readonly string[]>): Promise<readonly SendOutcome[]> {
    const started = Promise.withResolvers<void>()
    this.#starting = started.promise
    try {
      const recipients = await reading
      await sending.after
      return await this.#sendToAll({ ...sending, after: undefined }, recipients, started.resolve)
    } finally {
      started.resolve()
      if (this.#starting === started.promise) this.#starting = undefined
    }
  }

  /** @param started called when the sends have started */
  async #sendToAll(
    { options, ...sending }: Sending,
    recipients: readonly string[],
    started = () => {},
  ): Promise<readonly SendOutcome[]> {
    const { messaging, identity } = this.#ports
    const drawThread = () =>
      this.#target.answerNow(
        () => ({ kind: 'thread', name: sending.type.name }),
        () => messaging.ids.next(),
      )
    const threadId = options.threadId ?? drawThread()
    const sent = recipientsOf(recipients, identity.agent).map(async (to): Promise<SendOutcome> => {
      try {
        checkName('agent', to)
        const { message: _, ...outcome } = await this.#one({ ...sending, options: { ...options, threadId } }, to)
        return { to, success: true, threadId, ...outcome }
      } catch (error) {
        if (!(error instanceof TroupeError)) throw error
        return { to, success: false, error }
      }
    })
    started()
    const outcomes = Promise.all(sent)
    outcomes.catch(() => {})
    // A payload that is not valid rejects the call, also without recipients.
    await sending.payload
    return outcomes
  }
}

/** Returns each recipient once, without the sender. */
const recipientsOf = (names: readonly string[], sender: string): readonly string[] =>
  [...new Set(names)].filter((name) => name !== sender)

/**
 * @returns a copy of the options
 * @throws ValidationError
 */
function checkBroadcast(options: BroadcastOptions): BroadcastOptions {
  const checked = checkSend('broadcast', options, ['to', 'role'])
  const { to, role } = checked
  if (to !== undefined && !readable('The recipients of a broadcast', () => Array.isArray(to)))
    throw invalidInput('to', 'it must be a list of names of agents')
  if (role !== undefined && (typeof role !== 'string' || to !== undefined))
    throw invalidInput('role', 'it must be a text, and excludes to')
  return to === undefined ? checked : { ...checked, to: [...to] }
}
