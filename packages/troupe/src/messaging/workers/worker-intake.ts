/**
 * Receives the messages of a worker: as many at once as it wants, one of each lane, and one batch of each batch
 * handler.
 */
import { sleep, TroupeError } from '../../core/index.ts'
import type { Mailboxes } from '../mailboxes.ts'
import { DeliveryHandle } from '../receiving/delivery-handle.ts'
import { GatheredBatches } from '../receiving/gathered-batches.ts'
import { isLeaseLost } from '../receiving/release-deliveries.ts'
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
  /** Receives no more. Deliveries that are being handled continue. */
  stop(): void {
    this.#stopping.abort()
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
    const concurrency = worker.options.concurrency ?? 1
    const known = [...registered.handlers.values()].map(({ type }) => type)
    const except = [...registered.batches.keys()].map((type) => ({ type, unless: nearerTypes(registered, type) }))
    const wanted = { perLane: 1, waitMs: undefined, types: [], except, known, signal }
    await this.#repeat(async () => {
      while (this.#busy.size >= concurrency) await this.#ended.promise
      const max = concurrency - this.#busy.size
      const deliveries = await mailboxes.receiver.receive(user, worker.name, { ...wanted, max })
      for (const delivery of deliveries) void this.#handle([delivery])
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
      // A batch checks its leases itself, and releases those that are left if it cannot start.
      for (const [i, job] of (await gathered.next()).entries())
        if (i === 0 || job.length > 1 || (await isLeaseValid(job))) await this.#handle(job)
    })
  }

  #handle(deliveries: readonly DeliveryHandle[]): Promise<void> {
    const work = this.#parts.handle(deliveries).finally(() => {
      this.#busy.delete(work)
      this.#ended.resolve()
      this.#ended = Promise.withResolvers()
    })
    this.#busy.add(work)
    return work
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
