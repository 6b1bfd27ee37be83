/**
 * Running instances with their resources, at most so many, lent one at a time: whoever came first is served first, and
 * what was lent comes back on every exit.
 */
import {
  type Cancel,
  type Clock,
  checkOptions,
  checkSignal,
  type Duration,
  failure,
  hashText,
  milliseconds,
  type Schema,
} from '../core/index.ts'
import type { Access, Agent, Outcome, StepEntry } from './agent-port.ts'
import { handsFor } from './hands-for.ts'

export interface PoolOptions<T> {
  /** Makes an instance; `agent` in its place lends one definition as so many instances. */
  readonly create?: () => T | Promise<T>
  readonly agent?: T
  /** In a topology; the agent's by default. */
  readonly name?: string
  readonly dispose?: (instance: T) => unknown
  /** Instances at most; 4 by default. */
  readonly size?: number
  /** So many are made at once instead of at first use, `true` all of them; none by default. */
  readonly warmStart?: number | boolean
  /** An instance that nobody wanted for so long is disposed of. */
  readonly maxIdle?: Duration
  /** How long to wait for one; 30 s by default. */
  readonly acquireTimeout?: Duration
  readonly clock: Clock
}

export interface Lease<T> extends AsyncDisposable {
  readonly instance: T
  /** Gives it back; a second time does nothing. */
  release(): Promise<void>
}

export interface PoolStats {
  readonly size: number
  readonly created: number
  readonly inUse: number
  readonly idle: number
  readonly waiting: number
  /** Since the pool was made. */
  readonly acquired: number
  readonly timeouts: number
  readonly disposed: number
}

interface Waiter<T> {
  /** It got one, gave up, or was refused: what comes later goes to somebody else. */
  isSettled: boolean
  readonly resolve: (instance: T) => void
  readonly reject: (error: unknown) => void
}

const options = ['create', 'agent', 'name', 'dispose', 'size', 'warmStart', 'maxIdle', 'acquireTimeout', 'clock']

/** @example await pool.use(async (browser) => browser.open(url)) */
export class AgentPool<T = unknown> implements Agent, AsyncDisposable {
  readonly size: number
  readonly #options: PoolOptions<T>
  readonly #create: () => T | Promise<T>
  readonly #acquireMs: number
  readonly #idle: { readonly instance: T; readonly cancel: Cancel }[] = []
  readonly #waiters = new Set<Waiter<T>>()
  readonly #ready: Promise<void>
  #created = 0
  #inUse = 0
  #acquired = 0
  #timeouts = 0
  #disposed = 0
  #closed = false
  #drained: (() => void) | undefined
  #closing: Promise<void> | undefined

  /** @throws ValidationError naming the option that is wrong */
  constructor(given: PoolOptions<T>) {
    checkOptions('AgentPool', given, options)
    this.#options = given
    this.size = whole('size', given.size ?? 4, 1)
    const { warmStart = 0 } = given
    const warm = typeof warmStart === 'boolean' ? (warmStart ? this.size : 0) : whole('warmStart', warmStart, 0)
    if (warm > this.size) throw wrong(`warmStart is ${warm}, more than its size of ${this.size}`)
    if ((given.create === undefined) === (given.agent === undefined)) throw wrong('it needs either create or agent')
    for (const part of ['create', 'dispose'] as const)
      if (given[part] !== undefined && typeof given[part] !== 'function') throw wrong(`its ${part} is no function`)
    this.#create = given.create ?? (() => given.agent as T)
    this.#acquireMs = milliseconds(given.acquireTimeout ?? '30s', 'acquireTimeout')
    if (given.maxIdle !== undefined) milliseconds(given.maxIdle, 'maxIdle')
    this.#ready = this.#warm(warm)
    // Who acquires hears of it by its own attempt.
    this.#ready.catch(() => {})
  }

  /** Resolves when the instances of `warmStart` stand; rejects with what creating one failed with. */
  ready(): Promise<void> {
    return this.#ready
  }

  /**
   * @param request.key names the one who asks, in the error
   * @throws TimeoutError `pool.timeout`, CancelledError, what `create` failed with
   */
  async acquire(request: { readonly key?: string; readonly signal?: AbortSignal } = {}): Promise<Lease<T>> {
    checkOptions('acquire', request, ['key', 'signal'])
    if (this.#closed) throw failure('troupe.closed', { what: 'Acquiring an instance' })
    checkSignal('Acquiring an instance', request.signal)
    const instance = await this.#take(request.signal)
    this.#acquired++
    let held = true
    const release = async () => {
      if (!held) return
      held = false
      this.#giveBack(instance)
    }
    return { instance, release, [Symbol.asyncDispose]: release }
  }

  async use<Out>(
    fn: (instance: T) => Out | Promise<Out>,
    request: { readonly key?: string; readonly signal?: AbortSignal } = {},
  ): Promise<Out> {
    if (typeof fn !== 'function') throw wrong('use was given no function')
    const lease = await this.acquire(request)
    try {
      return await fn(lease.instance)
    } finally {
      await lease.release()
    }
  }

  stats(): PoolStats {
    return {
      size: this.size,
      created: this.#created,
      inUse: this.#inUse,
      idle: this.#idle.length,
      waiting: this.#waiters.size,
      acquired: this.#acquired,
      timeouts: this.#timeouts,
      disposed: this.#disposed,
    }
  }

  /** Refuses who waits, waits for what is lent, and disposes of everything. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#closed = true
    for (const waiter of this.#waiters) waiter.reject(failure('troupe.closed', { what: 'Acquiring an instance' }))
    await this.#ready.catch(() => {})
    if (this.#inUse > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
    const idle = this.#idle.splice(0)
    for (const { cancel } of idle) cancel()
    await Promise.all(idle.map(({ instance }) => this.#dispose(instance)))
  }

  /** The definition that it lends; what `create` makes is known only once it stands. */
  get lends(): Agent | undefined {
    return asAgent(this.#options.agent)
  }
  /** In a topology a pool stands for its agents: each step is carried out by one of them. */
  get name(): string {
    return this.#options.name ?? this.lends?.name ?? 'Pool'
  }
  get access(): Access {
    return this.lends?.access ?? {}
  }
  get fingerprint(): string {
    return this.lends?.fingerprint ?? hashText(`${this.name} ${this.#create}`)
  }
  get description(): string | undefined {
    return this.lends?.description
  }
  get inputSchema(): Schema | undefined {
    return this.lends?.inputSchema
  }
  get outputSchema(): Schema | undefined {
    return this.lends?.outputSchema
  }
  get toolNames(): readonly string[] | undefined {
    return this.lends?.toolNames
  }
  get source(): string | undefined {
    return this.lends?.source
  }
  get incomplete(): string | undefined {
    return this.lends?.incomplete
  }

  /** @throws ValidationError `agent.wrong` when its instances are no agents */
  step(entry: StepEntry): Promise<Outcome> {
    return this.#lend(entry, (agent) => agent)
  }

  /** What stands for this pool and its places where each of its agents is to be as `change` makes it. */
  changed(change: (agent: Agent) => Agent): Agent {
    const { name, access, description, inputSchema, outputSchema, toolNames, source, incomplete } = this
    const fingerprint = this.lends ? change(this.lends).fingerprint : this.fingerprint
    const known = { name, access, description, inputSchema, outputSchema, toolNames, source, incomplete, fingerprint }
    return { ...known, step: (entry) => this.#lend(entry, change) }
  }

  async #lend(entry: StepEntry, change: (agent: Agent) => Agent): Promise<Outcome> {
    const { signal } = entry.recorder
    const lease = await this.acquire({ key: entry.recorder.step, signal })
    // A step that parks never settles: what it holds goes back all the same.
    const release = () => void lease.release()
    signal.addEventListener('abort', release, { once: true })
    // It may have been aborted while the instance was on its way.
    if (signal.aborted) release()
    try {
      const agent = asAgent(lease.instance)
      if (!agent)
        throw failure('agent.wrong', { agent: this.name, problem: 'the instances of this pool are no agents' })
      // Of what `create` makes nothing is known beforehand: each instance has its own rights, within those of the pool.
      const own = agent === this.lends ? entry : { ...entry, ...handsFor(agent.access, entry) }
      const at = change(agent)
      if (!entry.serve || !at.serve) return await at.step(own)
      return { kind: 'value', value: await at.serve(entry.serve, own) }
    } finally {
      signal.removeEventListener('abort', release)
      await lease.release()
    }
  }

  #take(signal: AbortSignal | undefined): T | Promise<T> {
    const free = this.#idle.pop()
    if (free) {
      free.cancel()
      this.#inUse++
      return free.instance
    }
    return new Promise<T>((resolve, reject) => {
      const waiter = this.#waiter(signal, resolve, reject)
      if (this.#created < this.size && this.#waiters.size === 0) this.#makeFor(waiter)
      else this.#waiters.add(waiter)
    })
  }

  /** Somebody who waits for an instance, be it free or being made, as long as it may and wants. */
  #waiter(
    signal: AbortSignal | undefined,
    resolve: (instance: T) => void,
    reject: (error: unknown) => void,
  ): Waiter<T> {
    const settle = () => {
      waiter.isSettled = true
      this.#waiters.delete(waiter)
      cancel()
      signal?.removeEventListener('abort', onAbort)
    }
    const waiter: Waiter<T> = {
      isSettled: false,
      resolve: (instance) => {
        settle()
        resolve(instance)
      },
      reject: (error) => {
        settle()
        reject(error)
      },
    }
    const onAbort = () =>
      waiter.reject(failure('cancelled', { what: 'Acquiring an instance' }, { cause: signal?.reason }))
    const cancel = this.#options.clock.after(this.#acquireMs, () => {
      this.#timeouts++
      waiter.reject(failure('pool.timeout', { limit: this.#options.acquireTimeout ?? '30s' }))
    })
    signal?.addEventListener('abort', onAbort, { once: true })
    return waiter
  }

  /** An instance that is made too late for who waited goes to the next. */
  #makeFor(waiter: Waiter<T>): void {
    this.#make().then(
      (instance) => (waiter.isSettled ? this.#giveBack(instance) : waiter.resolve(instance)),
      (error: unknown) => (waiter.isSettled ? undefined : waiter.reject(error)),
    )
  }

  /** Takes a place first, so that no two calls make one instance too many. */
  async #make(): Promise<T> {
    this.#created++
    this.#inUse++
    try {
      return await this.#create()
    } catch (error) {
      this.#created--
      this.#inUse--
      this.#serveNext()
      throw error
    }
  }

  #giveBack(instance: T): void {
    const next = this.#waiters.values().next().value
    if (next) {
      next.resolve(instance)
      return
    }
    this.#inUse--
    this.#rest(instance)
    if (this.#inUse === 0) this.#drained?.()
  }

  #rest(instance: T): void {
    const { maxIdle, clock } = this.#options
    const entry = { instance, cancel: () => {} }
    if (maxIdle !== undefined)
      entry.cancel = clock.after(
        milliseconds(maxIdle, 'maxIdle'),
        () => {
          const place = this.#idle.indexOf(entry)
          if (place === -1) return
          this.#idle.splice(place, 1)
          void this.#dispose(instance)
        },
        { background: true },
      )
    this.#idle.push(entry)
  }

  /** A place became free without an instance: the first who waits makes one. */
  #serveNext(): void {
    const next = this.#waiters.values().next().value
    if (!next || this.#closed) {
      if (this.#inUse === 0) this.#drained?.()
      return
    }
    this.#waiters.delete(next)
    this.#makeFor(next)
  }

  async #dispose(instance: T): Promise<void> {
    this.#created--
    this.#disposed++
    try {
      await this.#options.dispose?.(instance)
    } catch {
      // It is gone either way; what it failed with concerns nobody who waits.
    }
  }

  async #warm(count: number): Promise<void> {
    const made = await Promise.allSettled(Array.from({ length: count }, () => this.#make()))
    for (const one of made) if (one.status === 'fulfilled') this.#giveBack(one.value)
    for (const one of made) if (one.status === 'rejected') throw one.reason
  }
}

const asAgent = (value: unknown): Agent | undefined =>
  typeof (value as Agent | undefined)?.step === 'function' ? (value as Agent) : undefined

const wrong = (problem: string) => failure('validation.failed', { what: 'AgentPool', problem })

function whole(option: string, value: number, lowest: number): number {
  if (!Number.isInteger(value) || value < lowest)
    throw wrong(`${option} is ${value}, not a whole number from ${lowest}`)
  return value
}
