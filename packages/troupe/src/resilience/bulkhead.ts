/**
 * So many at once, the others wait in a bounded line. On p-queue, which also takes back the place of who gave up. Callers with
 * keys take turns: each call gets a tag one above its key's last, but at most one below what has begun (start-time fair queueing,
 * Goyal, Vin and Cheng 1996), and the lowest goes first. So a key's own calls keep their order, who was not here for a round goes
 * before those who were, and none starves. Where the line is full, a key that has nothing here takes the place of the call that
 * would go last, of a key that has several.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import PQueue from 'p-queue'
import { checkOptions, failure } from '../core/index.ts'
import { checkInteger } from './check-integer.ts'
import { checkGuarded, type Guarded, type Policy, type PolicyCall } from './policy.ts'

export interface BulkheadOptions {
  /** Calls at work at once; 10 by default. */
  readonly concurrent?: number
  /** Calls that may wait; 100 by default. Half as many again for users that have none here; then one of a crowd gives way. */
  readonly queue?: number
}

/** Keys that had calls in a round. */
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

/** @example const bulkhead = new Bulkhead({ concurrent: 4 }); await bulkhead.execute(() => render(page)) */
export class Bulkhead implements Policy {
  readonly #queue: PQueue
  readonly #maxQueued: number
  /** Of keys that have calls here, or had some of this round or the last. */
  readonly #usage = new Map<string, KeyUsage>()
  readonly #waiting = new Set<Waiting>()
  /** The tag of what began last. */
  #begun = 0

  /** @throws ValidationError naming the option that is wrong */
  constructor(options: BulkheadOptions = {}) {
    checkOptions('Bulkhead', options, ['concurrent', 'queue'])
    this.#queue = new PQueue({ concurrency: checkInteger('Bulkhead', 'concurrent', options.concurrent ?? 10) })
    this.#maxQueued = checkInteger('Bulkhead', 'queue', options.queue ?? 100, 0)
  }

  get running(): number {
    return this.#queue.pending
  }
  get waiting(): number {
    return this.#queue.size
  }

  rejection({ key = '' }: PolicyCall): Error | undefined {
    return this.#isFullFor(key) && !this.#last(key) ? this.#full() : undefined
  }

  /** @throws CapacityError `bulkhead.full`, at once or when it is pushed out; CancelledError when the signal aborts; else what `fn` throws */
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
    // Begun by whoever leaves a place, a call works in its own surroundings.
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

  /** A round is over when a call begins that was not due in it, or so many have had their turn. */
  #advanceRound(tag: number): void {
    const next = this.#usage.size > maxRemembered ? this.#begun + 1 : tag
    if (next <= this.#begun) return
    this.#begun = next
    // They would get no other tag than who was never here.
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

  /** The call that gives up its place for one of this key, if any does: nobody's only one. */
  #last(key: string): Waiting | undefined {
    if (key === '' || this.#has(key)) return undefined
    let last: Waiting | undefined
    for (const one of this.#waiting)
      if (one.usage.calls > 1 && one.tag >= this.#begun && (!last || one.tag >= last.tag)) last = one
    return last
  }
}
