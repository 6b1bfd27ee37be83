/**
 * Resources that are dear to make (connections, browsers) and lent one at a time: made when wanted, checked before they are
 * lent, let go of when idle or old. Who came first is served first; what was lent comes back on every exit.
 */
import {
  type Cancel,
  type Clock,
  checkCall,
  checkFunction,
  checkOptions,
  type Duration,
  duration,
  failure,
  milliseconds,
  systemClock,
} from '../../core/index.ts'
import { checkInteger } from '../check-integer.ts'

export interface PoolOptions<T> {
  readonly create: () => T | Promise<T>
  readonly dispose?: (resource: T) => unknown
  /** Asked before each lending; one that is not valid, or whose check fails, is let go of and another is lent. */
  readonly validate?: (resource: T) => boolean | Promise<boolean>
  /** Resources kept; 20 by default. */
  readonly size?: number
  /** Made beyond it while many are wanted, and let go of when they come back; 30 by default. */
  readonly overflow?: number
  /** Made at once, and kept however idle; 0 by default. */
  readonly min?: number
  /** How long to wait for one, its making or its check included; 30 s by default. */
  readonly acquireTimeout?: Duration
  /** One that nobody wanted for so long is let go of; 5 min by default. */
  readonly idle?: Duration
  /** None is lent that is older; 1 h by default. */
  readonly maxLifetime?: Duration
  /** The machine's clock by default. */
  readonly clock?: Clock
}

export interface Lent<T> extends AsyncDisposable {
  readonly resource: T
  /** Gives it back; a second time does nothing. @param broken it is let go of */
  release(outcome?: { readonly broken?: boolean }): Promise<void>
}

export interface ResourcePoolStats {
  readonly idle: number
  readonly inUse: number
  readonly waiting: number
  readonly created: number
  readonly disposed: number
  readonly timeouts: number
}

interface PooledResource<T> {
  readonly resource: T
  readonly madeAt: number
  idle: Cancel | undefined
}
interface Waiter<T> {
  readonly resolve: (pooled: PooledResource<T> | undefined) => void
  readonly reject: (error: unknown) => void
}

const known = [
  'create',
  'dispose',
  'validate',
  'size',
  'overflow',
  'min',
  'acquireTimeout',
  'idle',
  'maxLifetime',
  'clock',
]

/**
 * @example
 * const pool = new Pool({ create: connect, dispose: (one) => one.close(), validate: (one) => one.ping() })
 * const rows = await pool.use((connection) => connection.query('select 1'))
 */
export class Pool<T> implements AsyncDisposable {
  readonly #options: PoolOptions<T>
  readonly #clock: Clock
  readonly #size: number
  readonly #maxSize: number
  readonly #min: number
  readonly #acquireMs: number
  readonly #idleMs: number
  readonly #lifetimeMs: number
  readonly #idle: PooledResource<T>[] = []
  readonly #waiting: Waiter<T>[] = []
  readonly #counters = { created: 0, disposed: 0, timeouts: 0 }
  /** Lent, being made, or being checked: each takes a place. */
  #inUse = 0
  #closed = false
  #empty: (() => void) | undefined

  /** @throws ValidationError naming the option that is wrong */
  constructor(options: PoolOptions<T>) {
    checkOptions('Pool', options, known)
    checkFunction('The option create of Pool', options.create)
    for (const option of ['dispose', 'validate'] as const)
      if (options[option] !== undefined) checkFunction(`The option ${option} of Pool`, options[option])
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#size = checkInteger('Pool', 'size', options.size ?? 20)
    this.#maxSize = this.#size + checkInteger('Pool', 'overflow', options.overflow ?? 30, 0)
    this.#min = checkInteger('Pool', 'min', options.min ?? 0, 0)
    if (this.#min > this.#size)
      throw failure('validation.failed', { what: 'The option min of Pool', problem: 'it is more than size' })
    this.#acquireMs = milliseconds(options.acquireTimeout ?? '30s', 'acquireTimeout')
    this.#idleMs = milliseconds(options.idle ?? '5m', 'idle')
    this.#lifetimeMs = milliseconds(options.maxLifetime ?? '1h', 'maxLifetime', '1ms')
    for (let i = 0; i < this.#min; i++) this.#warm()
  }

  get stats(): ResourcePoolStats {
    return { idle: this.#idle.length, inUse: this.#inUse, waiting: this.#waiting.length, ...this.#counters }
  }

  /** @throws TimeoutError `pool.timeout`; CancelledError when the signal aborts, or closed; what `create` throws */
  async acquire(options: { readonly signal?: AbortSignal } = {}): Promise<Lent<T>> {
    checkCall('Acquiring from a pool', options)
    this.#checkOpen()
    const { signal } = options
    const until = this.#clock.monotonic() + this.#acquireMs
    const free = this.#inUse < this.#maxSize
    if (free) this.#inUse++
    const pooled = free ? this.#take() : await this.#wait(signal)
    return this.#lend(await this.#inTime(this.#fit(pooled), until, signal))
  }

  /** What comes too late is kept for others: until then it takes its place. */
  async #inTime(
    fitting: Promise<PooledResource<T>>,
    until: number,
    signal: AbortSignal | undefined,
  ): Promise<PooledResource<T>> {
    const clock = this.#clock
    const over = Promise.withResolvers<never>()
    const cancel = clock.after(Math.max(0, until - clock.monotonic()), () => over.reject(this.#timedOut()))
    const onAbort = () => over.reject(cancelled(signal))
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([fitting, over.promise])
    } catch (error) {
      fitting.then(
        (pooled) => this.#release(pooled, false),
        () => this.#free(),
      )
      throw error
    } finally {
      cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  }
  #timedOut(): Error {
    this.#counters.timeouts++
    return failure('pool.timeout', { limit: duration(this.#acquireMs) })
  }

  /** Lends one for as long as the function works. */
  async use<Out>(
    run: (resource: T) => Promise<Out> | Out,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Out> {
    checkFunction('What Pool.use was given', run)
    await using lent = await this.acquire(options)
    return await run(lent.resource)
  }

  /** Lends no more, waits for what is lent, and lets go of all. */
  async close(): Promise<void> {
    this.#closed = true
    const error = failure('troupe.closed', { what: 'Acquiring from a pool' })
    for (const { reject } of this.#waiting.splice(0)) reject(error)
    if (this.#inUse > 0)
      await new Promise<void>((resolve) => {
        this.#empty = resolve
      })
    await Promise.all(this.#idle.splice(0).map((pooled) => this.#disposeResource(pooled)))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #checkOpen(): void {
    if (this.#closed) throw failure('troupe.closed', { what: 'Acquiring from a pool' })
  }

  /** The one used last: what is idle longest may go. */
  #take(): PooledResource<T> | undefined {
    const pooled = this.#idle.pop()
    pooled?.idle?.()
    return pooled
  }

  /** The place of whoever gives one back, with what was given back where it is good. */
  #wait(signal: AbortSignal | undefined): Promise<PooledResource<T> | undefined> {
    return new Promise((resolve, reject) => {
      const finishWaiting = (callback: () => void) => {
        cancel()
        signal?.removeEventListener('abort', onAbort)
        const at = this.#waiting.indexOf(waiter)
        if (at >= 0) this.#waiting.splice(at, 1)
        callback()
      }
      const waiter = {
        resolve: (pooled: PooledResource<T> | undefined) => finishWaiting(() => resolve(pooled)),
        reject: (error: unknown) => finishWaiting(() => reject(error)),
      }
      const onAbort = () => waiter.reject(cancelled(signal))
      const cancel = this.#clock.after(this.#acquireMs, () => waiter.reject(this.#timedOut()))
      this.#waiting.push(waiter)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** One that may be lent: the given one, another idle one, or a new one. */
  async #fit(candidate: PooledResource<T> | undefined): Promise<PooledResource<T>> {
    for (let pooled = candidate ?? this.#take(); pooled; pooled = this.#take()) {
      if (!this.#isOld(pooled) && (await this.#isValid(pooled))) return pooled
      await this.#disposeResource(pooled)
    }
    const resource = await this.#options.create()
    this.#counters.created++
    return { resource, madeAt: this.#clock.monotonic(), idle: undefined }
  }

  #isOld({ madeAt }: PooledResource<T>): boolean {
    return this.#clock.monotonic() - madeAt >= this.#lifetimeMs
  }
  async #isValid({ resource }: PooledResource<T>): Promise<boolean> {
    try {
      return (await this.#options.validate?.(resource)) ?? true
    } catch {
      return false
    }
  }

  #lend(pooled: PooledResource<T>): Lent<T> {
    let returned: Promise<void> | undefined
    const release = ({ broken = false }: { readonly broken?: boolean } = {}) => {
      returned ??= this.#release(pooled, broken)
      return returned
    }
    return { resource: pooled.resource, release, [Symbol.asyncDispose]: () => release() }
  }

  async #release(pooled: PooledResource<T>, broken: boolean): Promise<void> {
    const good = !broken && !this.#closed && !this.#isOld(pooled)
    const waiter = this.#waiting.shift()
    if (waiter) {
      // Its place goes along.
      waiter.resolve(good ? pooled : undefined)
      if (!good) await this.#disposeResource(pooled)
      return
    }
    const retain = good && this.#inUse + this.#idle.length <= this.#size
    if (retain) this.#retain(pooled)
    this.#free()
    if (!retain) await this.#disposeResource(pooled)
  }

  #retain(pooled: PooledResource<T>): void {
    const clock = this.#clock
    const drop = () => {
      const at = this.#idle.indexOf(pooled)
      if (at < 0) return
      if (this.#idle.length + this.#inUse <= this.#min) {
        pooled.idle = clock.after(this.#idleMs, drop, { background: true })
        return
      }
      this.#idle.splice(at, 1)
      void this.#disposeResource(pooled)
    }
    pooled.idle = clock.after(this.#idleMs, drop, { background: true })
    this.#idle.push(pooled)
  }

  /** A place is free. */
  #free(): void {
    const waiter = this.#waiting.shift()
    if (waiter) {
      waiter.resolve(undefined)
      return
    }
    this.#inUse--
    if (this.#inUse === 0) this.#empty?.()
  }

  async #disposeResource(pooled: PooledResource<T>): Promise<void> {
    pooled.idle?.()
    this.#counters.disposed++
    try {
      await this.#options.dispose?.(pooled.resource)
    } catch {
      // Nobody can do anything about what does not go.
    }
  }

  #warm(): void {
    this.#inUse++
    void this.#fit(undefined).then(
      (pooled) => this.#release(pooled, false),
      // Whoever wants one is told what is wrong.
      () => this.#free(),
    )
  }
}

const cancelled = (signal: AbortSignal | undefined) =>
  failure('cancelled', { what: 'Acquiring from a pool' }, { cause: signal?.reason })
