/**
 * Stores messages in mailboxes and applies backpressure. Sends of one lane start in the order of their calls. While one of them
 * waits for capacity, later sends wait behind it, and sends in progress try again in that order.
 */
import { failure, whenAborted } from '../../core/index.ts'
import type { CommitResult, Fragment, Row, Statement } from '../../storage/index.ts'
import { commitRejection, type MessagingContext } from '../messaging-context.ts'
import { notAnswered, notifyUnanswered, unanswered } from '../receiving/delivery-handle.ts'
import type { Maintenance } from '../receiving/maintenance.ts'
import { rowOf, toMessageLocation } from '../receiving/message-row.ts'
import { mailboxLimitText, type OutgoingMessage } from '../statements/send-statements.ts'

export interface SendReceipt {
  /** The stored message, or the first message if the dedupe id was used before. */
  readonly row: Row
  readonly duplicate: boolean
  readonly dropped: readonly string[]
}

/** The number of attempts to drop messages; other senders may take the freed capacity. */
const maxDrops = 20
/** The number of checks for capacity before a send is rejected; other senders may take free capacity. */
const maxCapacityChecks = 5
/** How many of the oldest messages are read to be dropped; more only if a large message needs the capacity of many. */
const fewVictims = 100
const maxVictims = 10_000

type Drop = Required<Pick<Fragment, 'statements' | 'wake'>>
/** The options of most sends. */
const noDrop: Drop = { statements: [], wake: ['mailboxes'] }

/** @throws CancelledError when the signal aborts first */
async function unlessAborted(turn: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return void (await turn)
  const cancelled = () => failure('cancelled', { what: 'Sending' }, { cause: signal.reason })
  if (signal.aborted) throw cancelled()
  const aborted = Promise.withResolvers<never>()
  const stopWatching = whenAborted(signal, () => aborted.reject(cancelled()))
  try {
    await Promise.race([turn, aborted.promise])
  } finally {
    stopWatching()
  }
}

/**
 * Resolves when a send and those before it have ended. `Promise.allSettled` made a send 8 % slower in memory, because each send
 * calls this three times.
 * @param before a promise that never rejects
 */
function afterBoth(before: Promise<void>, one: Promise<unknown>): Promise<void> {
  const afterPrevious = () => before
  return one.then(afterPrevious, afterPrevious)
}

/** The sends of one lane in progress in this process. */
class Lane {
  /** Resolves when all have started. */
  begun: Promise<void> = Promise.resolve()
  /** Resolves when all started sends know whether there was capacity at once. */
  tried: Promise<void> = Promise.resolve()
  /** Resolves when all have ended. */
  finished: Promise<void> = Promise.resolve()
  /** The sends that wait for capacity. */
  blocked = 0
  /** The number of the last call, and of the last one whose message is in its mailbox. */
  last = 0
  enqueued = 0
}
/** One send of a lane. */
interface LanePosition {
  readonly lane: Lane
  readonly number: number
  /** Resolves when the sends before it have ended. */
  readonly turn: Promise<void>
}

interface SendTerms {
  readonly signal?: AbortSignal | undefined
  /** Statements of the same change. */
  readonly also?: readonly Statement[]
}

export class OutboundQueue {
  readonly #messaging: MessagingContext
  readonly #maintenance: Maintenance
  readonly #lanes = new Map<string, Lane>()

  constructor(messaging: MessagingContext, maintenance: Maintenance) {
    this.#messaging = messaging
    this.#maintenance = maintenance
  }

  /** @param name the name of the lane, whose sends keep the order of the calls */
  async send(name: string, prepared: Promise<OutgoingMessage>, terms: SendTerms = {}): Promise<SendReceipt> {
    prepared.catch(() => {})
    const lane = this.#lanes.get(name) ?? new Lane()
    this.#lanes.set(name, lane)
    const { begun: before, finished: turn } = lane
    const position = { lane, number: ++lane.last, turn }
    const begun = (async () => {
      await unlessAborted(before, terms.signal)
      const outgoing = await prepared
      if (lane.blocked > 0 || this.#messaging.settings.backpressure !== 'reject')
        await unlessAborted(turn, terms.signal)
      return { sent: this.#send(position, outgoing, terms) }
    })()
    // An aborted send does not let the next one overtake those before it.
    lane.begun = afterBoth(before, begun)
    const over = afterBoth(
      turn,
      begun.then(({ sent }) => sent),
    )
    lane.finished = over
    void over.then(() => {
      if (lane.finished === over) this.#lanes.delete(name)
    })
    return (await begun).sent
  }

  async #send(position: LanePosition, outgoing: OutgoingMessage, terms: SendTerms): Promise<SendReceipt> {
    const { lane, number } = position
    const trying = this.#trySend(outgoing, terms, [])
    lane.tried = afterBoth(lane.tried, trying)
    const sent = (await trying) ?? (await this.#applyBackpressure(position, outgoing, terms))
    lane.enqueued = Math.max(lane.enqueued, number)
    return sent
  }

  async #applyBackpressure(
    { lane, number, turn }: LanePosition,
    outgoing: OutgoingMessage,
    terms: SendTerms,
  ): Promise<SendReceipt> {
    const { user, mailbox } = outgoing
    const { backpressure } = this.#messaging.settings
    lane.blocked++
    try {
      const made = this.#maintenance.reclaimCapacity(user, mailbox)
      made.catch(() => {})
      await unlessAborted(afterBoth(turn, lane.tried), terms.signal)
      // A later send has found capacity meanwhile, so this one would be out of order.
      if (lane.enqueued > number && backpressure === 'reject') throw this.#full(mailbox)
      const sent = await this.#retrySend(outgoing, terms, made)
      if (sent) return sent
      if (backpressure === 'wait') return await this.#wait(outgoing, terms)
      if (backpressure === 'drop-oldest') return await this.#drop(outgoing, terms)
      throw this.#full(mailbox)
    } finally {
      lane.blocked--
    }
  }
  /** @param made true if expired messages freed capacity */
  async #retrySend(
    outgoing: OutgoingMessage,
    terms: SendTerms,
    made: Promise<boolean>,
  ): Promise<SendReceipt | undefined> {
    const { user, mailbox } = outgoing
    for (let attempt = 0; attempt < maxCapacityChecks; attempt++) {
      const found = attempt === 0 ? made : this.#maintenance.reclaimCapacity(user, mailbox)
      if (!(await found) && !(await this.#fits(outgoing))) return undefined
      const sent = await this.#trySend(outgoing, terms, [])
      if (sent) return sent
    }
    return undefined
  }
  async #fits({ user, mailbox, bytes }: OutgoingMessage): Promise<boolean> {
    const { maxCount, maxBytes } = this.#messaging.settings
    const [usage] = await this.#messaging.read(user, this.#messaging.maintenance.usage({ user, mailbox }))
    return Number(usage?.count ?? 0) < maxCount && Number(usage?.bytes ?? 0) + bytes <= maxBytes
  }

  #full(mailbox: string): Error {
    return failure('mailbox.full', { mailbox, limit: mailboxLimitText(this.#messaging.settings) })
  }

  async #wait(outgoing: OutgoingMessage, terms: SendTerms): Promise<SendReceipt> {
    const { user, mailbox } = outgoing
    for (;;) {
      const listening = this.#messaging.capacity.listen(user, mailbox)
      try {
        // After `listen`: a signal of capacity that comes before it would be lost.
        await this.#maintenance.reclaimCapacity(user, mailbox)
        const sent = await this.#trySend(outgoing, terms, [])
        if (sent) return sent
        await listening.wait(await this.#nextExpiry(user, mailbox), terms.signal)
      } finally {
        listening.end()
      }
    }
  }
  async #nextExpiry(user: string, mailbox: string): Promise<number | undefined> {
    const [row] = await this.#messaging.read(user, this.#messaging.maintenance.nextExpiry({ user, mailbox }))
    return row === undefined || row.at === null ? undefined : Math.max(1, Number(row.at) - Number(row.now))
  }

  async #drop(outgoing: OutgoingMessage, terms: SendTerms): Promise<SendReceipt> {
    const { user, mailbox } = outgoing
    for (let attempt = 0; attempt < maxDrops; attempt++) {
      const victims = await this.victims(user, mailbox, outgoing.bytes)
      if (victims === undefined) break
      const sent = await this.#trySend(outgoing, terms, victims)
      if (sent) return sent
    }
    throw this.#full(mailbox)
  }

  /** Returns the oldest messages that are not leased, as many as free the capacity; undefined if dropping does not help. */
  async victims(user: string, mailbox: string, bytes: number, limit = fewVictims): Promise<readonly Row[] | undefined> {
    const { maxCount, maxBytes } = this.#messaging.settings
    const [usage = [], oldest = []] = await this.#messaging.storage.read({ user }, [
      this.#messaging.maintenance.usage({ user, mailbox }),
      this.#messaging.maintenance.oldest({ user, mailbox, limit }),
    ])
    let count = Number(usage[0]?.count ?? 0) + 1 - maxCount
    let over = Number(usage[0]?.bytes ?? 0) + bytes - maxBytes
    const victims: Row[] = []
    for (const row of oldest) {
      if (count <= 0 && over <= 0) break
      victims.push(row)
      count -= 1
      over -= Number(row.bytes)
    }
    if (count <= 0 && over <= 0) return victims
    const thereAreMore = oldest.length === limit && limit < maxVictims
    return thereAreMore ? this.victims(user, mailbox, bytes, maxVictims) : undefined
  }
  /** Returns the statements that drop messages; a sender that waits for a reply gets an error. */
  drop(victims: readonly Row[]): Drop {
    if (victims.length === 0) return noDrop
    const fragments = victims.map((row) => {
      const error = notAnswered(String(row.mailbox), String(row.type), 'it was dropped because its mailbox was full')
      const answer = unanswered(this.#messaging, row, error)
      const removed = this.#messaging.deliveries.remove(
        toMessageLocation(row),
        'done',
        'dropped',
        row.state === 'scheduled',
      )
      return { statements: [...removed, ...answer.statements], wake: answer.wake ?? [] }
    })
    return {
      statements: fragments.flatMap(({ statements }) => statements),
      wake: ['mailboxes', ...new Set(fragments.flatMap(({ wake }) => wake))],
    }
  }
  /** Called after that change. */
  dropped(victims: readonly Row[]): void {
    for (const row of victims) {
      notifyUnanswered(this.#messaging, row)
      this.#messaging.onEnded(toMessageLocation(row))
      this.#messaging.emit('message.dropped', String(row.user_id), { id: String(row.id), to: String(row.mailbox) })
    }
  }

  /** @returns undefined if the mailbox is full, or if a message to be dropped was leased meanwhile */
  async #trySend(
    outgoing: OutgoingMessage,
    { also = [] }: SendTerms,
    victims: readonly Row[],
  ): Promise<SendReceipt | undefined> {
    const { statements: drops, wake } = this.drop(victims)
    const statements = this.#messaging.enqueue(outgoing, drops.length)
    const all = [...drops, ...statements, ...also, ...this.#messaging.audited(outgoing)]
    const result = await this.#messaging.commit(outgoing.user, all, `send:${outgoing.id}:${victims.length}`, wake)
    if (!result.ok) {
      if (result.code === 'mailbox.full' || result.code === 'storage.expectation') return undefined
      throw commitRejection(result)
    }
    return this.#sent(outgoing, result, drops.length + statements.length - 1, victims)
  }

  async #sent(
    outgoing: OutgoingMessage,
    result: Extract<CommitResult, { ok: true }>,
    index: number,
    victims: readonly Row[],
  ): Promise<SendReceipt> {
    const { user, mailbox, id } = outgoing
    const row =
      outgoing.dedupeId === null
        ? rowOf(outgoing, result.at)
        : (result.rows[index]?.[0] ??
          (await this.#messaging.read(user, this.#messaging.mailboxReads.one({ user, mailbox, id })))[0])
    if (!row) throw failure('invariant.broken', { rule: 'a message that was sent can be read' })
    const isDuplicate = row.id !== id
    const dropped = victims.map((victim) => String(victim.id))
    if (!isDuplicate) {
      this.#messaging.arrivals.notify(user, mailbox)
      this.#messaging.sent(outgoing)
    }
    this.dropped(victims)
    return { row, duplicate: isDuplicate, dropped }
  }
}
