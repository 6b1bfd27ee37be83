/**
 * The messages that a full mailbox holds back: messages of committed turns, and notices of the library. They wait for
 * capacity (`wait`), remove older messages (`drop-oldest`), or return to their sender as `message.rejected` (`reject`).
 */
import { failure, storeError, TimeSlice } from '../../core/index.ts'
import type { Fragment, Row } from '../../storage/index.ts'
import type { MessagingContext } from '../messaging-context.ts'
import { unanswered } from '../receiving/delivery-handle.ts'
import { type Maintenance, toMove } from '../receiving/maintenance.ts'
import { replyToOf, toMessageLocation } from '../receiving/message-row.ts'
import { maxHeldMailboxes } from '../statements/maintenance-statements.ts'
import { mailboxLimitText } from '../statements/send-statements.ts'
import { MessageConfirmed, MessageRejected } from './message-confirmed.ts'
import type { OutboundQueue } from './outbound-queue.ts'

/** Notices are never returned, because their return could be held back again without end. */
const systemMessageTypes: readonly string[] = [MessageRejected.name, MessageConfirmed.name]

export class Outbox {
  readonly #messaging: MessagingContext
  readonly #outboundQueue: OutboundQueue
  readonly #maintenance: Maintenance
  /** True if mailboxes hold messages back, whose free capacity is worth a check. */
  #holding = false
  #running: Promise<void> | undefined
  #needsRecheck = false
  #closed = false

  constructor(messaging: MessagingContext, outboundQueue: OutboundQueue, maintenance: Maintenance) {
    this.#messaging = messaging
    this.#outboundQueue = outboundQueue
    this.#maintenance = maintenance
  }
  get holding(): boolean {
    return this.#holding
  }

  /**
   * Checks all held messages, and repeats the check if one is requested during it. Never rejects; failures are retried
   * at the next wake-up.
   */
  pump(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#needsRecheck = this.#running !== undefined
    this.#running ??= this.#pump()
      .catch((error: unknown) => this.#messaging.emit('outbox.failed', undefined, { code: codeOf(error) }))
      .finally(() => {
        this.#running = undefined
        if (this.#needsRecheck) void this.pump()
      })
    return this.#running
  }
  async close(): Promise<void> {
    this.#closed = true
    this.#needsRecheck = false
    await this.#running
  }

  async #pump(): Promise<void> {
    let isHolding = false
    for (let [user, mailbox] = ['', '']; ; ) {
      const statement = this.#messaging.maintenance.heldAnywhere({ user, mailbox })
      const [rows = []] = await this.#messaging.storage.read({ work: true }, [statement])
      // Capacity that is freed meanwhile is worth another check.
      if (rows.length > 0) this.#holding = true
      for (const row of rows) {
        if (this.#closed) return
        ;[user, mailbox] = [String(row.user_id), String(row.mailbox)]
        if (!(await this.#releaseMailboxOf(user, mailbox))) isHolding = true
      }
      if (rows.length < maxHeldMailboxes) break
    }
    this.#holding = isHolding
  }

  /** A mailbox that fails, such as one with content that cannot be decrypted, must not stop those of other users. */
  #releaseMailboxOf(user: string, mailbox: string): Promise<boolean> {
    return this.#releaseMailbox(user, mailbox).catch((error: unknown) => {
      this.#messaging.emit('outbox.failed', user, { code: codeOf(error) })
      return false
    })
  }

  /** @returns true if no message is held back any more */
  async #releaseMailbox(user: string, mailbox: string): Promise<boolean> {
    // A database in memory answers in microtasks alone, and a mailbox may hold back very many messages.
    const slice = new TimeSlice(this.#messaging.clock)
    for (;;) {
      const rows = await this.#messaging.read(user, this.#messaging.maintenance.held({ user, mailbox }))
      if (rows.length === 0) {
        await this.#messaging.commit(user, [this.#messaging.move.forgetHeld({ user, mailbox })], null, [])
        return true
      }
      let delivered = 0
      for (const row of rows) {
        if (slice.isOver) await slice.renew()
        if (this.#closed || !(await this.#releaseMessage(row))) break
        delivered += 1
      }
      if (delivered === 0) return false
    }
  }

  /** @returns true if the message is no longer held back */
  async #releaseMessage(row: Row): Promise<boolean> {
    const move = toMove(row)
    const { user, mailbox } = move
    for (let attempt = 0; attempt < 3; attempt++) {
      const victims = attempt === 0 ? [] : await this.#victims(row)
      if (victims === undefined) break
      const { statements, wake } = this.#outboundQueue.drop(victims)
      const result = await this.#messaging.commit(
        user,
        [...statements, ...this.#messaging.move.releaseFromOutbox(move)],
        null,
        wake,
      )
      if (result.ok) {
        this.#messaging.arrivals.notify(user, mailbox)
        this.#outboundQueue.dropped(victims)
        return true
      }
      if (attempt === 0) await this.#maintenance.reclaimCapacity(user, mailbox)
    }
    const isRejecting =
      this.#messaging.settings.backpressure === 'reject' && !systemMessageTypes.includes(String(row.type))
    return isRejecting && this.#reject(row)
  }
  async #victims(row: Row): Promise<readonly Row[] | undefined> {
    if (this.#messaging.settings.backpressure !== 'drop-oldest') return []
    return this.#outboundQueue.victims(String(row.user_id), String(row.mailbox), Number(row.bytes))
  }

  async #reject(row: Row): Promise<boolean> {
    const { user, mailbox, id } = toMove(row)
    const sender = String(row.sender)
    const reply = replyToOf(row) ? this.#unanswered(row) : this.#systemMessage(row)
    const statements = [this.#messaging.move.reject({ user, id }), ...reply.statements]
    const result = await this.#messaging.commit(user, statements, null, ['mailboxes', 'outbox', ...(reply.wake ?? [])])
    if (result.ok) {
      this.#messaging.arrivals.notify(user, sender)
      this.#messaging.onEnded(toMessageLocation(row))
      this.#messaging.emit('message.rejected', user, { id, from: sender, to: mailbox, messageType: String(row.type) })
    }
    return result.ok
  }
  #unanswered(row: Row): Fragment {
    const full = failure('mailbox.full', {
      mailbox: String(row.mailbox),
      limit: mailboxLimitText(this.#messaging.settings),
    })
    return unanswered(this.#messaging, row, storeError(full))
  }
  /** Returns the message to its sender, which does not wait for it. */
  #systemMessage(row: Row): Fragment {
    const { user, mailbox, id } = toMove(row)
    const reason = `the mailbox of ${mailbox} is full: ${mailboxLimitText(this.#messaging.settings)}`
    const systemMessage = this.#messaging.systemMessage(`${id}-refused`, {
      user,
      from: mailbox,
      to: String(row.sender),
      type: MessageRejected,
      payload: { id, to: mailbox, type: String(row.type), reason },
      correlationId: String(row.correlation_id ?? id),
      threadId: row.thread_id === null || row.thread_id === undefined ? undefined : String(row.thread_id),
    })
    return { statements: this.#messaging.enqueueOrDefer(systemMessage) }
  }
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown')
