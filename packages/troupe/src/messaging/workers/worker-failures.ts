/** Failures of a worker: they are emitted, passed to its hooks, and counted for its supervisor. */
import { type EventPayloads, failedWith } from '../../core/index.ts'
import type { MessagingContext } from '../messaging-context.ts'
import type { DeliveryHandle } from '../receiving/delivery-handle.ts'
import type { WorkerWatch } from './running-worker.ts'
import type { Worker } from './worker.ts'

export interface WorkerFailuresParts {
  readonly user: string
  readonly worker: Pick<Worker, 'name' | 'onFailure' | 'onDeadLetter'>
  readonly emit: MessagingContext['emit']
  readonly watch: Pick<WorkerWatch, 'failures' | 'failing'> | undefined
}

export class WorkerFailures {
  readonly #parts: WorkerFailuresParts
  #handlersInRow = 0

  constructor(parts: WorkerFailuresParts) {
    this.#parts = parts
  }

  /** Calls `onFailure`. An error of `onFailure` is emitted, and has no other effect. */
  report(error: unknown, delivery?: DeliveryHandle): void {
    const { message, attempt } = delivery ?? {}
    this.#emit(
      error,
      delivery ? { id: delivery.message.id, messageType: delivery.message.type, attempt: delivery.attempt } : {},
    )
    void this.#hook(() => this.#parts.worker.onFailure(error, message, attempt === undefined ? {} : { attempt }))
  }
  /** Runs what must not end its caller. */
  async contain(run: () => unknown): Promise<void> {
    try {
      await run()
    } catch (error) {
      this.report(error)
    }
  }

  handlerFailed(error: unknown, delivery: DeliveryHandle): void {
    this.report(error, delivery)
    const { watch } = this.#parts
    if (++this.#handlersInRow === watch?.failures) watch.failing(this.#handlersInRow, error)
  }
  handlerSucceeded(): void {
    this.#handlersInRow = 0
  }
  /** After a handler failed for the last time. */
  deadLettered(error: unknown, { message }: DeliveryHandle): void {
    void this.#hook(() => this.#parts.worker.onDeadLetter(error, message))
  }

  /** Moves a message that no handler gets to the dead letters. */
  async deadLetter(delivery: DeliveryHandle, reason: string): Promise<void> {
    try {
      await delivery.deadLetter(reason)
    } catch (error) {
      this.report(error, delivery)
    }
  }

  async #hook(call: () => unknown): Promise<void> {
    try {
      await call()
    } catch (error) {
      this.#emit(error)
    }
  }
  #emit(error: unknown, about: Pick<EventPayloads['worker.failed'], 'id' | 'messageType' | 'attempt'> = {}): void {
    const { user, worker, emit } = this.#parts
    emit('worker.failed', user, { agent: worker.name, ...failedWith(error), ...about }, () => ({ error }))
  }
}
