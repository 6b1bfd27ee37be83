/**
 * Handles a delivery, or a batch, as one durable step: the staged writes of the handler commit with the
 * acknowledgement. After a crash or a failure of the storage, the next delivery continues the same step, so that its
 * recorded effects are not repeated. After a failure of the handler, each message gets a new step, in which an effect
 * with an explicit key gets its result from the previous attempt.
 */
import { failure, type Json, parse, type StoredError, sampledField, taintField } from '../../core/index.ts'
import type { Recorder, StepSpec } from '../../journal/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { MessageType } from '../message-type.ts'
import { checkReply, DeliveryHandle } from '../receiving/delivery-handle.ts'
import { attemptNames, attemptsOf, failedRetentionMs, stepOf } from '../receiving/handled-step.ts'
import { PreviousAttempts, type PreviousAttemptsParts, type PreviousEffects } from '../receiving/previous-attempts.ts'
import { isLeaseLost, releaseDeliveries } from '../receiving/release-deliveries.ts'
import { renewLeases } from '../receiving/renew-leases.ts'
import { DeliveryOutcomes, type DeliveryOutcomesParts } from './delivery-outcomes.ts'
import { HandledSteps, type HandledStepsParts } from './handled-steps.ts'
import type { WorkerWatch } from './running-worker.ts'
import type { HandlerContext } from './worker.ts'

export interface HandlingParts extends DeliveryOutcomesParts, Omit<HandledStepsParts, 'hangMs'>, PreviousAttemptsParts {
  readonly steps: DeliveryOutcomesParts['steps'] & HandledStepsParts['steps'] & PreviousAttemptsParts['steps']
  readonly agent: string
  readonly leaseMs: number
  readonly contextOf: (recorder: Recorder, previous: PreviousEffects) => Omit<HandlerContext, 'attempt'>
  readonly watch?: Pick<WorkerWatch, 'hangMs' | 'hung'> | undefined
}

/** Deliveries that are handled together; one, except for batch handlers. */
export interface Job {
  readonly deliveries: readonly DeliveryHandle[]
  /** The type whose reply schema applies; a batch has no reply. */
  readonly type: MessageType | undefined
  readonly handle: (ctx: HandlerContext) => unknown
}

export class Handling {
  readonly #parts: HandlingParts
  readonly #earlier: PreviousAttempts
  readonly #outcomes: DeliveryOutcomes
  readonly #steps: HandledSteps
  readonly #atWork = new Set<AbortController>()
  #halted = false

  constructor(parts: HandlingParts) {
    this.#parts = parts
    this.#earlier = new PreviousAttempts(parts)
    this.#outcomes = new DeliveryOutcomes(parts)
    this.#steps = new HandledSteps({ ...parts, hangMs: parts.watch?.hangMs })
  }

  stop(): void {
    this.#steps.stop()
  }
  /** Aborts the handlers in progress: their later calls are rejected, and their messages are released. */
  halt(): void {
    this.#halted = true
    for (const lost of this.#atWork) lost.abort(this.#cancelled())
  }
  close(): void {
    this.#steps.close()
  }

  /** Handles a job. It never rejects: a failure becomes the outcome of the delivery. */
  async run(job: Job): Promise<void> {
    const { deliveries } = job
    const lost = new AbortController()
    this.#atWork.add(lost)
    if (this.#halted) lost.abort(this.#cancelled())
    const stopRenewing = renewLeases(deliveries, this.#parts, (error) => lost.abort(error))
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
    const hung = () => deliveries[0] && this.#parts.watch?.hung(deliveries[0].message)
    try {
      if (!(await this.#mayBegin(job))) return
      const end = await this.#steps.execute(this.#spec(job, lost.signal), program, hung)
      const gone = lost.signal.aborted && !this.#halted
      // The memory of a step that waits belongs to this worker: its next owner executes it from its start.
      if (end.status === 'parked') lost.abort(this.#cancelled())
      if (!gone) await this.#outcomes.apply(deliveries, end, thrown?.error)
    } catch (error) {
      await this.#outcomes.requeue(deliveries, error)
    } finally {
      stopRenewing()
      this.#atWork.delete(lost)
    }
  }
  #cancelled = () => failure('cancelled', { what: `Handling a message as ${this.#parts.agent}` })

  /** A failure here is not a failure of the handler, which did not execute: its messages are released unchanged. */
  async #mayBegin(job: Job): Promise<boolean> {
    const { deliveries } = job
    try {
      if (await this.#joinedBatch(job)) return true
    } catch (error) {
      if (!isLeaseLost(error)) for (const delivery of deliveries) this.#parts.failures.handlerFailed(error, delivery)
      await releaseDeliveries(deliveries)
    }
    return false
  }
  /** Records the batch of the messages, so that it continues as a batch after a crash. @returns false if the job must not continue */
  async #joinedBatch(job: Job): Promise<boolean> {
    const { deliveries } = job
    const [delivery] = deliveries
    if (deliveries.length === 1 && delivery) {
      const problem = await this.#earlier.leaveBatch(delivery)
      if (problem !== undefined) await this.#outcomes.deadLetter(deliveries, problem)
      return problem === undefined
    }
    const step = stepOf(deliveries)
    if (deliveries.every(({ batch }) => batch?.step === step)) return true
    const isNew = deliveries.every(({ batch }) => batch === undefined)
    if (isNew) await DeliveryHandle.joinBatch(deliveries, step)
    // Some messages of the batch were rejected meanwhile. The others are handled alone.
    else await releaseDeliveries(deliveries)
    return isNew
  }

  #spec({ deliveries }: Job, signal: AbortSignal): StepSpec {
    const { type = '', provenance } = deliveries[0]?.message ?? {}
    const trace = provenance?.trace
    const { retentionMs } = this.#parts
    return {
      ...(trace === undefined ? {} : { traceId: trace.traceId, parentSpan: trace.spanId, ...sampledField(trace) }),
      about: { messageType: type },
      id: stepOf(deliveries),
      principal: { userId: this.#parts.user, kind: 'agent', name: this.#parts.agent },
      input: attemptNames(attemptsOf(deliveries)),
      signal,
      retention: { completedMs: retentionMs, failedMs: failedRetentionMs(retentionMs) },
      expectations: () => deliveries.map((delivery) => delivery.isLeased()),
      onEnd: (end, taint) => {
        if (isFailure(end)) return joined(this.#outcomes.failed(deliveries, end.error))
        const answer = { value: (end as { readonly value: Json }).value ?? null, ...taintField(taint) }
        return joined(
          deliveries.toReversed().flatMap((delivery) => [delivery.ackFragment(answer), this.#earlier.forget(delivery)]),
        )
      },
    }
  }

  async #handle({ deliveries, type, handle }: Job, recorder: Recorder): Promise<Json> {
    for (const { message } of deliveries) recorder.addTaint(message.taint)
    const previous = await this.#earlier.effects(deliveries)
    // Recorded, so that a handler that reads it does the same when it is executed again after a crash.
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
}

const isFailure = (end: unknown): end is { readonly error: StoredError } =>
  typeof end === 'object' && end !== null && 'error' in end
const joined = (fragments: readonly Fragment[]): Fragment => ({
  statements: fragments.flatMap(({ statements }) => statements),
  wake: [...new Set(fragments.flatMap(({ wake }) => wake ?? []))],
})
