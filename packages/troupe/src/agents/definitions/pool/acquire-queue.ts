/** The callers that wait for an instance of a pool, in their order, each with a timeout and a signal. */
import { type Clock, type Duration, failure, milliseconds } from '../../../core/index.ts'

export interface Waiter<T> {
  /** @throws TimeoutError `pool.timeout`, CancelledError, the argument of `reject` */
  readonly instance: Promise<T>
  /** True if it has an instance or an error, so that the next instance goes to another caller. */
  isFinished: boolean
  readonly resolve: (instance: T) => void
  readonly reject: (error: unknown) => void
}

export class AcquireQueue<T> {
  readonly #clock: Clock
  readonly #limit: Duration
  readonly #waiting = new Set<Waiter<T>>()
  #timeouts = 0

  constructor(clock: Clock, limit: Duration) {
    this.#clock = clock
    this.#limit = limit
    milliseconds(limit, 'acquireTimeout')
  }

  get size(): number {
    return this.#waiting.size
  }
  get timeouts(): number {
    return this.#timeouts
  }

  /** Creates a waiter whose time runs from now on. It is not in the queue. */
  createWaiter(signal: AbortSignal | undefined): Waiter<T> {
    const result = Promise.withResolvers<T>()
    const finish = () => {
      waiter.isFinished = true
      this.#waiting.delete(waiter)
      cancel()
      signal?.removeEventListener('abort', onAbort)
    }
    const waiter: Waiter<T> = {
      instance: result.promise,
      isFinished: false,
      resolve: (instance) => {
        finish()
        result.resolve(instance)
      },
      reject: (error) => {
        finish()
        result.reject(error)
      },
    }
    const onAbort = () =>
      waiter.reject(failure('cancelled', { what: 'Acquiring an instance' }, { cause: signal?.reason }))
    const cancel = this.#clock.after(milliseconds(this.#limit, 'acquireTimeout'), () => {
      this.#timeouts++
      waiter.reject(failure('pool.timeout', { limit: this.#limit }))
    })
    signal?.addEventListener('abort', onAbort, { once: true })
    return waiter
  }

  enqueue(waiter: Waiter<T>): void {
    this.#waiting.add(waiter)
  }
  /** Removes the first. Its time continues to run. */
  dequeue(): Waiter<T> | undefined {
    const [first] = this.#waiting
    if (first) this.#waiting.delete(first)
    return first
  }
  rejectAll(error: unknown): void {
    for (const waiter of this.#waiting) waiter.reject(error)
  }
}
