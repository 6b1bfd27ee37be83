/** Runs a worker: presence, intake of messages, and an end that waits for the handlers at work. */

import { type Clock, failedWith, failure, milliseconds, type Random, sleep, TroupeError } from '../../core/index.ts'
import type { Inbox, Recorder, Steps } from '../../journal/index.ts'
import { Access } from '../../security/index.ts'
import type { Mailboxes } from '../mailboxes.ts'
import { isKindOf, type MessageType } from '../message-type.ts'
import { DeliveryHandle } from '../receiving/delivery-handle.ts'
import { GatheredBatches } from '../receiving/gathered-batches.ts'
import type { PreviousEffects } from '../receiving/previous-attempts.ts'
import { releaseDeliveries } from '../receiving/release-deliveries.ts'
import { Handling, type Job } from './handling.ts'
import type { AgentDetail, Presence } from './presence.ts'
import { matchesPresence } from './presence.ts'
import type { HaltableWorker, WorkerWatch } from './running-worker.ts'
import { attach, begin, detach, type HandlerContext, type Registrations, Worker } from './worker.ts'
import { startAll } from './worker-resources.ts'

export type WorkerContextOf = (
  recorder: Recorder,
  access: Access,
  previous: PreviousEffects,
) => Omit<HandlerContext, 'attempt'>

export interface StartWorkerParts {
  readonly user: string
  readonly mailboxes: Mailboxes
  readonly presence: Presence
  readonly steps: Steps
  readonly inbox: Pick<Inbox, 'onArrival'>
  readonly clock: Clock
  readonly random: Random
  /** Builds the `ctx` of a handler; modules above this one know how. */
  readonly contextOf: WorkerContextOf
  /** Of the worker; made from its own options where absent. */
  readonly access?: Access
  /** By whoever starts it anew. */
  readonly watch?: WorkerWatch
}

const defaults = { backoff: '100ms', maxBackoff: '30s' } as const
/** After the storage refused a claim. */
const pauseMs = 1_000
/** What was cut off may unwind for so long, twice: its effects, then its code. */
const haltMs = 30_000

/** @throws what `onStart` throws; ConflictError `worker.started` */
export async function startWorker(worker: Worker, parts: StartWorkerParts): Promise<HaltableWorker> {
  if (!(worker instanceof Worker))
    throw failure('validation.failed', { what: 'What is started', problem: 'it is a Worker' })
  const running = new WorkerRunner(worker, parts)
  await running.start()
  return running
}

class WorkerRunner implements HaltableWorker {
  readonly #worker: Worker
  readonly #parts: StartWorkerParts
  readonly #registered: Registrations
  readonly #handling: Handling
  readonly #stopping = new AbortController()
  readonly #busy = new Set<Promise<void>>()
  readonly #peers = new Map<string, AgentDetail>()
  readonly #notified = new Set<string>()
  #hooks: Promise<unknown> = Promise.resolve()
  #intakes: Promise<void>[] = []
  #leave: (() => Promise<void>) | undefined
  #release: (() => Promise<void>) | undefined
  #unwatch: (() => void) | undefined
  #stopped: Promise<void> | undefined
  #failuresInRow = 0
  detail!: AgentDetail

  constructor(worker: Worker, parts: StartWorkerParts) {
    this.#worker = worker
    this.#parts = parts
    const { user, mailboxes, steps, inbox, clock, random, watch } = parts
    const access = parts.access ?? new Access(worker.options.access)
    const { maxAttempts, leaseMs, retentionMs } = mailboxes.messaging.settings
    const {
      attempts = maxAttempts,
      backoff = defaults.backoff,
      maxBackoff = defaults.maxBackoff,
    } = worker.options.retry ?? {}
    if (attempts > maxAttempts)
      throw failure('validation.failed', {
        what: 'retry.attempts',
        problem: `${attempts} is above messaging.maxAttempts, ${maxAttempts}`,
      })
    this.#registered = worker[attach]({
      ...mailboxes.clients({ user, agent: worker.name, access }),
      changed: (change) => mailboxes.messaging.emit('worker.changed', user, { agent: worker.name, ...change }),
    })
    this.#handling = new Handling({
      user,
      agent: worker.name,
      clock,
      random,
      steps,
      inbox,
      leaseMs,
      retentionMs,
      attempts,
      backoff: { baseMs: milliseconds(backoff, 'retry.backoff'), maxMs: milliseconds(maxBackoff, 'retry.maxBackoff') },
      contextOf: (recorder, previous) => parts.contextOf(recorder, access, previous),
      failed: (error, delivery) => {
        this.#failed(error, delivery)
        if (++this.#failuresInRow === watch?.failures) watch.failing(this.#failuresInRow, error)
      },
      deadLettered: (error, { message }) => void this.#report(() => worker.onDeadLetter(error, message)),
      succeeded: () => {
        this.#failuresInRow = 0
      },
      hang:
        watch?.hangMs === undefined
          ? undefined
          : { afterMs: watch.hangMs, onHang: ({ message }) => watch.hung(message) },
    })
  }

  async start(): Promise<void> {
    const { user, presence } = this.#parts
    const { name, options } = this.#worker
    let begun = false
    try {
      this.#release = await startAll(this.#registered.resources)
      await this.#worker.onStart()
      begun = true
      this.#worker[begin]()
      const { role = 'worker', topics = [] } = options
      const { detail, leave } = await presence.join(user, { name, role, topics })
      this.detail = detail
      this.#leave = leave
      if (this.#watches) {
        const connected = (peer: AgentDetail) => this.#came(peer)
        const disconnected = (peer: AgentDetail) => this.#went(peer)
        this.#unwatch = await presence.watch(user, { self: name, connected, disconnected })
      }
    } catch (error) {
      this.#handling.close()
      this.#unwatch?.()
      await this.#leave?.().catch(() => {})
      // Whatever goes wrong on the way back, why it did not start is what the caller has to know.
      await this.#end(begun).catch(() => {})
      throw error
    }
    this.#intakes = [this.#intake(), ...[...this.#registered.batches.keys()].map((type) => this.#gather(type))]
  }
  get types(): readonly MessageType[] {
    const { handlers, batches } = this.#registered
    return [...handlers.values(), ...batches.values()].map(({ type }) => type)
  }

  get #watches(): boolean {
    const { connects, disconnects } = this.#registered
    return connects.length + disconnects.length > 0 || this.#guards
  }
  get #guards(): boolean {
    return this.#worker.authorizePeer !== Worker.prototype.authorizePeer
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
  async halt(): Promise<void> {
    const stopped = this.stop().catch((error: unknown) => this.#failed(error))
    this.#handling.halt()
    const over = new AbortController()
    await Promise.race([stopped, sleep(this.#parts.clock, haltMs, over.signal).catch(() => {})])
    over.abort()
  }
  async #stop(): Promise<void> {
    this.#stopping.abort()
    this.#handling.stop()
    this.#unwatch?.()
    await this.#leave?.()
    await Promise.all(this.#intakes)
    await Promise.all(this.#busy)
    await this.#hooks
    this.#handling.close()
    await this.#end(true)
  }
  /** @param begun whether `onStart` was done */
  async #end(begun: boolean): Promise<void> {
    try {
      if (begun) await this.#worker.onStop()
    } finally {
      this.#worker[detach]()
      await this.#release?.()
    }
  }

  /** Everything that is no batch: as many at once as the worker wants, one of each lane. */
  async #intake(): Promise<void> {
    const { signal } = this.#stopping
    const { mailboxes, user } = this.#parts
    const concurrency = this.#worker.options.concurrency ?? 1
    const known = [...this.#registered.handlers.values()].map(({ type }) => type)
    const except = [...this.#registered.batches.keys()].map((type) => ({ type, unless: this.#nearer(type) }))
    await this.#repeat(async () => {
      while (this.#busy.size >= concurrency) await Promise.race(this.#busy)
      const wanted = {
        max: concurrency - this.#busy.size,
        perLane: 1,
        waitMs: undefined,
        types: [],
        except,
        known,
        signal,
      }
      for (const delivery of await mailboxes.receiver.receive(user, this.#worker.name, wanted)) this.#begin([delivery])
    })
  }

  /** Registered types that extend one: what they take is not taken for it. */
  #nearer(name: string): readonly string[] {
    const registered = [...this.#registered.handlers.values(), ...this.#registered.batches.values()]
    return registered.filter(({ type }) => type.name !== name && isKindOf(type, name)).map(({ type }) => type.name)
  }

  /** Batches of one type, one batch at a time. What failed before is handled alone, so that the culprit is found. */
  async #gather(name: string): Promise<void> {
    const batch = this.#registered.batches.get(name)
    if (!batch) return
    const { signal } = this.#stopping
    const { mailboxes, user } = this.#parts
    const nearer = this.#nearer(name)
    const { name: agent, options } = this.#worker
    const attempts = options.retry?.attempts ?? mailboxes.messaging.settings.maxAttempts
    const gathered = new GatheredBatches({ user, agent, mailboxes, nearer, signal, attempts, ...batch })
    await this.#repeat(async () => {
      // A batch looks at it by itself, and lets go of what it has of the others.
      for (const [i, job] of (await gathered.next()).entries())
        if (i === 0 || job.length > 1 || (await this.#isLeaseValid(job))) await this.#begin(job)
    })
  }

  /** What failed meanwhile took back those that stand behind it, which are not to be handled before it. */
  async #isLeaseValid(job: readonly DeliveryHandle[]): Promise<boolean> {
    try {
      await DeliveryHandle.renewAll(job)
      return true
    } catch (error) {
      if (error instanceof TroupeError && error.code === 'lease.lost') return false
      throw error
    }
  }

  async #repeat(once: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted)
      try {
        await once()
      } catch (error) {
        if (signal.aborted || (error instanceof TroupeError && error.code === 'troupe.closed')) return
        this.#failed(error)
        await sleep(this.#parts.clock, pauseMs, signal).catch(() => {})
      }
  }

  #begin(deliveries: readonly DeliveryHandle[]): Promise<void> {
    const work = this.#handle(deliveries).finally(() => this.#busy.delete(work))
    this.#busy.add(work)
    return work
  }
  async #handle(deliveries: readonly DeliveryHandle[]): Promise<void> {
    const allowed = await this.#admitted(deliveries)
    const [first] = allowed
    if (!first) return
    const job = this.#jobOf(allowed, first)
    if (job) await this.#handling.run(job)
    else await this.#deadLetter(first, `${this.#worker.name} has no handler for ${first.message.type} and no onMessage`)
  }
  /** Of its own type, or of the nearest one that it extends. */
  #jobOf(deliveries: readonly DeliveryHandle[], { message, kinds }: DeliveryHandle): Job | undefined {
    for (const kind of kinds) {
      const batch = this.#registered.batches.get(kind)
      if (batch) {
        const messages = Object.freeze(deliveries.map((delivery) => delivery.message))
        return { deliveries, type: batch.type, handle: (ctx) => batch.handler(messages, ctx) }
      }
      const one = this.#registered.handlers.get(kind)
      if (one) return { deliveries, type: one.type, handle: (ctx) => one.handler(message, ctx) }
    }
    if (this.#worker.onMessage === Worker.prototype.onMessage) return undefined
    return { deliveries, type: undefined, handle: (ctx) => this.#worker.onMessage(message, ctx) }
  }

  async #admitted(deliveries: readonly DeliveryHandle[]): Promise<readonly DeliveryHandle[]> {
    if (!this.#guards) return deliveries
    const allowed: DeliveryHandle[] = []
    try {
      // From the last to the first: one that is put aside takes those behind it out of our hands.
      for (const delivery of deliveries.toReversed()) if (await this.#admit(delivery)) allowed.unshift(delivery)
      return allowed
    } catch (error) {
      // Who sent them could not be looked up, which is no reason to refuse any.
      this.#failed(error, deliveries[0])
      await releaseDeliveries(deliveries, pauseMs)
      return []
    }
  }
  /** Whether its sender is one that the worker accepts; else it goes to the dead letters. */
  async #admit(delivery: DeliveryHandle): Promise<boolean> {
    const { from } = delivery.message
    const { presence, user } = this.#parts
    // One that came in another process is not told of yet, and one that left is told of no more.
    const known = this.#peers.get(from) ?? (await presence.last(user, from))
    if (await this.#authorized(known ?? { id: from, name: from, role: '', topics: [], processId: '' })) return true
    await this.#deadLetter(delivery, `${this.#worker.name} does not accept messages of ${from}`)
    return false
  }
  async #authorized(detail: AgentDetail): Promise<boolean> {
    let accepted = false
    try {
      accepted = (await this.#worker.authorizePeer(detail)) === true
    } catch (error) {
      this.#failed(error)
    }
    const { mailboxes, user } = this.#parts
    if (!accepted)
      mailboxes.parts.incidents.record(user, { agent: detail.name, action: 'authorize_peer', code: 'access.denied' })
    return accepted
  }
  async #deadLetter(delivery: DeliveryHandle, reason: string): Promise<void> {
    try {
      await delivery.deadLetter(reason)
    } catch (error) {
      this.#failed(error, delivery)
    }
  }

  #came(peer: AgentDetail): void {
    this.#peers.set(peer.name, peer)
    this.#hook(async () => {
      if (this.#guards && !(await this.#authorized(peer))) return
      this.#notified.add(peer.id)
      for (const { pattern, handler } of this.#registered.connects)
        if (matchesPresence(pattern, peer)) await this.#contained(() => handler(peer))
    })
  }
  #went(peer: AgentDetail): void {
    this.#peers.delete(peer.name)
    this.#hook(async () => {
      if (!this.#notified.delete(peer.id)) return
      for (const { pattern, handler } of this.#registered.disconnects)
        if (matchesPresence(pattern, peer)) await this.#contained(() => handler(peer))
    })
  }
  /** One after the other, in the order in which peers came and went. */
  #hook(run: () => Promise<void>): void {
    this.#hooks = this.#hooks.then(run).catch((error: unknown) => this.#failed(error))
  }
  async #contained(run: () => unknown): Promise<void> {
    try {
      await run()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Told to the worker; what its own onFailure throws ends here, as an event. */
  #failed(error: unknown, delivery?: DeliveryHandle): void {
    const { mailboxes, user } = this.#parts
    const about = delivery
      ? { id: delivery.message.id, messageType: delivery.message.type, attempt: delivery.attempt }
      : {}
    const fields = { agent: this.#worker.name, ...failedWith(error), ...about }
    mailboxes.messaging.emit('worker.failed', user, fields, () => ({ error }))
    const { message, attempt } = delivery ?? {}
    void this.#report(() => this.#worker.onFailure(error, message, attempt === undefined ? {} : { attempt }))
  }
  async #report(call: () => unknown): Promise<void> {
    try {
      await call()
    } catch (error) {
      const { mailboxes, user } = this.#parts
      const fields = { agent: this.#worker.name, ...failedWith(error) }
      mailboxes.messaging.emit('worker.failed', user, fields, () => ({ error }))
    }
  }
}
