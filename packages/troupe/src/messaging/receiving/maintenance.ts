/**
 * The maintenance of a mailbox: scheduled messages enter their lanes, expired ones are removed, and heads whose
 * receivers died at every attempt become dead letters. Receivers, and senders that need capacity, execute it. Each
 * message is a guarded change of its own, so a repetition has no effect.
 */
import type { Fragment, Row, Statement } from '../../storage/index.ts'
import type { MessagingContext } from '../messaging-context.ts'
import type { Move } from '../statements/move-statements.ts'
import { batchOf } from './batch-membership.ts'
import { notAnswered, notifyUnanswered, unanswered } from './delivery-handle.ts'
import { perhapsDone } from './handled-step.ts'
import { isPriority, offsets, toMessageLocation } from './message-row.ts'

export const toMove = (row: Row): Move => {
  const { user, mailbox, id, lane, bytes } = toMessageLocation(row)
  const priority = String(row.priority)
  return { user, mailbox, id, lane, bytes, offset: isPriority(priority) ? offsets[priority] : 0 }
}

/** The result of one round: the numbers of messages that entered their lanes, and of those that freed capacity. */
export interface MaintenanceResult {
  readonly enqueued: number
  readonly released: number
}

export class Maintenance {
  readonly #messaging: MessagingContext
  readonly #running = new Map<string, Promise<MaintenanceResult>>()

  constructor(messaging: MessagingContext) {
    this.#messaging = messaging
  }

  run(user: string, mailbox: string): Promise<MaintenanceResult> {
    const key = JSON.stringify([user, mailbox])
    const running = this.#running.get(key)
    if (running) return running
    const run = this.#run(user, mailbox).finally(() => this.#running.delete(key))
    this.#running.set(key, run)
    return run
  }

  async #run(user: string, mailbox: string): Promise<MaintenanceResult> {
    const finds = this.#messaging.maintenance
    const of = { user, mailbox }
    const found = await this.#messaging.storage.read({ user }, [finds.due(of), finds.expired(of), finds.exhausted(of)])
    const [due = [], expired = [], exhausted = []] = found
    const moved = this.#bring(user, mailbox, due)
    const released = [
      ...expired.map(async (row) => {
        const location = toMessageLocation(row)
        const done = await this.#change(user, this.#messaging.deliveries.remove(location, 'done', 'expired', false))
        if (!done) return false
        this.#messaging.onEnded(location)
        this.#messaging.emit('message.expired', user, { id: location.id, to: mailbox })
        return true
      }),
      ...exhausted.map((row) => this.#exhaust(row)),
    ]
    const enqueued = await moved
    const count = (await Promise.all(released)).filter(Boolean).length
    if (count > 0) {
      this.#messaging.arrivals.notify(user, mailbox)
      this.#messaging.notifyCapacityFreed({ user, mailbox })
    }
    return { enqueued, released: count }
  }

  #exhaust(row: Row): Promise<boolean> {
    const reason = `its lease ran out at attempt ${Number(row.attempts)}: the consumer vanished, or took too long; ${perhapsDone}`
    const failed = { id: String(row.id), failures: Number(row.failures) }
    return this.#deadLetter(row, reason, this.#messaging.handlingEnded(String(row.user_id), failed, batchOf(row)))
  }

  async #deadLetter(row: Row, reason: string, ended: readonly Statement[] = []): Promise<boolean> {
    const location = toMessageLocation(row)
    const { user, mailbox, id } = location
    const messageType = String(row.type)
    const error = notAnswered(mailbox, messageType, reason)
    const answer = unanswered(this.#messaging, row, error)
    const removed = this.#messaging.deliveries.remove(location, 'dead', reason, row.state === 'scheduled')
    const done = await this.#change(user, [...removed, ...answer.statements, ...ended], answer.wake)
    if (!done) return false
    notifyUnanswered(this.#messaging, row)
    this.#messaging.onEnded(location)
    const fields = { id, to: mailbox, from: String(row.sender), messageType, attempt: Number(row.attempts) }
    this.#messaging.emit('message.dead-lettered', user, fields, () => ({ error }))
    return true
  }

  /** Moves scheduled messages that are due into their lanes, at most 100. @returns how many were moved */
  async bringDue(user: string, mailbox: string): Promise<number> {
    return this.#bring(
      user,
      mailbox,
      await this.#messaging.read(user, this.#messaging.maintenance.due({ user, mailbox })),
    )
  }
  async #bring(user: string, mailbox: string, due: readonly Row[]): Promise<number> {
    const moved = await Promise.all(due.map((row) => this.#change(user, this.#messaging.move.comeDue(toMove(row)))))
    if (due.length > 0) this.#messaging.arrivals.notify(user, mailbox)
    return moved.filter(Boolean).length
  }
  /** Returns the ms until the next scheduled message is due, at most 0 if one is; undefined if there is none. */
  async nextScheduled(user: string, mailbox: string): Promise<number | undefined> {
    const [row] = await this.#messaging.read(user, this.#messaging.maintenance.nextScheduled({ user, mailbox }))
    return row === undefined || row.at === null ? undefined : Number(row.at) - Number(row.now)
  }

  /** Makes an unleased message a dead letter, because it must not be delivered. */
  async reject(row: Row, reason: string): Promise<void> {
    if (await this.#deadLetter(row, reason)) this.#messaging.notifyCapacityFreed(toMessageLocation(row))
  }

  /** Frees capacity in a full mailbox without a loss: removes expired messages, then read ones. */
  async reclaimCapacity(user: string, mailbox: string): Promise<boolean> {
    if ((await this.run(user, mailbox)).released > 0) return true
    const read = await this.#messaging.read(user, this.#messaging.maintenance.read({ user, mailbox }))
    const released = await Promise.all(read.map((row) => this.#removeRead(row)))
    return released.some(Boolean)
  }
  async #removeRead(row: Row): Promise<boolean> {
    const location = toMessageLocation(row)
    const problem = 'it was read, and made room in a full mailbox'
    const answer = unanswered(this.#messaging, row, notAnswered(location.mailbox, String(row.type), problem))
    const removed = [
      ...this.#messaging.deliveries.remove(location, 'done', null, false),
      ...(this.#messaging.signed?.seen(row) ?? []),
    ]
    const done = await this.#change(location.user, [...removed, ...answer.statements], answer.wake)
    if (!done) return false
    notifyUnanswered(this.#messaging, row)
    this.#messaging.onEnded(location)
    return true
  }

  /** @returns false if the guard failed, because another process has made the change */
  async #change(user: string, statements: readonly Statement[], wake: Fragment['wake'] = []): Promise<boolean> {
    return (await this.#messaging.commit(user, statements, null, ['mailboxes', ...wake])).ok
  }
}
