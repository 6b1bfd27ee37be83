/**
 * Limits concurrent calls; the others wait in a bounded queue. It uses p-queue, which also removes cancelled calls from
 * the queue.
 *
 * Calls with keys are scheduled by start-time fair queueing (Goyal, Vin and Cheng 1996). Each call gets a tag one above
 * its key's last tag, and at least one below the tag of the last started call. The lowest tag starts first. The calls
 * of one key therefore keep their order, a key without calls in the last round comes first, and no key starves.
 *
 * If the queue is full, a call of a new key replaces the last call of a key that has several.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import PQueue from 'p-queue'
import { checkOptions, failure } from '../core/index.ts'
import { checkInteger } from './check-integer.ts'
import { checkGuarded, type Guarded, type Policy, type PolicyCall } from './policy.ts'

/** Options of a `Bulkhead`. */
export interface BulkheadOptions {
  /** The number of calls that run at once; 10 by default. */
  readonly concurrent?: number
  /**
   * The number of calls that may wait; 100 by default. Keys without calls may use half as many more; after that such a
   * call replaces a waiting call of a key with several.
   */
  readonly queue?: number
}

/** The maximum number of keys whose usage is remembered. */
const maxRemembered = 10_000

interface KeyUsage {
  readonly key: string
  calls: number
  tag: number
}
interface Waiting {
  readonly tag: number
  readonly usage: KeyUsage
  readonly pushOut: AbortController
}

/**
 * A policy that limits concurrent calls.
 * @example const bulkhead = new Bulkhead({ concurrent: 4 }); await bulkhead.execute(() => render(page))
 */
export class Bulkhead implements Policy {
  readonly #queue: PQueue
  readonly #maxQueued: number
  /** The usage of keys with calls in the bulkhead, in this round or in the last one. */
  readonly #usage = new Map<string, KeyUsage>()
  readonly #waiting = new Set<Waiting>()
  /** The tag of the call that started last. */
  #begun = 0

  /** @throws ValidationError naming the invalid option */
  constructor(options: BulkheadOptions = {}) {
    checkOptions('Bulkhead', options, ['concurrent', 'queue'])
    this.#queue = new PQueue({ concurrency: checkInteger('Bulkhead', 'concurrent', options.concurrent ?? 10) })
    this.#maxQueued = checkInteger('Bulkhead', 'queue', options.queue ?? 100, 0)
  }

  /** The number of calls that run now. */
  get running(): number {
    return this.#queue.pending
  }
  /** The number of calls that wait. */
  get waiting(): number {
    return this.#queue.size
  }

  rejection({ key = '' }: PolicyCall): Error | undefined {
    return this.#isFullFor(key) && !this.#last(key) ? this.#full() : undefined
  }

  /**
   * Runs the function as soon as fewer than `concurrent` calls run.
   * @throws CapacityError `bulkhead.full`, at once or when another call replaces it; CancelledError if the signal
   * aborts; the errors of `fn`
   */
  async execute<Out>(fn: Guarded<Out>, call: PolicyCall = {}): Promise<Out> {
    checkGuarded('Bulkhead.execute', fn, call)
    const { key = '', signal } = call
    if (this.#isFullFor(key)) {
      const last = this.#last(key)
      if (!last) throw this.#full()
      last.pushOut.abort(this.#full())
    }
    const usage = this.#usage.get(key) ?? { key, calls: 0, tag: Number.NEGATIVE_INFINITY }
    const tag = Math.max(this.#begun - 1, usage.tag + 1)
    usage.tag = tag
    usage.calls++
    this.#usage.set(key, usage)
    const waiting = { tag, usage, pushOut: new AbortController() }
    this.#waiting.add(waiting)
    // A finished call starts the next one, which must run in the async context of its own caller.
    const around = AsyncLocalStorage.snapshot()
    const begin = () => {
      this.#waiting.delete(waiting)
      this.#advanceRound(tag)
      return around(async () => fn({ signal }))
    }
    const stopSignal = signal ? AbortSignal.any([signal, waiting.pushOut.signal]) : waiting.pushOut.signal
    try {
      return await this.#queue.add<Out>(begin, { priority: -tag, signal: stopSignal })
    } catch (error) {
      if (signal?.aborted && error === signal.reason)
        throw failure('cancelled', { what: 'A call that waited for its turn' }, { cause: error })
      throw error
    } finally {
      this.#waiting.delete(waiting)
      usage.calls--
    }
  }

  /** Starts a new round when a call with a higher tag starts, or when the usage of too many keys is stored. */
  #advanceRound(tag: number): void {
    const next = this.#usage.size > maxRemembered ? this.#begun + 1 : tag
    if (next <= this.#begun) return
    this.#begun = next
    // These keys would get the same tag as new keys.
    for (const [key, { calls, tag: last }] of this.#usage) if (calls === 0 && last < next - 1) this.#usage.delete(key)
  }
  #has(key: string): boolean {
    return (this.#usage.get(key)?.calls ?? 0) > 0
  }

  #isFullFor(key: string): boolean {
    const { concurrency, pending, size } = this.#queue
    const capacity = key !== '' && !this.#has(key) ? Math.floor(this.#maxQueued * 1.5) : this.#maxQueued
    return pending >= concurrency && size >= capacity
  }

  #full(): Error {
    return failure('bulkhead.full', { concurrent: this.#queue.concurrency, queue: this.#maxQueued })
  }

  /** Returns the waiting call that a call of this key replaces; never the only call of a key. */
  #last(key: string): Waiting | undefined {
    if (key === '' || this.#has(key)) return undefined
    let last: Waiting | undefined
    for (const one of this.#waiting)
      if (one.usage.calls > 1 && one.tag >= this.#begun && (!last || one.tag >= last.tag)) last = one
    return last
  }
}
