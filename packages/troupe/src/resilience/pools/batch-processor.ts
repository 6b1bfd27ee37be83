/**
 * Collects single items into batches: a full batch is sent at once, an incomplete one after a delay. dataloader is not
 * used, because it sends a full batch only after its window and does not bound the waiting items.
 */
import {
  type Cancel,
  type Clock,
  checkCall,
  checkFunction,
  checkOptions,
  type Duration,
  failure,
  invalidInput,
  milliseconds,
  systemClock,
} from '../../core/index.ts'
import { checkInteger } from '../check-integer.ts'

/** Options of a `BatchProcessor`. */
export interface BatchProcessorOptions<In, Out> {
  /** Processes a batch. Returns one result for each item, in order; an Error as a result fails that item alone. */
  readonly process: (items: readonly In[]) => Promise<readonly (Out | Error)[]> | readonly (Out | Error)[]
  /** The maximum number of items in a batch; 10 by default. */
  readonly size?: number
  /** How long the first item of a batch waits for others; 1 s by default. */
  readonly wait?: Duration
  /**
   * The maximum number of items that wait for their result, those of the batches in progress included; 1,000 by default,
   * or `size` if that is more. Further items are rejected with `batch.full`.
   */
  readonly maxWaiting?: number
  /** The machine's clock by default. */
  readonly clock?: Clock
}

interface Waiting<In, Out> {
  readonly item: In
  readonly resolve: (out: Out) => void
  readonly reject: (error: unknown) => void
  /** Called when the item is sent; its signal is ignored from then on. */
  readonly begun: () => void
}

/**
 * Processes single items in batches.
 * @example
 * const batches = new BatchProcessor({ process: (texts: readonly string[]) => embedAll(texts), size: 10, wait: '1s' })
 * const vector = await batches.add('a text')
 */
export class BatchProcessor<In, Out> implements AsyncDisposable {
  readonly #options: BatchProcessorOptions<In, Out>
  readonly #clock: Clock
  readonly #size: number
  readonly #waitMs: number
  readonly #maxWaiting: number
  #waiting: Waiting<In, Out>[] = []
  /** The number of items in the batches in progress. */
  #sent = 0
  #timer: Cancel | undefined
  readonly #running = new Set<Promise<void>>()
  #closed = false

  /** @throws ValidationError naming the invalid option */
  constructor(options: BatchProcessorOptions<In, Out>) {
    checkOptions('BatchProcessor', options, ['process', 'size', 'wait', 'maxWaiting', 'clock'])
    checkFunction('The option process of BatchProcessor', options.process)
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#size = checkInteger('BatchProcessor', 'size', options.size ?? 10)
    const maxWaiting = options.maxWaiting ?? Math.max(1_000, this.#size)
    this.#maxWaiting = checkInteger('BatchProcessor', 'maxWaiting', maxWaiting)
    this.#waitMs = milliseconds(options.wait ?? '1s', 'The wait of a BatchProcessor')
  }

  /**
   * Adds an item and resolves with its result.
   * @throws the error of `process`; CapacityError `batch.full`; CancelledError if the signal aborts before the item is
   * sent, and `batch.closed`
   */
  async add(
    item: In,
    options: {
      /** Removes the item from its batch, if the batch is not sent yet. */
      readonly signal?: AbortSignal
    } = {},
  ): Promise<Out> {
    if (this.#closed) throw failure('batch.closed')
    checkCall('An item of a batch', options)
    const { signal } = options
    if (this.#waiting.length + this.#sent >= this.#maxWaiting) throw failure('batch.full', { limit: this.#maxWaiting })
    return new Promise<Out>((resolve, reject) => {
      const begun = () => signal?.removeEventListener('abort', onAbort)
      const one = { item, resolve, reject, begun }
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(one), 1)
        // The next item starts a batch with a delay of its own.
        if (this.#waiting.length === 0) this.#stopWaiting()
        reject(failure('cancelled', { what: 'An item of a batch' }, { cause: signal?.reason }))
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(one)
      if (this.#waiting.length >= this.#size) this.#send()
      else this.#timer ??= this.#clock.after(this.#waitMs, () => this.#send())
    })
  }

  /** Sends all waiting items now, and resolves when all batches are processed. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0) this.#send()
    await Promise.all(this.#running)
  }

  /** Rejects new items, and flushes. */
  async close(): Promise<void> {
    this.#closed = true
    await this.flush()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #stopWaiting(): void {
    this.#timer?.()
    this.#timer = undefined
  }

  #send(): void {
    this.#stopWaiting()
    const batch = this.#waiting.splice(0, this.#size)
    if (batch.length === 0) return
    for (const { begun } of batch) begun()
    this.#sent += batch.length
    const running = this.#process(batch).finally(() => {
      this.#sent -= batch.length
      this.#running.delete(running)
    })
    this.#running.add(running)
  }

  async #process(batch: readonly Waiting<In, Out>[]): Promise<void> {
    try {
      const results = await this.#options.process(batch.map(({ item }) => item))
      const wrong = (problem: string) => invalidInput('The results of a batch', problem)
      if (!Array.isArray(results)) throw wrong('process gave no list of results')
      if (results.length !== batch.length) throw wrong(`there are ${results.length} for ${batch.length} items`)
      for (const [i, { resolve, reject }] of batch.entries()) {
        const result = results[i] as Out | Error
        if (result instanceof Error) reject(result)
        else resolve(result)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
