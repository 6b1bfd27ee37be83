/**
 * A reference model of one mailbox, as plain maps without storage and concurrency. Tests compare the real mailbox with it on
 * random sequences.
 */
import { checkOptions, invalidInput } from '../core/index.ts'
import { checkFields } from './check-fields.ts'

/** The settings of a `ReferenceMailbox`. */
export interface ReferenceMailboxSettings {
  /** The duration of a lease in ms. */
  readonly leaseMs: number
  /** The number of deliveries before a message becomes a dead letter. */
  readonly maxAttempts: number
  /** The highest number of messages. */
  readonly maxCount: number
}
/** The priority of a message, as in the real mailbox. */
export type ReferencePriority = 'urgent' | 'high' | 'normal' | 'low'

/** A message that was received. */
export interface ReferenceDelivery {
  /** The payload: a number that is unique in the test. */
  readonly payload: number
  /** The number of the delivery, from 1. */
  readonly attempt: number
  /** The token of the lease. */
  readonly token: number
  /** The name of the lane: priority and sender. */
  readonly lane: string
  /** The number of the last message of its lane that was received in the same call. */
  readonly batchTo: number
}

interface Stored {
  readonly payload: number
  readonly lane: string
  readonly priority: ReferencePriority
  readonly expiresAt: number
  readonly availableAt: number
  seq: number
  due: number
  attempts: number
  token: number
}
const priorityDelayMs = { urgent: 0, high: 5_000, normal: 30_000, low: 120_000 } as const
const noToken = 0

/** The messages of one priority and sender, and the lease of the batch that was received last. */
class Lane {
  readonly messages: Stored[] = []
  token = noToken
  leaseUntil = 0
  notBefore = 0
  lastDue = 0

  enqueue(message: Stored, from: number): void {
    if (this.messages.length === 0) this.notBefore = 0
    message.due = Math.max(this.lastDue, from + priorityDelayMs[message.priority])
    this.lastDue = message.due
    this.messages.push(message)
  }
  remove(message: Stored): void {
    this.messages.splice(this.messages.indexOf(message), 1)
  }
  releaseIfDone(): void {
    if (!this.messages.some(({ token }) => token === this.token)) this.token = noToken
  }
  isLeased(message: Stored, now: number): boolean {
    return message.token !== noToken && message.token === this.token && this.leaseUntil > now
  }
  hasExpired(message: Stored, now: number): boolean {
    return message.expiresAt <= now && !this.isLeased(message, now)
  }
  isExhausted(maxAttempts: number, now: number): boolean {
    const [head] = this.messages
    return head !== undefined && this.token !== noToken && this.leaseUntil <= now && head.attempts >= maxAttempts
  }
}

function checkDelivery(delivery: ReferenceDelivery): void {
  const types = { payload: 'number', attempt: 'number', token: 'number', lane: 'string', batchTo: 'number' } as const
  checkFields('The delivery of ReferenceMailbox', delivery, types)
}

/**
 * A reference model of one mailbox: lanes, leases, ageing, delays, expiry and dead letters, without storage and
 * concurrency. Tests compare the real one with it.
 */
export class ReferenceMailbox {
  readonly #settings: ReferenceMailboxSettings
  readonly #lanes = new Map<string, Lane>()
  /** The payloads of the dead letters, in the order in which they became dead letters. */
  readonly dead: number[] = []
  #scheduled: Stored[] = []
  #seq = 0
  #token = noToken
  #now = 0

  constructor(settings: ReferenceMailboxSettings) {
    checkFields('ReferenceMailbox', settings, { leaseMs: 'number', maxAttempts: 'number', maxCount: 'number' })
    this.#settings = settings
  }

  /** The time in ms. Setting it moves scheduled messages that are due into their lanes. */
  get now(): number {
    return this.#now
  }
  /** Moves scheduled messages that are due at the new time into their lanes. */
  set now(ms: number) {
    this.#now = ms
    this.#bringDue()
  }

  /**
   * Sends a message. Returns false if the mailbox is full.
   * @param options.delayMs the time in ms until the message is delivered; 0 by default
   * @param options.ttlMs the time in ms after the delay at which the message expires; never by default
   */
  send(
    payload: number,
    sender: string,
    priority: ReferencePriority,
    options: { readonly delayMs?: number; readonly ttlMs?: number } = {},
  ): boolean {
    checkFields('ReferenceMailbox.send', { payload, sender }, { payload: 'number', sender: 'string' })
    checkOptions('ReferenceMailbox.send', options, ['delayMs', 'ttlMs'])
    checkFields('ReferenceMailbox.send', options, { delayMs: 'number?', ttlMs: 'number?' })
    if (!Object.keys(priorityDelayMs).some((known) => known === priority))
      throw invalidInput('ReferenceMailbox.send', 'it has no such priority')
    const { delayMs = 0, ttlMs } = options
    if (
      this.#count() >= this.#settings.maxCount &&
      (this.#maintenance() === 0 || this.#count() >= this.#settings.maxCount)
    )
      return false
    const availableAt = this.now + delayMs
    const expiresAt = ttlMs === undefined ? Number.POSITIVE_INFINITY : availableAt + ttlMs
    const lane = `${priority} ${sender}`
    const stored = {
      payload,
      lane,
      priority,
      expiresAt,
      availableAt,
      seq: ++this.#seq,
      due: 0,
      attempts: 0,
      token: noToken,
    }
    if (delayMs > 0) this.#scheduled.push(stored)
    else this.#laneOf(lane).enqueue(stored, this.now)
    return true
  }

  /** Leases up to `max` messages. */
  receive(max: number): readonly ReferenceDelivery[] {
    checkFields('ReferenceMailbox.receive', { max }, { max: 'number' })
    for (;;) {
      const overdue = this.#overdue()
      const deliveries = this.#claim(max)
      const released = overdue ? this.#maintenance() : 0
      if (deliveries.length > 0 || released === 0) return deliveries
    }
  }

  /** Acknowledges a message. Returns false if its lease is lost. */
  ack(delivery: ReferenceDelivery): boolean {
    checkDelivery(delivery)
    const found = this.#leased(delivery)
    if (!found) return false
    found.lane.remove(found.message)
    found.lane.releaseIfDone()
    return true
  }

  /**
   * Rejects a message, which is delivered again after `delayMs` or becomes a dead letter. Returns false if its lease is
   * lost.
   */
  nack(delivery: ReferenceDelivery, delayMs: number): boolean {
    checkDelivery(delivery)
    checkFields('ReferenceMailbox.nack', { delayMs }, { delayMs: 'number' })
    const found = this.#leased(delivery)
    if (!found) return false
    const { lane, message } = found
    const last = delivery.attempt >= this.#settings.maxAttempts
    for (const successor of lane.messages)
      if (successor.token === delivery.token && successor.seq > message.seq && successor.seq <= delivery.batchTo) {
        successor.token = noToken
        successor.attempts -= 1
      }
    message.token = noToken
    if (last) {
      this.dead.push(message.payload)
      lane.remove(message)
    }
    if (!last) lane.notBefore = this.now + delayMs
    lane.releaseIfDone()
    return true
  }

  /** Returns the number of messages by their state. */
  counts(): {
    /** Messages that are not leased and have not expired. */
    readonly waiting: number
    /** Leased messages. */
    readonly leased: number
    /** Dead letters. */
    readonly dead: number
    /** Messages whose delay has not passed. */
    readonly scheduled: number
  } {
    const alive = [...this.#lanes.values()].flatMap((lane) => lane.messages.map((message) => ({ lane, message })))
    const unleased = alive.filter(({ lane, message }) => !lane.isLeased(message, this.now))
    const waiting = unleased.map(({ message }) => message)
    return {
      waiting: waiting.filter(({ expiresAt }) => expiresAt > this.now).length,
      leased: alive.length - unleased.length,
      dead: this.dead.length,
      scheduled: this.#scheduled.length,
    }
  }

  #count(): number {
    return this.#scheduled.length + [...this.#lanes.values()].reduce((sum, { messages }) => sum + messages.length, 0)
  }
  #laneOf(name: string): Lane {
    const lane = this.#lanes.get(name) ?? new Lane()
    this.#lanes.set(name, lane)
    return lane
  }
  #leased({
    payload,
    token,
    lane: name,
  }: ReferenceDelivery): { readonly lane: Lane; readonly message: Stored } | undefined {
    const lane = this.#laneOf(name)
    const message = lane.messages.find((candidate) => candidate.payload === payload && candidate.token === token)
    return message && lane.token === token ? { lane, message } : undefined
  }

  #claim(max: number): readonly ReferenceDelivery[] {
    const token = ++this.#token
    const { leaseMs, maxAttempts } = this.#settings
    const free = [...this.#lanes.values()].filter((lane) => {
      const [head] = lane.messages
      const open = lane.token === noToken || lane.leaseUntil <= this.now
      return head && open && lane.notBefore <= this.now && head.attempts < maxAttempts && head.expiresAt > this.now
    })
    const byDue = (a: Stored, b: Stored) => a.due - b.due || a.seq - b.seq
    const lanes = free.sort((a, b) => byDue(a.messages[0] as Stored, b.messages[0] as Stored)).slice(0, max)
    const offered = lanes.flatMap(({ messages }) => {
      const candidates = messages.slice(0, max)
      const stop = candidates.findIndex(({ attempts }, i) => i > 0 && attempts + 1 >= maxAttempts)
      return (stop < 0 ? candidates : candidates.slice(0, stop)).filter(({ expiresAt }) => expiresAt > this.now)
    })
    const chosen = offered.sort(byDue).slice(0, max)
    for (const lane of lanes) {
      lane.token = chosen.some((message) => lane.messages.includes(message)) ? token : noToken
      lane.leaseUntil = this.now + leaseMs
    }
    for (const message of chosen) {
      message.token = token
      message.attempts += 1
    }
    return chosen.map(({ payload, attempts, lane }) => {
      const batchTo = Math.max(...chosen.filter((other) => other.lane === lane).map(({ seq }) => seq))
      return { payload, attempt: attempts, token, lane, batchTo }
    })
  }

  #bringDue(): void {
    const due = this.#scheduled.filter(this.#isDue).sort((a, b) => a.availableAt - b.availableAt || a.seq - b.seq)
    this.#scheduled = this.#scheduled.filter((message) => !this.#isDue(message))
    for (const message of due) {
      message.seq = ++this.#seq
      this.#laneOf(message.lane).enqueue(message, message.availableAt)
    }
  }
  #isDue = ({ availableAt }: Stored) => availableAt <= this.now
  #overdue(): boolean {
    const lanes = [...this.#lanes.values()]
    return lanes.some(
      (lane) =>
        lane.isExhausted(this.#settings.maxAttempts, this.now) ||
        lane.messages.some((message) => lane.hasExpired(message, this.now)),
    )
  }
  /** Removes expired and exhausted messages and returns their number. */
  #maintenance(): number {
    const exhausted = [...this.#lanes.values()]
      .filter((lane) => lane.isExhausted(this.#settings.maxAttempts, this.now))
      .map((lane) => lane.messages[0] as Stored)
    const expired = [...this.#lanes.values()].flatMap((lane) =>
      lane.messages.filter((message) => lane.hasExpired(message, this.now)),
    )
    for (const message of expired) this.#laneOf(message.lane).remove(message)
    const deadLettered = exhausted.filter((message) => !expired.includes(message))
    for (const message of deadLettered) {
      this.#laneOf(message.lane).remove(message)
      this.dead.push(message.payload)
    }
    return expired.length + deadLettered.length
  }
}
