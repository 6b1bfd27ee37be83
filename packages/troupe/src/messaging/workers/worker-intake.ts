/**
 * Receives the messages of a worker, one of each lane and one batch of each batch handler at a time. At most as many
 * handlers as its `concurrency` are in progress; a batch counts as one.
 */
import { sleep, TroupeError } from '../../core/index.ts'
import type { Mailboxes } from '../mailboxes.ts'
import { DeliveryHandle } from '../receiving/delivery-handle.ts'
import { GatheredBatches } from '../receiving/gathered-batches.ts'
import { isLeaseLost, releaseDeliveries } from '../receiving/release-deliveries.ts'
import { renewLeases } from '../receiving/renew-leases.ts'
import { nearerTypes } from './registered-types.ts'
import type { RegisteredBatch, Registrations, Worker } from './worker.ts'

export interface WorkerIntakeParts {
  readonly user: string
  readonly worker: Pick<Worker, 'name' | 'options'>
  readonly registered: Pick<Registrations, 'handlers' | 'batches'>
  readonly mailboxes: Mailboxes
  /** Never rejects. */
  readonly handle: (deliveries: readonly DeliveryHandle[]) => Promise<void>
  /** Called when the storage rejects a claim. */
  readonly failed: (error: unknown) => void
}

/** After the storage rejected a claim. */
const pauseMs = 1_000

export class WorkerIntake {
  readonly #parts: WorkerIntakeParts
  readonly #stopping = new AbortController()
  readonly #busy = new Set<Promise<void>>()
  /** Resolves when any handler ends. A race of `#busy` for each message would grow the reactions of one that hangs. */
  #ended = Promise.withResolvers<void>()
  #loops: readonly Promise<void>[] = []

  constructor(parts: WorkerIntakeParts) {
    this.#parts = parts
  }

  start(): void {
    const { batches } = this.#parts.registered
    this.#loops = [this.#receive(), ...[...batches.values()].map((batch) => this.#gather(batch))]
  }
  /** Receives no more. Deliveries that are being handled continue; those that wait for a handler to end are released. */
  stop(): void {
    this.#stopping.abort()
    this.#ended.resolve()
  }
  /** After `stop`: resolves when nothing is being handled. */
  async idle(): Promise<void> {
    await Promise.all(this.#loops)
    await Promise.all(this.#busy)
  }

  /** Everything that is no batch. */
  async #receive(): Promise<void> {
    const { signal } = this.#stopping
    const { mailboxes, user, worker, registered } = this.#parts
    const known = [...registered.handlers.values()].map(({ type }) => type)
    const except = [...registered.batches.keys()].map((type) => ({ type, unless: nearerTypes(registered, type) }))
    const wanted = { perLane: 1, waitMs: undefined, types: [], except, known, signal }
    await this.#repeat(async () => {
      await this.#vacancy()
      const max = Math.max(1, this.#concurrency - this.#busy.size)
      const deliveries = await mailboxes.receiver.receive(user, worker.name, { ...wanted, max })
      await Promise.all(deliveries.map((delivery) => this.#begin([delivery])))
    })
  }

  /** Batches of one type, one batch at a time. A message that failed before is handled alone, to find the culprit. */
  async #gather(batch: RegisteredBatch): Promise<void> {
    const { signal } = this.#stopping
    const { mailboxes, user, worker, registered } = this.#parts
    const { name: agent, options } = worker
    const nearer = nearerTypes(registered, batch.type.name)
    const attempts = options.retry?.attempts ?? mailboxes.messaging.settings.maxAttempts
    const gathered = new GatheredBatches({ user, agent, mailboxes, signal }, { ...batch, nearer, attempts })
    await this.#repeat(async () => {
      await this.#vacancy()
      // A batch checks its leases itself, and releases those that are left if it cannot start.
      for (const [i, job] of (await gathered.next()).entries())
        if (i === 0 || job.length > 1 || (await isLeaseValid(job))) await (await this.#begin(job)).ended
    })
  }

  /** Resolves when another handler may begin, and after `stop`. */
  async #vacancy(): Promise<void> {
    while (this.#isFull && !this.#stopping.signal.aborted) await this.#ended.promise
  }
  get #isFull(): boolean {
    return this.#busy.size >= this.#concurrency
  }
  get #concurrency(): number {
    return this.#parts.worker.options.concurrency ?? 1
  }

  /**
   * Begins to handle deliveries. If a batch and single messages are claimed at the same time, some wait here for a
   * handler to end, with their leases.
   */
  async #begin(deliveries: readonly DeliveryHandle[]): Promise<{ readonly ended: Promise<void> }> {
    const { signal } = this.#stopping
    if (this.#isFull) {
      const { clock } = this.#parts.mailboxes.parts.platform
      const { leaseMs } = this.#parts.mailboxes.messaging.settings
      let isLost = false
      const stopRenewing = renewLeases(deliveries, { clock, leaseMs }, () => {
        isLost = true
      })
      while (this.#isFull && !signal.aborted && !isLost) await this.#ended.promise
      stopRenewing()
      if (signal.aborted) await releaseDeliveries(deliveries)
      if (signal.aborted || isLost) return { ended: Promise.resolve() }
    }
    const ended = this.#parts.handle(deliveries).finally(() => {
      this.#busy.delete(ended)
      this.#ended.resolve()
      this.#ended = Promise.withResolvers()
    })
    this.#busy.add(ended)
    return { ended }
  }

  async #repeat(once: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted)
      try {
        await once()
      } catch (error) {
        if (signal.aborted || (error instanceof TroupeError && error.code === 'troupe.closed')) return
        this.#parts.failed(error)
        await sleep(this.#parts.mailboxes.parts.platform.clock, pauseMs, signal).catch(() => {})
      }
  }
}

/** Returns false if the lease ended while the jobs before were handled, so that another receiver may have the message. */
async function isLeaseValid(job: readonly DeliveryHandle[]): Promise<boolean> {
  try {
    await DeliveryHandle.renewAll(job)
    return true
  } catch (error) {
    if (isLeaseLost(error)) return false
    throw error
  }
}
