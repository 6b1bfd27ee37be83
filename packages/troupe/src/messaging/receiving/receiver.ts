/** Receives messages from a mailbox: claims lanes, waits for a claimable lane, and checks the claimed messages. */
import {
  checkOptions,
  checkSignal,
  failure,
  invalidInput,
  type Json,
  listOf,
  messageWithId,
  milliseconds,
  show,
  storeError,
  TroupeError,
} from '../../core/index.ts'
import type { Row } from '../../storage/index.ts'
import type { ReceiveOptions } from '../mailbox.ts'
import { checkMessageType, decodePayload, type MessageType } from '../message-type.ts'
import type { MessagingContext } from '../messaging-context.ts'
import type { MessageLease } from '../statements/delivery-statements.ts'
import type { Except } from '../statements/fits.ts'
import { DeliveryHandle, leasesOf } from './delivery-handle.ts'
import type { Maintenance } from './maintenance.ts'
import { isUnreadable, kindsOf, readableOf, toMessage, toMessageLocation } from './message-row.ts'

/** The identity of a delivery within its mailbox. */
export type DeliveryLease = Pick<MessageLease, 'id' | 'token' | 'batchFrom' | 'batchTo'>

export interface ReceiveRequest {
  readonly max: number
  /** Messages of one lane at most; `max` where absent. */
  readonly perLane?: number
  /** The maximal wait; undefined for no limit. */
  readonly waitMs: number | undefined
  /** The accepted types; all if empty. */
  readonly types: readonly (MessageType | string)[]
  /** The excluded types, with the types that extend them. */
  readonly except?: readonly Except[]
  /** Only messages of this interrupted batch; null for messages of no batch; absent for all. */
  readonly batch?: string | null
  /** If set, exactly this number of messages is received, or none. */
  readonly all?: number
  /** Definitions to check payloads by, besides those in `types`. */
  readonly known?: readonly MessageType[]
  readonly signal: AbortSignal | undefined
}

/** @throws ValidationError */
export function wantedOf(options: ReceiveOptions): ReceiveRequest {
  checkOptions('receive', options, ['max', 'wait', 'types', 'signal'])
  const max = options.max ?? 10
  if (!Number.isInteger(max) || max < 1 || max > 1_000)
    throw invalidInput('max', `it must be a whole number from 1 to 1,000, not ${show(max)}`)
  checkSignal('receive', options.signal)
  const types = [...listOf('types', options.types ?? [])]
  for (const type of types) if (typeof type !== 'string') checkMessageType(type)
  return { max, waitMs: milliseconds(options.wait ?? '0ms', 'wait'), types, signal: options.signal }
}

const nameOf = (type: MessageType | string) => (typeof type === 'string' ? type : type.name)

export class Receiver {
  readonly #messaging: MessagingContext
  readonly #maintenance: Maintenance

  constructor(messaging: MessagingContext, maintenance: Maintenance) {
    this.#messaging = messaging
    this.#maintenance = maintenance
  }

  /** @returns up to `max`, in the order of their virtual deadlines; none when the time is over */
  async receive(user: string, mailbox: string, wanted: ReceiveRequest): Promise<readonly DeliveryHandle[]> {
    const until = wanted.waitMs === undefined ? undefined : this.#messaging.clock.monotonic() + wanted.waitMs
    for (;;) {
      const listening = this.#messaging.arrivals.listen(user, mailbox)
      try {
        if (wanted.signal?.aborted) await listening.wait(0, wanted.signal)
        const { deliveries, at } = await this.#claim(user, mailbox, wanted)
        if (deliveries.length > 0) return deliveries
        const left = until === undefined ? undefined : until - this.#messaging.clock.monotonic()
        if (left !== undefined && left <= 0) return []
        const next = await this.next(user, mailbox, at)
        await listening.wait(
          left === undefined || next === undefined ? (next ?? left) : Math.min(left, next),
          wanted.signal,
        )
      } finally {
        listening.end()
      }
    }
  }

  /**
   * Returns a delivery of an earlier claim, perhaps of another process. It can be ended while its lease is valid.
   * @throws LeaseLostError for a message that does not exist any more
   */
  async findDelivery(user: string, mailbox: string, lease: DeliveryLease): Promise<DeliveryHandle> {
    const { id, token, batchFrom, batchTo } = lease
    const [row] = await this.#messaging.read(user, this.#messaging.mailboxReads.one({ user, mailbox, id }))
    if (!row) throw failure('lease.lost', { message: id })
    // Ending a delivery does not need its payload.
    return new DeliveryHandle(this.#messaging, row, toMessage(row, null), {
      ...toMessageLocation(row),
      token,
      batchFrom,
      batchTo,
    })
  }

  /** Returns the ms until the next time after `since` at which more may be delivered; undefined if there is none. */
  async next(user: string, mailbox: string, since: number): Promise<number | undefined> {
    const [row] = await this.#messaging.read(user, this.#messaging.claim.next({ user, mailbox, since }))
    return row === undefined || row.at === null ? undefined : Math.max(0, Number(row.at) - Number(row.now))
  }

  async #claim(
    user: string,
    mailbox: string,
    wanted: ReceiveRequest,
  ): Promise<{ deliveries: readonly DeliveryHandle[]; at: number }> {
    for (;;) {
      const token = this.#messaging.ids.next()
      const { max, perLane = max, except = [], batch, all } = wanted
      const types = wanted.types.map(nameOf)
      const which = batch === undefined ? { types, except } : { types, except, batch }
      const claim = { user, mailbox, token, max, perLane, all, ...which }
      const result = await this.#messaging.commit(user, this.#messaging.claim.claim(claim), `claim:${token}`, [])
      if (!result.ok) {
        if (all === undefined) throw failure('invariant.broken', { rule: 'a claim expects nothing' })
        // An expired message may block the wanted ones of its lane.
        await this.#maintenance.run(user, mailbox)
        return { deliveries: [], at: 0 }
      }
      const [overdue, , deliveredRows] = result.rows
      const rows =
        deliveredRows ?? (await this.#messaging.read(user, this.#messaging.claim.claimed({ user, mailbox, token })))
      const overdueNow = Number(overdue?.[0]?.due) === 1
      const deliveries = await this.#deliver(rows, token, wanted)
      const maintained = overdueNow ? await this.#maintenance.run(user, mailbox) : undefined
      if (deliveries.length > 0) return { deliveries, at: result.at }
      // The claim is repeated only after progress, so that a guard that always fails causes no busy loop.
      const progress = rows.length > 0 || (maintained !== undefined && maintained.enqueued + maintained.released > 0)
      if (!progress) return { deliveries, at: result.at }
    }
  }

  async #deliver(rows: readonly Row[], token: string, wanted: ReceiveRequest): Promise<readonly DeliveryHandle[]> {
    const sorted = [...rows].sort((a, b) => Number(a.due) - Number(b.due) || Number(a.seq) - Number(b.seq))
    const lease = leasesOf(sorted, token)
    const unproven = await this.#messaging.unproven(sorted[0] ? String(sorted[0].user_id) : '', sorted)
    const lost = new Set<string>()
    const deliveries: DeliveryHandle[] = []
    for (const [i, row] of sorted.entries()) {
      const location = lease[i] as MessageLease
      if (lost.has(location.lane)) continue
      const delivery = await this.#decode(row, location, wanted, unproven.get(location.id))
      if (delivery) deliveries.push(delivery)
      else lost.add(location.lane)
    }
    for (const { message, attempt, lease: location } of deliveries)
      this.#messaging.emit('message.received', location.user, {
        id: message.id,
        from: message.from,
        to: message.to,
        messageType: message.type,
        attempt,
        waitedMs: Math.max(0, this.#messaging.clock.now() - Date.parse(message.timestamp)),
      })
    return deliveries
  }

  /**
   * A message that does not fit its type, or whose signature is not valid, becomes a dead letter at once, since a retry
   * would change nothing.
   */
  async #decode(
    row: Row,
    lease: MessageLease,
    wanted: ReceiveRequest,
    unproven: TroupeError | undefined,
  ): Promise<DeliveryHandle | undefined> {
    let stored: Json
    try {
      if (unproven) throw unproven
      stored = await this.#messaging.payloadOf(row)
    } catch (error) {
      if (error !== unproven && !isUnreadable(error)) throw error
      return this.#deadLetter(row, lease, error)
    }
    const { type, version } = nearestOf(row, [...wanted.types, ...(wanted.known ?? [])])
    try {
      const payload = await decodePayload(type, version, stored)
      return new DeliveryHandle(this.#messaging, row, toMessage(row, payload, type?.version ?? version), lease)
    } catch (error) {
      return this.#deadLetter(row, lease, error)
    }
  }
  async #deadLetter(row: Row, lease: MessageLease, error: unknown): Promise<undefined> {
    const reason = messageWithId(storeError(error))
    const delivery = new DeliveryHandle(this.#messaging, row, readableOf(row), lease)
    await delivery.deadLetter(reason, undefined, error).catch((lost: unknown) => {
      if (!(lost instanceof TroupeError && lost.code === 'lease.lost')) throw lost
    })
  }
}

/** Returns the definition of the message's own type, or else of the nearest type that it extends. */
function nearestOf(row: Row, known: readonly (MessageType | string)[]) {
  for (const { name, version } of kindsOf(row)) {
    const type = known.find((one): one is MessageType => typeof one !== 'string' && one.name === name)
    if (type) return { type, version }
  }
  return { type: undefined, version: Number(row.version) }
}
