/**
 * A delivery, or a batch of them, handled as one durable step: what the handler stages commits with the acknowledgement.
 * What comes back after a crash or a failure of the storage goes on with the same step: its recorded effects are not done
 * again. What comes back because the handler failed begins a new one for each message, in which an effect that was done
 * under a key of its own is answered from the try before.
 */

import {
  type Clock,
  failure,
  type Json,
  messageWithId,
  parse,
  type Random,
  restoreError,
  type StoredError,
  storeError,
  taintField,
} from '../../core/index.ts'
import type { Inbox, Recorder, StepEnd, StepSpec, Steps } from '../../journal/index.ts'
import { backoffDelay } from '../../resilience/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { MessageType } from '../message-type.ts'
import { checkReply, DeliveryHandle } from '../receiving/delivery-handle.ts'
import { PreviousAttempts, type PreviousEffects } from '../receiving/previous-attempts.ts'
import { contained, isLeaseLost, releaseDeliveries } from '../receiving/release-deliveries.ts'
import { attemptNames, type DeliveryAttempt, failedRetentionMs, handledStep, perhapsDone } from './handled-step.ts'
import type { HandlerContext } from './worker.ts'

export interface HandlingParts {
  readonly user: string
  readonly agent: string
  readonly clock: Clock
  readonly random: Random
  readonly steps: Steps
  readonly inbox: Pick<Inbox, 'onArrival'>
  readonly leaseMs: number
  /** Of the journal of a handled message. */
  readonly retentionMs: number
  readonly attempts: number
  readonly backoff: { readonly baseMs: number; readonly maxMs: number }
  readonly contextOf: (recorder: Recorder, previous: PreviousEffects) => Omit<HandlerContext, 'attempt'>
  /** Told of every failure, before the delivery goes back. */
  readonly failed: (error: unknown, delivery: DeliveryHandle) => void
  /** Called once for each delivery that was moved to the dead letters. */
  readonly deadLettered: (error: unknown, delivery: DeliveryHandle) => void
  /** Told when a handler came to a good end. */
  readonly succeeded?: () => void
  /** Told once of a handler that is at work for so long, and neither ends nor waits for others. */
  readonly hang?: { readonly afterMs: number; readonly onHang: (delivery: DeliveryHandle) => void } | undefined
}

/** Deliveries that are handled together; one, except for batch handlers. */
export interface Job {
  readonly deliveries: readonly DeliveryHandle[]
  /** Of the reply; with several deliveries nobody is answered. */
  readonly type: MessageType | undefined
  readonly handle: (ctx: HandlerContext) => unknown
}

export class Handling {
  readonly #parts: HandlingParts
  readonly #earlier: PreviousAttempts
  readonly #awaited = new Map<string, () => void>()
  readonly #stopArrivals: () => void
  readonly #atWork = new Set<AbortController>()
  #stopping = false
  #halted = false
  #wakeParked: (() => void)[] = []

  constructor(parts: HandlingParts) {
    this.#parts = parts
    this.#earlier = new PreviousAttempts(parts)
    this.#stopArrivals = parts.inbox.onArrival((user, journal) => {
      if (user === parts.user) this.#awaited.get(journal)?.()
    })
  }

  /** Handlers that wait for an answer are let go: they go on where they stand when the worker is started again. */
  stop(): void {
    this.#stopping = true
    for (const wake of this.#wakeParked.splice(0)) wake()
  }
  /** What is at work is ended: what it does from now on is refused, and its messages are free for whoever comes. */
  halt(): void {
    this.#halted = true
    for (const lost of this.#atWork) lost.abort(this.#cancelled())
  }
  close(): void {
    this.#stopArrivals()
  }
  #cancelled = () => failure('cancelled', { what: `Handling a message as ${this.#parts.agent}` })

  /** Never rejects: what goes wrong stays with the delivery. */
  async run(job: Job): Promise<void> {
    const lost = new AbortController()
    this.#atWork.add(lost)
    if (this.#halted) lost.abort(this.#cancelled())
    const stopRenewing = this.#renew(job, lost)
    let thrown: { readonly error: unknown } | undefined
    const program = async (recorder: Recorder): Promise<Json> => {
      thrown = undefined
      try {
        return { value: await this.#handle(job, recorder) }
      } catch (error) {
        thrown = { error }
        throw error
      }
    }
    try {
      if (!(await this.#mayBegin(job))) return
      const end = await this.#carryOut(job, this.#spec(job, lost.signal), program)
      const gone = lost.signal.aborted && !this.#halted
      // What is kept in memory of a step that waits is of this worker: whoever gets it next enters anew.
      if (end.status === 'parked') lost.abort(this.#cancelled())
      if (!gone) await this.#after(job, end, () => thrown?.error)
    } catch (error) {
      await this.#requeue(job, error)
    } finally {
      stopRenewing()
      this.#atWork.delete(lost)
    }
  }

  /** A failure here is none of the handler, which was not entered: its messages are let go as they are. */
  async #mayBegin(job: Job): Promise<boolean> {
    const { deliveries } = job
    try {
      if (await this.#joinedBatch(job)) return true
    } catch (error) {
      if (!isLeaseLost(error)) for (const delivery of deliveries) this.#parts.failed(error, delivery)
      await releaseDeliveries(deliveries)
    }
    return false
  }
  /** Says in which batch its messages are, so that they are gone on with together after a crash. */
  async #joinedBatch(job: Job): Promise<boolean> {
    const { deliveries } = job
    const [delivery] = deliveries
    if (deliveries.length === 1 && delivery) {
      const problem = await this.#earlier.leaveBatch(delivery)
      if (problem !== undefined) await this.#deadLetter(job, problem)
      return problem === undefined
    }
    const step = stepOf(deliveries)
    if (deliveries.every(({ batch }) => batch?.step === step)) return true
    const isNew = deliveries.every(({ batch }) => batch === undefined)
    if (isNew) await DeliveryHandle.joinBatch(deliveries, step)
    // Some of its batch were refused just now: the others are handled alone.
    else await releaseDeliveries(deliveries)
    return isNew
  }

  #spec({ deliveries }: Job, signal: AbortSignal): StepSpec {
    const { type = '', provenance } = deliveries[0]?.message ?? {}
    const trace = provenance?.trace
    const { retentionMs } = this.#parts
    return {
      ...(trace === undefined ? {} : { traceId: trace.traceId, parentSpan: trace.spanId }),
      about: { messageType: type },
      id: stepOf(deliveries),
      principal: { userId: this.#parts.user, kind: 'agent', name: this.#parts.agent },
      input: attemptNames(attemptsOf(deliveries)),
      signal,
      retention: { completedMs: retentionMs, failedMs: failedRetentionMs(retentionMs) },
      onEnd: (end, taint) => {
        const error = isFailure(end) ? end.error : undefined
        const value = error ? undefined : (end as { readonly value: Json }).value
        return joined(
          // From the last to the first, so that each of a failed batch has its own failure counted.
          [...deliveries]
            .reverse()
            .flatMap((delivery) =>
              error
                ? [this.#failedFragment(delivery, error)]
                : [
                    delivery.ackFragment({ value: value ?? null, ...taintField(taint) }),
                    this.#earlier.forget(delivery),
                  ],
            ),
        )
      },
    }
  }
  #isLast(delivery: DeliveryHandle, error: StoredError): boolean {
    return delivery.attempt >= this.#parts.attempts || error.name === 'CriticalError'
  }
  #failedFragment(delivery: DeliveryHandle, error: StoredError): Fragment {
    const reason = reasonOf(error)
    if (this.#isLast(delivery, error)) return delivery.deadLetterFragment(reason)
    return delivery.nackFragment(backoffDelay(this.#parts.backoff, delivery.attempt, this.#parts.random), reason)
  }

  async #handle({ deliveries, type, handle }: Job, recorder: Recorder): Promise<Json> {
    for (const { message } of deliveries) recorder.addTaint(message.taint)
    const previous = await this.#earlier.done(deliveries)
    // Recorded: a handler that looks at it takes the same way when it is executed again after a crash.
    const attempt = recorder.answerNow({ kind: 'attempt', name: '' }, () =>
      Math.max(...deliveries.map((delivery) => delivery.attempt)),
    )
    const ctx: HandlerContext = { ...this.#parts.contextOf(recorder, previous), attempt }
    const returned = await handle(ctx)
    const [delivery] = deliveries
    if (deliveries.length !== 1 || !delivery?.expectsReply) return null
    const what = `The reply to ${delivery.message.type}`
    const value = type?.reply ? await parse(type.reply, returned ?? null, what) : (returned ?? null)
    checkReply(value, delivery.message.type)
    return value as Json
  }

  async #carryOut(job: Job, spec: StepSpec, program: (recorder: Recorder) => Promise<Json>): Promise<StepEnd> {
    try {
      for (;;) {
        let arrived = false
        let wake: (() => void) | undefined
        this.#awaited.set(spec.id, () => {
          arrived = true
          wake?.()
        })
        const end = await this.#minded(job, this.#parts.steps.execute(spec, program))
        if (end.status !== 'parked' || this.#stopping || spec.signal?.aborted) return end
        if (!arrived)
          await new Promise<void>((resolve) => {
            wake = resolve
            this.#wakeParked.push(resolve)
            spec.signal?.addEventListener('abort', () => resolve(), { once: true })
          })
        if (this.#stopping) return end
      }
    } finally {
      this.#awaited.delete(spec.id)
    }
  }

  async #minded(job: Job, ending: Promise<StepEnd>): Promise<StepEnd> {
    const { clock, hang } = this.#parts
    const [delivery] = job.deliveries
    if (!hang || !delivery) return ending
    const cancel = clock.after(hang.afterMs, () => hang.onHang(delivery), { background: true })
    try {
      return await ending
    } finally {
      cancel()
    }
  }

  async #after(job: Job, end: StepEnd, thrown: () => unknown): Promise<void> {
    switch (end.status) {
      case 'completed':
        for (const delivery of job.deliveries) delivery.finished('acknowledged')
        this.#parts.succeeded?.()
        return
      case 'failed':
        for (const delivery of job.deliveries) {
          const error = thrown() ?? restoreError(end.error)
          const isLast = this.#isLast(delivery, end.error)
          this.#parts.failed(error, delivery)
          delivery.finished(isLast ? 'dead-lettered' : 'nacked', error)
          if (isLast) this.#parts.deadLettered(error, delivery)
        }
        return
      case 'uncertain':
        return this.#deadLetter(job, `whether its effect ${end.effect} happened is unknown, and it may not be repeated`)
      case 'code.changed':
        return this.#deadLetter(job, `the code of its handler no longer fits what was recorded: ${end.problem}`)
      case 'parked':
      case 'lost':
      case 'cancelled':
        // Its lease ends now, and its step goes on where it stands with whoever gets it next.
        await releaseDeliveries(job.deliveries)
    }
  }
  async #deadLetter({ deliveries }: Job, reason: string): Promise<void> {
    const ended = this.#ended(deliveries)
    for (const delivery of [...deliveries].reverse()) {
      const { type } = delivery.message
      const error = failure('request.failed', { to: this.#parts.agent, type, problem: reason })
      this.#parts.failed(error, delivery)
      await this.#giveToDeadLetters(delivery, error, reason, ended)
    }
    await this.#parts.steps.release(this.#parts.user, stepOf(deliveries))
  }
  /** Where the message is lost to another process, that one reports what becomes of it. */
  async #giveToDeadLetters(delivery: DeliveryHandle, error: unknown, reason: string, ended: Fragment): Promise<void> {
    await contained(async () => {
      await delivery.deadLetter(reason, ended, error)
      this.#parts.deadLettered(error, delivery)
    })
  }
  /** For the change in which nobody goes on with the step. */
  #ended(deliveries: readonly DeliveryHandle[]): Fragment {
    const { user, steps, retentionMs } = this.#parts
    return steps.abandon(user, [stepOf(deliveries)], failedRetentionMs(retentionMs))
  }
  /** The step itself could not be carried out: the storage failed, say. After a while it goes on where it stands. */
  async #requeue({ deliveries }: Job, error: unknown): Promise<void> {
    const { attempts, backoff, random } = this.#parts
    const reason = `${reasonOf(storeError(error))}; ${perhapsDone}`
    for (const delivery of [...deliveries].reverse()) {
      this.#parts.failed(error, delivery)
      if (delivery.attempt >= attempts) await this.#giveToDeadLetters(delivery, error, reason, this.#ended(deliveries))
    }
    const others = deliveries.filter(({ attempt }) => attempt < attempts)
    await releaseDeliveries(others, backoffDelay(backoff, others[0]?.attempt ?? attempts, random))
  }

  /** Slow work stays leased; a lease that is lost ends it. */
  #renew({ deliveries }: Job, lost: AbortController): () => void {
    const { clock, leaseMs } = this.#parts
    let over = false
    let cancel = () => {}
    const scheduleRenewal = () => {
      if (over) return
      cancel = clock.after(leaseMs / 3, () => {
        void DeliveryHandle.renewAll(deliveries).then(scheduleRenewal, (error: unknown) => {
          if (isLeaseLost(error)) lost.abort(error)
          else scheduleRenewal()
        })
      })
    }
    scheduleRenewal()
    return () => {
      over = true
      cancel()
    }
  }
}

const attemptsOf = (deliveries: readonly DeliveryHandle[]): readonly DeliveryAttempt[] =>
  deliveries.map(({ message, failures }) => ({ id: message.id, failures }))
const stepOf = (deliveries: readonly DeliveryHandle[]) => handledStep(attemptsOf(deliveries))

const isFailure = (end: unknown): end is { readonly error: StoredError } =>
  typeof end === 'object' && end !== null && 'error' in end
const reasonOf = (error: StoredError) => `${error.name}: ${messageWithId(error)}`
const joined = (fragments: readonly Fragment[]): Fragment => ({
  statements: fragments.flatMap(({ statements }) => statements),
  wake: [...new Set(fragments.flatMap(({ wake }) => wake ?? []))],
})
