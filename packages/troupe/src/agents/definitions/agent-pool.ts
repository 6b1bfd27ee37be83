/**
 * A pool of running instances with their resources, up to a limit. Each is lent to one caller at a time, in the order of the
 * calls, and is returned on every exit.
 */
import {
  type Cancel,
  type Clock,
  checkOptions,
  checkSignal,
  checkText,
  type Duration,
  failure,
  hashText,
  invalidInput,
  milliseconds,
  reportCallback,
  type Schema,
  show,
  systemClock,
  whenAborted,
} from '../../core/index.ts'
import { LentResources } from '../../resilience/index.ts'
import { type Agent, type AgentAccess, checkStepEntry, type Outcome, type StepEntry } from '../agent-port.ts'
import { clientsFor } from '../step/inner-entry.ts'

/** The options of an `AgentPool`: exactly one of `create` and `agent`, and optional limits. */
export interface AgentPoolOptions<T> {
  /** Creates an instance. `agent` in its place lends one definition as several instances. */
  readonly create?: () => T | Promise<T>
  /** The definition that is lent in place of an instance of `create`. */
  readonly agent?: T
  /** The name of the pool in a topology; the agent's name by default. */
  readonly name?: string
  /** Disposes of an instance. Its error is logged by the troupe whose steps the pool serves. */
  readonly dispose?: (instance: T) => unknown
  /** The highest number of instances; 4 by default. */
  readonly size?: number
  /** The number of instances that are created at once, or `true` for all; none by default. */
  readonly warmStart?: number | boolean
  /** The idle time after which an instance is disposed of. */
  readonly maxIdle?: Duration
  /** The longest wait for an instance; 30 s by default. */
  readonly acquireTimeout?: Duration
  /** The clock of the machine by default. */
  readonly clock?: Clock
}

/** An instance that one caller has acquired. `await using` returns it at the end of the block. */
export interface AgentLease<T> extends AsyncDisposable {
  /** The acquired instance. Do not use it after `release`. */
  readonly instance: T
  /** Returns the instance to the pool; a second call does nothing. */
  release(): Promise<void>
}

/** The counts of an `AgentPool`. */
export interface AgentPoolStats {
  /** The highest number of instances, as configured. */
  readonly size: number
  /** The number of instances that exist or are being created. */
  readonly created: number
  /** The number of instances that are acquired or are being created. */
  readonly inUse: number
  /** The number of instances that wait for a caller. */
  readonly idle: number
  /** The number of callers that wait for an instance in the queue. */
  readonly waiting: number
  /** The number of calls that got an instance since the pool was created. */
  readonly acquired: number
  /** The number of calls that failed with `pool.timeout`. */
  readonly timeouts: number
  /** The number of instances that were disposed of. */
  readonly disposed: number
}

const options = [
  'create',
  'agent',
  'name',
  'dispose',
  'size',
  'warmStart',
  'maxIdle',
  'acquireTimeout',
  'clock',
] as const

/** The time in ms for which the code of an aborted step may use its instance. */
const abortedMs = 30_000

/**
 * A pool of instances with their resources, up to a limit. Each instance is lent to one caller at a time, in the order
 * of the calls. In a topology, a pool of agents takes part like one agent.
 * @example await pool.use(async (browser) => browser.open(url))
 */
export class AgentPool<T = unknown> implements Agent, AsyncDisposable {
  /** The highest number of instances. */
  readonly size: number
  readonly #options: AgentPoolOptions<T>
  readonly #create: () => T | Promise<T>
  readonly #clock: Clock
  readonly #instances: LentResources<T>
  readonly #ready: Promise<void>
  /** The key of the caller that had the instance last. */
  readonly #lastKeys = new Map<T, string>()
  #acquired = 0
  /** The services of the troupe whose step had an instance last. They report an error of `dispose`. */
  #services: StepEntry['services'] | undefined

  /** @throws ValidationError naming the option that is wrong */
  constructor(poolOptions: AgentPoolOptions<T>) {
    checkOptions('AgentPool', poolOptions, options)
    this.#options = poolOptions
    this.size = integer('size', poolOptions.size ?? 4, 1)
    const { warmStart = 0 } = poolOptions
    const warm = typeof warmStart === 'boolean' ? (warmStart ? this.size : 0) : integer('warmStart', warmStart, 0)
    if (warm > this.size) throw wrong(`warmStart is ${show(warm)}, more than its size of ${this.size}`)
    if ((poolOptions.create === undefined) === (poolOptions.agent === undefined))
      throw wrong('it needs either create or agent')
    for (const part of ['create', 'dispose'] as const)
      if (poolOptions[part] !== undefined && typeof poolOptions[part] !== 'function')
        throw wrong(`its ${part} must be a function`)
    this.#create = poolOptions.create ?? (() => poolOptions.agent as T)
    const { clock = systemClock, acquireTimeout = '30s', maxIdle } = poolOptions
    this.#clock = clock
    this.#instances = new LentResources<T>({
      options: { create: this.#create, dispose: (instance) => this.#dispose(instance) },
      what: 'Acquiring an instance',
      clock,
      size: this.size,
      maxSize: this.size,
      min: 0,
      acquireMs: milliseconds(acquireTimeout, 'acquireTimeout'),
      idleMs: maxIdle === undefined ? undefined : milliseconds(maxIdle, 'maxIdle'),
      lifetimeMs: Number.POSITIVE_INFINITY,
    })
    this.#ready = this.#instances.warm(warm)
    // A caller that acquires an instance gets the error by its own attempt.
    this.#ready.catch(() => {})
  }

  /** Resolves when the instances of `warmStart` exist; rejects with the error of their creation. */
  ready(): Promise<void> {
    return this.#ready
  }

  /**
   * Waits for an instance and returns it as a lease.
   * @param request.key names the caller, which gets the instance that it had last if that one is idle
   * @param request.signal ends the wait for an instance
   * @throws TimeoutError `pool.timeout`, CancelledError, the error of `create`
   */
  async acquire(request: { readonly key?: string; readonly signal?: AbortSignal } = {}): Promise<AgentLease<T>> {
    checkOptions('acquire', request, ['key', 'signal'])
    const { key, signal } = request
    checkSignal('Acquiring an instance', signal)
    if (key !== undefined) checkText('The key of acquire', key)
    const lent = await this.#instances.acquire(signal, (instance) => this.#lastKeys.get(instance) === key)
    const { resource: instance } = lent
    if (key === undefined) this.#lastKeys.delete(instance)
    else this.#lastKeys.set(instance, key)
    this.#acquired++
    const release = () => lent.release()
    return { instance, release, [Symbol.asyncDispose]: release }
  }

  /**
   * Acquires an instance, calls the function with it, and returns the instance also if the function throws.
   * @param request.key names the caller, which gets the instance that it had last if that one is idle
   * @param request.signal ends the wait for an instance
   * @throws TimeoutError `pool.timeout`, CancelledError, the error of `create` or of the function
   */
  async use<Out>(
    fn: (instance: T) => Out | Promise<Out>,
    request: { readonly key?: string; readonly signal?: AbortSignal } = {},
  ): Promise<Out> {
    if (typeof fn !== 'function') throw wrong('use was given no function')
    await using lease = await this.acquire(request)
    return await fn(lease.instance)
  }

  /** Returns the counts of the pool at this moment. */
  stats(): AgentPoolStats {
    const { stats } = this.#instances
    return { ...stats, size: this.size, acquired: this.#acquired, created: stats.idle + stats.inUse }
  }

  /** Rejects waiting callers, waits until lent instances are returned, and disposes of all instances. */
  close(): Promise<void> {
    return this.#instances.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The definition that it lends; undefined for instances of `create`, which are known only after their creation. */
  get lends(): Agent | undefined {
    return asAgent(this.#options.agent)
  }
  /** In a topology a pool represents its agents: one of them executes each step. */
  get name(): string {
    return this.#options.name ?? this.lends?.name ?? 'Pool'
  }
  get access(): AgentAccess {
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

  /**
   * Executes a step of a run with an instance of the pool.
   * @throws ValidationError `agent.wrong` if its instances are not agents
   */
  step(entry: StepEntry): Promise<Outcome> {
    return this.#lend(entry, (agent) => agent)
  }

  /** Returns an agent that lends the instances of this pool, each changed by `change`. */
  changed(change: (agent: Agent) => Agent): Agent {
    const { name, access, description, inputSchema, outputSchema, toolNames, source, incomplete } = this
    const fingerprint = this.lends ? change(this.lends).fingerprint : this.fingerprint
    const known = { name, access, description, inputSchema, outputSchema, toolNames, source, incomplete, fingerprint }
    return { ...known, step: (entry) => this.#lend(entry, change) }
  }

  async #lend(entry: StepEntry, change: (agent: Agent) => Agent): Promise<Outcome> {
    checkStepEntry(this.name, entry)
    const { signal } = entry.recorder
    this.#services = entry.services
    // A step that waits returns its instance, which others may need to end the wait.
    entry.recorder.dropWhenParked()
    const lease = await this.acquire({ key: entry.recorder.step, signal })
    const stopWatching = this.#returnWhenAborted(lease, signal)
    try {
      const agent = asAgent(lease.instance)
      if (!agent)
        throw failure('agent.wrong', { agent: this.name, problem: 'the instances of this pool are not agents' })
      // Instances of `create` are not known beforehand: each has its own rights, within those of the pool.
      const own = agent === this.lends ? entry : { ...entry, ...clientsFor(agent.access, entry) }
      const at = change(agent)
      if (!entry.serve || !at.serve) return await at.step(own)
      return { kind: 'value', value: await at.serve(entry.serve, own) }
    } finally {
      stopWatching()
      await lease.release()
    }
  }

  /** The code of a parked step is suspended for good. Code of another aborted step still uses its instance until it ends. */
  #returnWhenAborted(lease: AgentLease<T>, signal: AbortSignal): () => void {
    const release = () => void lease.release()
    let stopWaiting: Cancel | undefined
    const stopWatching = whenAborted(signal, () => {
      if (signal.reason === 'parked') release()
      else stopWaiting = this.#clock.after(abortedMs, release, { background: true })
    })
    return () => {
      stopWatching()
      stopWaiting?.()
    }
  }

  async #dispose(instance: T): Promise<void> {
    this.#lastKeys.delete(instance)
    try {
      await this.#options.dispose?.(instance)
    } catch (error) {
      // The instance is removed in both cases, and no caller waits for it.
      const about = { callback: 'dispose of a pool', name: this.name } as const
      if (this.#services) reportCallback(this.#services.platform, about, error)
    }
  }
}

const asAgent = (value: unknown): Agent | undefined =>
  typeof (value as Agent | undefined)?.step === 'function' ? (value as Agent) : undefined

const wrong = (problem: string) => invalidInput('AgentPool', problem)

function integer(option: string, value: number, lowest: number): number {
  if (!Number.isInteger(value) || value < lowest)
    throw wrong(`${option} is ${show(value)}, not a whole number from ${lowest}`)
  return value
}
