/** The messages of one stage of a step: staged in the order of the calls, reported after the commit of the turn. */
import { type Json, joinTaint, MacrotaskQueue, TimeSlice } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { Fragment } from '../../storage/index.ts'
import { deepFreeze } from '../message.ts'
import type { SentMessage } from '../message-client.ts'
import { decodePart } from '../message-type.ts'
import type { MessagingContext } from '../messaging-context.ts'
import type { OutgoingMessage } from '../statements/send-statements.ts'
import type { MessageDraft, Sender } from './compose-message.ts'
import type { Send } from './send-port.ts'

/** After this number of sends, the stage lets timers and sockets run. */
const maxSends = 100

const noStatements: Fragment = { statements: [] }

export class MessageStage {
  readonly #messaging: MessagingContext
  readonly #recorder: Recorder
  readonly #entered = new Map<string, OutgoingMessage>()
  /** The statements of the change that is being prepared. */
  readonly #added: OutgoingMessage[] = []
  readonly #macrotasks: MacrotaskQueue
  /** Payloads are checked asynchronously and staged in the order of the calls. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(messaging: MessagingContext, recorder: Recorder) {
    this.#messaging = messaging
    this.#recorder = recorder
    this.#macrotasks = new MacrotaskQueue(messaging.clock, maxSends)
    recorder.onCommitted(() => void this.#report())
  }

  readonly send: Send = ({ draft, at, payload, sender: senderNow }) => {
    const before = this.#last
    const sent = (async () => {
      await before
      // A loop of sends would otherwise run in microtasks alone and block timers.
      const turn = this.#macrotasks.next
      if (turn) await turn
      this.#macrotasks.spend(1)
      const encoded = await payload
      const sender = senderNow()
      const { id, to, type, options } = draft
      const outgoing = this.#messaging.compose(sender, draft, encoded, at)
      this.#recorder.stage({
        call: { kind: 'send', name: `${type.name} to ${to}` },
        module: 'messages',
        fragment: () => this.#add(outgoing),
        rest: this.#enterAll,
      })
      const { threadId } = options
      const message = async () => {
        const stored = await decodePart(encoded, this.#messaging.clock)
        return stagedMessage(draft, stored, sender, at)
      }
      return { id, ...(threadId === undefined ? {} : { threadId }), message }
    })()
    this.#last = sent.catch(() => {})
    return sent
  }

  /** Stores the message in its mailbox, or in the outbox if the mailbox is full. */
  enter(outgoing: OutgoingMessage): Fragment {
    this.#entered.set(outgoing.id, outgoing)
    return { statements: this.#messaging.enqueueOrDefer(outgoing), wake: ['mailboxes', 'outbox'] }
  }

  #add(outgoing: OutgoingMessage): Fragment {
    this.#added.push(outgoing)
    return noStatements
  }

  /** Returns the statements of the added messages, by mailbox. The order within a mailbox is the order of the calls. */
  readonly #enterAll = async (): Promise<Fragment> => {
    const added = this.#added.splice(0)
    if (added.length === 1) return this.enter(added[0] as OutgoingMessage)
    const slice = new TimeSlice(this.#messaging.clock)
    for (const outgoing of added) {
      this.#entered.set(outgoing.id, outgoing)
      if (slice.isOver) await slice.renew()
    }
    return { statements: await this.#messaging.enqueueAllOrDefer(added), wake: ['mailboxes', 'outbox'] }
  }

  /** Emits an event for each message, in shares of the processor's time: a turn may hold very many. */
  async #report(): Promise<void> {
    const messaging = this.#messaging
    const slice = new TimeSlice(messaging.clock)
    const sent = [...this.#entered.values()]
    this.#entered.clear()
    for (const recipient of new Set(sent.map(({ mailbox }) => mailbox)))
      messaging.arrivals.notify(this.#recorder.principal.userId, recipient)
    for (const outgoing of sent) {
      if (slice.isOver) await slice.renew()
      messaging.sent(outgoing)
    }
  }
}

/** Returns the fields that are known before the commit: no expiry, duplicate or dropped messages. */
function stagedMessage(
  { id, to, type, options }: MessageDraft,
  payload: Json,
  sender: Sender,
  at: number,
): SentMessage {
  const { priority = 'normal', threadId, correlationId, metadata = {}, requiresConfirmation = false, taint } = options
  return deepFreeze({
    id,
    from: sender.agent,
    to,
    type: type.name,
    version: type.version,
    payload,
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
