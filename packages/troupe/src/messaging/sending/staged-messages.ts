/**
 * `ctx.messages` of a step: messages are staged and enter their mailboxes in the change that commits the turn. A mailbox
 * that is full then holds them back, or they come back as `message.rejected`: a paid turn never fails for it.
 */
import {
  capture,
  checkName,
  decodeJson,
  duration,
  failure,
  hashText,
  type Json,
  joinTaint,
  MacrotaskQueue,
  parse,
  TroupeError,
} from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { Access } from '../../security/index.ts'
import { withBytes } from '../bytes-schema.ts'
import type { Mailboxes } from '../mailboxes.ts'
import { deepFreeze } from '../message.ts'
import type { BroadcastOptions, CommonSendOptions, MessageClient, SendOutcome, SentMessage } from '../message-client.ts'
import type { MessageType } from '../message-type.ts'
import type { OutgoingMessage } from '../statements/send-statements.ts'
import { checkBroadcast, recipientsOf } from './committed-messages.ts'
import { checkSend, type Encoded, encode, type Sender } from './compose-message.ts'
import { checkRequest } from './request.ts'
import { signedAnswer } from './signed-answer.ts'

export interface StagedMessagesParts {
  readonly recorder: Recorder
  readonly mailboxes: Mailboxes
  readonly access: Access
}

/** After so many sends in one go timers and sockets have their turn. */
const maxSends = 100

/** @example const messages = stagedMessages({ mailboxes, recorder, access }) */
export const stagedMessages = (parts: StagedMessagesParts): MessageClient => new StagedMessages(parts)

class StagedMessages implements MessageClient {
  readonly #recorder: Recorder
  readonly #mailboxes: Mailboxes
  readonly #access: Access
  readonly #user: string
  readonly #agent: string
  readonly #staged = new Map<string, OutgoingMessage>()
  /** Payloads are checked asynchronously; they are staged in the order of the calls all the same. */
  #last: Promise<unknown> = Promise.resolve()
  readonly #macrotasks: MacrotaskQueue

  constructor({ recorder, mailboxes, access }: StagedMessagesParts) {
    this.#recorder = recorder
    this.#mailboxes = mailboxes
    this.#access = access
    this.#user = recorder.principal.userId
    this.#agent = recorder.principal.name
    this.#macrotasks = new MacrotaskQueue(mailboxes.messaging.clock, maxSends)
    recorder.onCommitted(() => {
      const { messaging } = mailboxes
      const sent = [...this.#staged.values()]
      this.#staged.clear()
      for (const recipient of new Set(sent.map(({ mailbox }) => mailbox)))
        messaging.arrivals.notify(this.#user, recipient)
      for (const outgoing of sent) messaging.sent(outgoing)
    })
  }

  async send<P>(
    type: MessageType<P>,
    payload: P,
    options: { readonly to: string } & CommonSendOptions,
  ): Promise<SentMessage<P>> {
    const { to, ...common } = checkSend('send', options, ['to'])
    unlessAborted(options)
    checkName('agent', to)
    this.#authorize('send_message_to_agent')
    return this.#stage(type, this.#encode(type, payload), to, common) as Promise<SentMessage<P>>
  }
  async broadcast<P>(type: MessageType<P>, payload: P, options: BroadcastOptions = {}) {
    const { to, role, ...common } = checkBroadcast(options)
    unlessAborted(options)
    this.#authorize('broadcast_message_to_agents')
    const call = { kind: 'agents', name: role === undefined ? '*' : `*:${role}` }
    const everyone = () => this.#mailboxes.everyone(this.#user, role)
    const captured = capture(payload)
    const recipients = to ?? (await this.#recorder.answer<readonly string[]>(call, everyone))
    return this.#sendToAll(type, captured, recipients, common)
  }
  async publish<P>(type: MessageType<P>, payload: P, options: { readonly topic: string } & CommonSendOptions) {
    const { topic, ...common } = checkSend('publish', options, ['topic'])
    unlessAborted(options)
    this.#authorize('broadcast_message_to_agents')
    checkName('topic', topic)
    const subscribers = () => this.#mailboxes.parts.subscribersOf(this.#user, topic, this.#agent)
    const captured = capture(payload)
    const recipients = await this.#recorder.answer<readonly string[]>({ kind: 'subscribers', name: topic }, subscribers)
    return this.#sendToAll(type, captured, recipients, common)
  }
  async request<P, R>(
    type: MessageType<P, R>,
    payload: P,
    options: Parameters<MessageClient['request']>[2],
  ): Promise<R> {
    checkName('agent', options?.to)
    const { to, timeout: _, timeoutMs, ...common } = checkRequest(options)
    if (options.signal !== undefined)
      throw failure('option.unknown', { where: 'request in a step', option: 'signal', nearest: 'timeout' })
    this.#authorize('send_message_to_agent')
    const { messaging } = this.#mailboxes
    const name = `${type.name} to ${to}`
    // Recorded, for another process may enter the step that signs or does not.
    const nonce = this.#recorder.answerNow({ kind: 'nonce', name }, () =>
      messaging.signed ? messaging.ids.next() : null,
    )
    const encoded = await this.#encode(type, payload)
    const { step } = this.#recorder
    const coming = this.#recorder.wait({
      call: { kind: 'request', name },
      input: { type: type.name, to, payload: JSON.parse(encoded.json) as Json },
      timeoutMs,
      notify: (wait) => {
        // The name of the wait is the step's own and stays the same, so telling twice sends once.
        const id = hashText(`${step}/${wait}`).slice(0, 32)
        const draft = {
          id,
          to,
          type,
          replyTo: { step, wait, ...(nonce === null ? {} : { nonce }) },
          options: { ...common, ttl: duration(timeoutMs), correlationId: id },
        }
        return this.#fragment(messaging.compose(this.#sender(), draft, encoded))
      },
    })
    const value = await (nonce === null ? coming : signedAnswer(messaging, this.#recorder, { to, nonce }, coming))
    return type.reply ? parse(type.reply, value, `The reply to ${type.name}`) : (value as R)
  }

  #authorize(action: 'send_message_to_agent' | 'broadcast_message_to_agents'): void {
    this.#mailboxes.authorize({ user: this.#user, agent: this.#agent, access: this.#access }, action)
  }
  #encode(type: MessageType, payload: unknown): Promise<Encoded> {
    return encode(type, payload, this.#mailboxes.messaging.settings.maxBytes)
  }
  #sender(): Sender {
    const { provenance, taint } = this.#recorder
    return { user: this.#user, agent: this.#agent, provenance: { ...provenance, agent: this.#agent }, taint }
  }
  #fragment(outgoing: OutgoingMessage) {
    this.#staged.set(outgoing.id, outgoing)
    return { statements: this.#mailboxes.messaging.enqueueOrDefer(outgoing), wake: ['mailboxes', 'outbox'] as const }
  }

  #stage(type: MessageType, payload: Promise<Encoded>, to: string, options: CommonSendOptions): Promise<SentMessage> {
    const { messaging } = this.#mailboxes
    const name = `${type.name} to ${to}`
    // Drawn at the call, so that re-entry gives the same id to the same message.
    const { id, at } = this.#recorder.answerNow({ kind: 'message', name }, () => ({
      id: messaging.ids.next(),
      at: messaging.clock.now(),
    }))
    payload.catch(() => {})
    const before = this.#last
    const staged = (async () => {
      await before
      // A step that sends in a loop is answered in microtasks alone.
      const turn = this.#macrotasks.next
      if (turn) await turn
      this.#macrotasks.spend(1)
      const encoded = await payload
      const sender = this.#sender()
      const outgoing = messaging.compose(sender, { id, to, type, options }, encoded, at)
      this.#recorder.stage({
        call: { kind: 'send', name },
        module: 'messages',
        fragment: () => this.#fragment(outgoing),
      })
      return this.#message(type, encoded, sender, { id, to, at }, options)
    })()
    this.#last = staged.catch(() => {})
    return staged
  }
  /** Only what is known before the commit: no expiry, no duplicate, nothing dropped. */
  #message(
    type: MessageType,
    { json, bytesAt }: Encoded,
    sender: Sender,
    { id, to, at }: { readonly id: string; readonly to: string; readonly at: number },
    {
      priority = 'normal',
      threadId,
      correlationId,
      metadata = {},
      requiresConfirmation = false,
      taint,
    }: CommonSendOptions,
  ): SentMessage {
    return deepFreeze({
      id,
      from: this.#agent,
      to,
      type: type.name,
      version: type.version,
      payload: withBytes(decodeJson(json), bytesAt),
      priority,
      ...(threadId === undefined ? {} : { threadId }),
      ...(correlationId === undefined ? {} : { correlationId }),
      timestamp: new Date(at).toISOString(),
      metadata: structuredClone(metadata),
      requiresConfirmation,
      expectsReply: false,
      provenance: sender.provenance,
      taint: joinTaint(sender.taint, taint),
    })
  }

  async #sendToAll(
    type: MessageType,
    payload: unknown,
    recipients: readonly string[],
    options: CommonSendOptions,
  ): Promise<readonly SendOutcome[]> {
    const { messaging } = this.#mailboxes
    const drawThread = () => this.#recorder.answerNow({ kind: 'thread', name: type.name }, () => messaging.ids.next())
    const threadId = options.threadId ?? drawThread()
    const encoded = this.#encode(type, payload)
    await encoded
    const sent = recipientsOf(recipients, this.#agent).map(async (to): Promise<SendOutcome> => {
      const error = misnamed(to)
      if (error) return { to, success: false, error }
      const { id } = await this.#stage(type, encoded, to, { ...options, threadId })
      return { to, success: true, id, threadId }
    })
    return Promise.all(sent)
  }
}

/** A name that no agent can have fails alone, and is the only thing that is known to fail before the turn commits. */
function misnamed(to: string): TroupeError | undefined {
  try {
    checkName('agent', to)
    return undefined
  } catch (error) {
    if (error instanceof TroupeError) return error
    throw error
  }
}

/** A message that is staged waits for nothing that could be broken off: only the call itself can. */
function unlessAborted({ signal }: CommonSendOptions): void {
  if (signal?.aborted) throw failure('cancelled', { what: 'Sending' }, { cause: signal.reason })
}
