/** The outcome of deliveries after their step: acknowledged, retried after a pause, or dead letters. */
import { failure, messageWithId, type Random, restoreError, type StoredError, storeError } from '../../core/index.ts'
import type { StepEnd, Steps } from '../../journal/index.ts'
import { type Backoff, backoffDelay } from '../../resilience/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { DeliveryHandle } from '../receiving/delivery-handle.ts'
import { failedRetentionMs, perhapsDone, stepOf } from '../receiving/handled-step.ts'
import { contained, releaseDeliveries } from '../receiving/release-deliveries.ts'
import type { WorkerFailures } from './worker-failures.ts'

export interface DeliveryOutcomesParts {
  readonly user: string
  readonly random: Random
  readonly steps: Pick<Steps, 'abandon' | 'release'>
  /** The retention of the journal of a handled message. */
  readonly retentionMs: number
  readonly retry: { readonly attempts: number; readonly backoff: Backoff }
  readonly failures: Pick<WorkerFailures, 'handlerFailed' | 'handlerSucceeded' | 'deadLettered'>
}

type Deliveries = readonly DeliveryHandle[]

export class DeliveryOutcomes {
  readonly #parts: DeliveryOutcomesParts

  constructor(parts: DeliveryOutcomesParts) {
    this.#parts = parts
  }

  /** The statements for the change that ends the step after an error of the handler. */
  failed(deliveries: Deliveries, error: StoredError): readonly Fragment[] {
    const { retry, random } = this.#parts
    const reason = reasonOf(error)
    // From the last to the first, so that each of a failed batch has its own failure counted.
    return deliveries
      .toReversed()
      .map((delivery) =>
        this.#isLast(deliveries, delivery, error)
          ? delivery.deadLetterFragment(reason)
          : delivery.nackFragment(backoffDelay(retry.backoff, delivery.attempt, random), reason),
      )
  }

  /** Applies the outcome after that change. @param thrown the error of the handler, if this process executed it */
  async apply(deliveries: Deliveries, end: StepEnd, thrown: unknown): Promise<void> {
    const { failures } = this.#parts
    switch (end.status) {
      case 'completed':
        for (const delivery of deliveries) delivery.finished('acknowledged')
        failures.handlerSucceeded()
        return
      case 'failed':
        for (const delivery of deliveries) {
          const error = thrown ?? restoreError(end.error)
          const isLast = this.#isLast(deliveries, delivery, end.error)
          failures.handlerFailed(error, delivery)
          delivery.finished(isLast ? 'dead-lettered' : 'nacked', error)
          if (isLast) failures.deadLettered(error, delivery)
        }
        return
      case 'uncertain':
        return this.deadLetter(
          deliveries,
          `whether its effect ${end.effect} happened is unknown, and it may not be repeated`,
        )
      case 'code.changed':
        return this.deadLetter(deliveries, `the code of its handler no longer fits what was recorded: ${end.problem}`)
      case 'parked':
      case 'lost':
      case 'cancelled':
        // The leases end now. The next owner continues the step where it is.
        await releaseDeliveries(deliveries)
    }
  }

  async deadLetter(deliveries: Deliveries, reason: string): Promise<void> {
    const { user, steps, failures } = this.#parts
    const ended = this.#ended(deliveries)
    for (const delivery of deliveries.toReversed()) {
      const { type } = delivery.message
      const error = failure('request.failed', { to: delivery.lease.mailbox, type, problem: reason })
      failures.handlerFailed(error, delivery)
      await this.#moveToDeadLetters(delivery, error, reason, ended)
    }
    await steps.release(user, stepOf(deliveries))
  }

  /** The step could not be executed: the storage failed, for example. After a pause it continues where it is. */
  async requeue(deliveries: Deliveries, error: unknown): Promise<void> {
    const { retry, random, failures } = this.#parts
    const { attempts, backoff } = retry
    const reason = `${reasonOf(storeError(error))}; ${perhapsDone}`
    for (const delivery of deliveries.toReversed()) {
      failures.handlerFailed(error, delivery)
      if (delivery.attempt >= attempts) await this.#moveToDeadLetters(delivery, error, reason, this.#ended(deliveries))
    }
    const others = deliveries.filter(({ attempt }) => attempt < attempts)
    await releaseDeliveries(others, backoffDelay(backoff, others[0]?.attempt ?? attempts, random))
  }

  /** After a batch, each message is tried alone, because the error is of one of them. */
  #isLast(deliveries: Deliveries, delivery: DeliveryHandle, error: StoredError): boolean {
    const isCritical = deliveries.length === 1 && error.name === 'CriticalError'
    return isCritical || delivery.attempt >= this.#parts.retry.attempts
  }
  /** If another process has the message by now, that one reports what becomes of it. */
  async #moveToDeadLetters(delivery: DeliveryHandle, error: unknown, reason: string, ended: Fragment): Promise<void> {
    await contained(async () => {
      await delivery.deadLetter(reason, ended, error)
      this.#parts.failures.deadLettered(error, delivery)
    })
  }
  /** The statement for the change after which no process continues the step. */
  #ended(deliveries: Deliveries): Fragment {
    const { user, steps, retentionMs } = this.#parts
    return steps.abandon(user, [stepOf(deliveries)], failedRetentionMs(retentionMs))
  }
}

const reasonOf = (error: StoredError) => `${error.name}: ${messageWithId(error)}`
