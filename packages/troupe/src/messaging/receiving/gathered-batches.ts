/**
 * Selects the next batch of a handler: first the rest of an interrupted batch, then a batch that is full or has waited
 * long enough. An interrupted batch that is complete continues in its own step, so that its recorded effects are not
 * repeated. The messages of an incomplete one, and messages that were tried before, are handled alone.
 */
import type { Row } from '../../storage/index.ts'
import type { Mailboxes } from '../mailboxes.ts'
import type { MessageType } from '../message-type.ts'
import { type BatchMembership, batchOf } from './batch-membership.ts'
import type { DeliveryHandle } from './delivery-handle.ts'
import { handledStep } from './handled-step.ts'

export interface GatheredParts {
  readonly user: string
  readonly agent: string
  readonly mailboxes: Pick<Mailboxes, 'messaging' | 'receiver'>
  readonly signal: AbortSignal
}

/** The batches of one handler. */
interface BatchSpec {
  readonly type: MessageType
  /** Registered types that extend it. */
  readonly nearer: readonly string[]
  readonly size: number
  readonly waitMs: number
  /** The number of attempts of a message before it becomes a dead letter. */
  readonly attempts: number
}

type Jobs = readonly (readonly DeliveryHandle[])[]

/** The delay in ms after a claim that another receiver prevented. Its change may have sent no notification. */
const recheckMs = 1_000

export class GatheredBatches {
  readonly #parts: GatheredParts
  readonly #batch: BatchSpec
  readonly #types: { readonly types: readonly string[]; readonly except: readonly { readonly type: string }[] }

  constructor(parts: GatheredParts, batch: BatchSpec) {
    this.#parts = parts
    this.#batch = batch
    this.#types = { types: [batch.type.name], except: batch.nearer.map((type) => ({ type })) }
  }

  /** Returns the jobs to handle now, one after the other; none after a wait. */
  async next(): Promise<Jobs> {
    const { user, agent, mailboxes, signal } = this.#parts
    const { size, waitMs } = this.#batch
    const { messaging, receiver } = mailboxes
    const listening = messaging.arrivals.listen(user, agent)
    try {
      const [handed = [], [row] = []] = await messaging.storage.read({ user }, [
        messaging.mailboxReads.handed(user, agent, this.#types),
        messaging.mailboxReads.gathered(user, agent, this.#types, size),
      ])
      const now = Number(row?.now)
      const interruptedBatch = await this.#interruptedBatch(handed)
      if (interruptedBatch.deliveries.length > 0) return [interruptedBatch.deliveries]
      const count = Number(row?.count ?? 0)
      let left = count === 0 ? undefined : Number(row?.first) + waitMs - now
      if (count >= size || (left !== undefined && left <= 0)) {
        const jobs = await this.#fresh()
        if (jobs.length > 0) return jobs
        left = undefined
      } else if (handed.length === 0) {
        await listening.wait(left, signal)
        return []
      }
      // Messages that other receivers have leased are checked again when the lease ends.
      const until = [left, interruptedBatch.recheckMs, await receiver.next(user, agent, now)].filter(
        (ms) => ms !== undefined,
      )
      await listening.wait(until.length === 0 ? undefined : Math.min(...until), signal)
      return []
    } finally {
      listening.end()
    }
  }

  async #fresh(): Promise<Jobs> {
    const deliveries = await this.#claim({ max: this.#batch.size, batch: null })
    // A redriven message also has previous attempts, whose effects can be read only for a single message.
    const isFresh = ({ attempt, failures }: DeliveryHandle) => attempt === 1 && failures === 0
    const fresh = deliveries.filter(isFresh)
    const redelivered = deliveries.filter((delivery) => !isFresh(delivery))
    return [...redelivered.map((delivery) => [delivery]), fresh].filter((job) => job.length > 0)
  }

  async #interruptedBatch(
    handed: readonly Row[],
  ): Promise<{ readonly deliveries: readonly DeliveryHandle[]; readonly recheckMs?: number }> {
    let rejected = false
    for (const row of handed) {
      const batch = batchOf(row)
      const now = Number(row.now)
      if (!batch || Number(row.first) > now) continue
      const batchSize = await this.#sizeIfComplete(batch, String(row.batch))
      // A receiver has leased a part of the batch.
      if (batchSize !== undefined && Number(row.last) > now) continue
      const wanted = batchSize === undefined ? { max: 1 } : { max: batchSize, all: batchSize }
      const deliveries = await this.#claim({ ...wanted, batch: String(row.batch) })
      if (deliveries.length > 0) return { deliveries }
      rejected ||= batchSize !== undefined
    }
    return { deliveries: [], ...(rejected ? { recheckMs } : {}) }
  }

  /**
   * Returns the number of messages of a complete batch; undefined for an incomplete one, and before the last attempt, which each
   * message gets alone so that one failing message does not dead-letter the others.
   */
  async #sizeIfComplete({ step, released }: BatchMembership, batch: string): Promise<number | undefined> {
    const { user, agent, mailboxes } = this.#parts
    const { messaging } = mailboxes
    if (released) return undefined
    const rows = await messaging.read(user, messaging.mailboxReads.members(user, agent, this.#types, batch))
    const isLast = rows.some(
      ({ attempts }) => Number(attempts) + 1 >= Math.min(this.#batch.attempts, messaging.settings.maxAttempts),
    )
    const deliveryAttempts = rows.map(({ id, failures }) => ({ id: String(id), failures: Number(failures) }))
    return !isLast && handledStep(deliveryAttempts) === step ? rows.length : undefined
  }

  #claim(wanted: { readonly max: number; readonly all?: number; readonly batch: string | null }) {
    const { user, agent, mailboxes, signal } = this.#parts
    const { except } = this.#types
    return mailboxes.receiver.receive(user, agent, { ...wanted, types: [this.#batch.type], except, waitMs: 0, signal })
  }
}
