/**
 * So many at once, the others wait in a bounded line. On p-queue, which also takes back the place of who gave up. Callers with
 * keys take turns: each call gets a tag one above its key's last, but never below what has begun (start-time fair queueing,
 * Goyal, Vin and Cheng 1996), and the lowest goes first. So a key's own calls keep their order and none starves.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import PQueue from 'p-queue'
import { checkOptions, failure } from '../core/index.ts'
import { checkWhole } from './check-whole.ts'
import type { Guarded, Policy, PolicyCall } from './policy.ts'

export interface BulkheadOptions {
  /** Calls at work at once; 10 by default. */
  readonly concurrent?: number
  /** Calls that may wait; 100 by default. Half as many again for users that have none here: a crowd keeps nobody out. */
  readonly queue?: number
}

/** @example const bulkhead = new Bulkhead({ concurrent: 4 }); await bulkhead.execute(() => render(page)) */
export class Bulkhead implements Policy {
  readonly #queue: PQueue
  readonly #most: number
  /** Of keys that have calls here. */
  readonly #held = new Map<string, { calls: number; tag: number }>()
  /** The tag of what began last. */
  #begun = 0

  /** @throws ValidationError naming the option that is wrong */
  constructor(options: BulkheadOptions = {}) {
    checkOptions('Bulkhead', options, ['concurrent', 'queue'])
    this.#queue = new PQueue({ concurrency: checkWhole('Bulkhead', 'concurrent', options.concurrent ?? 10) })
    this.#most = checkWhole('Bulkhead', 'queue', options.queue ?? 100, 0)
  }

  get running(): number {
    return this.#queue.pending
  }
  get waiting(): number {
    return this.#queue.size
  }

  /** @throws CapacityError `bulkhead.full`; CancelledError when the signal aborts; else what `fn` throws */
  async execute<Out>(fn: Guarded<Out>, { key = '', signal }: PolicyCall = {}): Promise<Out> {
    const { concurrency, pending, size } = this.#queue
    const known = this.#held.get(key)
    const places = key !== '' && !known ? Math.floor(this.#most * 1.5) : this.#most
    if (pending >= concurrency && size >= places)
      throw failure('bulkhead.full', { concurrent: concurrency, queue: this.#most })
    const held = known ?? { calls: 0, tag: 0 }
    const tag = Math.max(this.#begun, held.tag + 1)
    held.tag = tag
    held.calls++
    this.#held.set(key, held)
    // Begun by whoever leaves a place, a call works in its own surroundings.
    const around = AsyncLocalStorage.snapshot()
    const begin = () => {
      this.#begun = Math.max(this.#begun, tag)
      return around(async () => fn({ signal }))
    }
    try {
      return await this.#queue.add<Out>(begin, { priority: -tag, ...(signal ? { signal } : {}) })
    } catch (error) {
      if (signal?.aborted && error === signal.reason)
        throw failure('cancelled', { what: 'A call that waited for its turn' }, { cause: error })
      throw error
    } finally {
      if (--held.calls === 0) this.#held.delete(key)
    }
  }
}
