/**
 * The limits before a model, shared by all agents of a troupe: for all models together, for an account and for a model; the
 * pause that a provider asked for; and a circuit breaker. An account is a key of a provider, or a URL with its key. Two
 * accounts of one provider fail and wait independently.
 */
import {
  type Clock,
  checkOptions,
  type Duration,
  failure,
  hashText,
  invalidInput,
  lruCache,
  milliseconds,
  sleep,
} from '../core/index.ts'
import { Bulkhead, CircuitBreaker, checkInteger, type Guarded, RateLimiter, wrap } from '../resilience/index.ts'
import { verdictOf } from './model-failure.ts'
import type { CallLimits, EmbeddingSpec, ModelLimits, ModelSpec, RerankingSpec } from './models-port.ts'
import { modelNameOf } from './resolve-model.ts'

/** Options of the circuit breakers of models; each model of an account has its own. */
export interface BreakerOptions {
  /** The number of failures in a row that open the circuit; 5 by default. */
  readonly failures?: number
  /** The time for which calls are rejected after that; 60 s by default. */
  readonly pause?: Duration
}

/** If a provider asks for a longer pause, the next model of the chain is asked. */
export const longestPauseMs = 60_000
/** The window of a shared count moves in slices, so that a call is possible up to 3 s later. */
const longestSharedPause = '64s'
const maxPauses = 6
/** The maximal number of tracked accounts and models. The least recently used is dropped. */
const maxGates = 1_000

type BreakerState = CircuitBreaker['state']

export interface ModelGate {
  readonly model: string
  readonly breaker: BreakerState
  /**
   * Waits until the limits allow the call, then makes it.
   * @throws RateLimitError `model.limited`, CapacityError `model.busy`, CircuitOpenError, CancelledError, the error of `ask`
   */
  pass<Out>(ask: Guarded<Out>, signal: AbortSignal | undefined): Promise<Out>
  /** Blocks calls to this model through this account for the given time. */
  coolDown(ms: number): void
}

/** A count of calls that several processes share. */
export interface SharedRate {
  /** Waits until a call is possible, and counts it. @throws RateLimitError `rate.limited` if the wait is longer than `maxWait` */
  wait(of: object, options: { readonly maxWait: Duration; readonly signal?: AbortSignal }): Promise<void>
}

/** Calls at once that several processes share. */
export interface SlotLimit {
  /** Waits for a slot. @returns a function that frees it */
  acquire(signal: AbortSignal | undefined): Promise<() => void>
}

/** Creates the limits that several processes share, by name. Each call passes them after the same limit of its process. */
export interface SharedLimits {
  rate(name: string, perMinute: number): SharedRate
  slots(name: string, concurrent: number): SlotLimit
}

export interface GatesOptions {
  readonly clock: Clock
  readonly limits?: ModelLimits
  readonly breaker?: BreakerOptions
  /** Without it, each process has its own limits. */
  readonly shared?: SharedLimits | undefined
}

export interface Gates {
  of(spec: ModelSpec | EmbeddingSpec | RerankingSpec): ModelGate
  /** Replaces the limits. Their counts restart; calls in progress end under the old limits. Pauses and breakers stay. */
  limit(limits: ModelLimits): void
  breakers(): ReadonlyMap<string, BreakerState>
}

/** @throws ValidationError for an invalid limit */
export function createGates(options: GatesOptions): Gates {
  const { clock, shared } = options
  let limits = checkLimits(options.limits ?? {})
  const breaker = checkBreaker(options.breaker ?? {})
  const bounds = lruCache<Bounds>(maxGates)
  const gates = lruCache<BoundGate>(maxGates)
  const boundsOf = (key: string, account: string): Bounds[] => {
    const limit = limits[key]
    if (!limit) return []
    const name = `${key} ${account}`
    const found = bounds.get(name) ?? createBounds(clock, limit, shared && { shared, name })
    bounds.set(name, found)
    return [found]
  }
  // The narrowest limit first: a call that waits for its model does not occupy a slot of its provider.
  const allOf = (name: string, account: string) => [
    ...boundsOf(name, account),
    ...boundsOf(providerOf(name), account),
    ...boundsOf('*', ''),
  ]
  return {
    limit(wanted) {
      limits = checkLimits(wanted)
      bounds.clear()
      for (const gate of gates.values()) gate.bind(allOf(gate.model, gate.account))
    },
    of(spec) {
      const name = modelNameOf(spec)
      const account = accountOf(spec, name)
      const key = `${account} ${name}`
      const found = gates.get(key)
      if (found) return found
      const gate = createGate(clock, { name, account }, allOf(name, account), breaker)
      gates.set(key, gate)
      return gate
    },
    breakers() {
      const found = new Map<string, BreakerState>()
      for (const { model, breaker } of gates.values())
        if (severity.indexOf(breaker) >= severity.indexOf(found.get(model) ?? 'closed')) found.set(model, breaker)
      return found
    },
  }
}
const severity: readonly BreakerState[] = ['closed', 'half-open', 'open']

interface BoundGate extends ModelGate {
  readonly account: string
  bind(all: readonly Bounds[]): void
}

interface Bounds {
  readonly rate: RateLimiter | undefined
  readonly bulkhead: Bulkhead | undefined
  readonly sharedRate: SharedRate | undefined
  readonly sharedSlots: SlotLimit | undefined
}

function createBounds(
  clock: Clock,
  { concurrent, queue, perMinute }: CallLimits,
  all: { readonly shared: SharedLimits; readonly name: string } | undefined,
): Bounds {
  return {
    rate: perMinute === undefined ? undefined : new RateLimiter({ limit: perMinute, window: '1m', clock }),
    bulkhead:
      concurrent === undefined ? undefined : new Bulkhead({ concurrent, ...(queue === undefined ? {} : { queue }) }),
    sharedRate: perMinute === undefined ? undefined : all?.shared.rate(all.name, perMinute),
    sharedSlots: concurrent === undefined ? undefined : all?.shared.slots(all.name, concurrent),
  }
}

function createGate(
  clock: Clock,
  { name, account }: { readonly name: string; readonly account: string },
  bounds: readonly Bounds[],
  options: BreakerOptions,
): BoundGate {
  const breaker = new CircuitBreaker({
    clock,
    ...options,
    counts: (error) => verdictOf(error, clock.now()).kind === 'failed',
    rejection: (leftMs) => failure('model.circuit_open', { model: name, seconds: Math.ceil(leftMs / 1_000) }),
  })
  const bulkheadsOf = (all: readonly Bounds[]) => wrap(...all.flatMap(({ bulkhead }) => (bulkhead ? [bulkhead] : [])))
  let all = bounds
  let within = bulkheadsOf(all)
  let coldUntil = 0
  const warm = async (signal: AbortSignal | undefined) => {
    // Another call may have received a pause meanwhile. The check is repeated a bounded number of times.
    for (let pauses = 0; ; pauses++) {
      const left = coldUntil - clock.monotonic()
      if (left <= 0) return
      if (left > longestPauseMs || pauses >= maxPauses) throw limited(name, left)
      await sleep(clock, left, signal)
    }
  }
  return {
    model: name,
    account,
    bind(others) {
      all = others
      within = bulkheadsOf(all)
    },
    get breaker() {
      return breaker.state
    },
    async pass(ask, signal) {
      // Checked before the wait: a call that would be rejected after the wait need not wait.
      if (breaker.state === 'open') throw breaker.rejection()
      if (coldUntil > clock.monotonic()) await warm(signal)
      for (const { rate, sharedRate } of all)
        try {
          await rate?.wait({ signal, maxWaitMs: longestPauseMs })
          await sharedRate?.wait({}, { maxWait: longestSharedPause, ...(signal ? { signal } : {}) })
        } catch (error) {
          throw asLimited(name, error)
        }
      try {
        return await within.execute((call) => withSlots(all, call.signal, () => breaker.execute(ask, call)), { signal })
      } catch (error) {
        const { code, details } = error as { readonly code?: unknown; readonly details?: { readonly queue?: number } }
        if (code === 'bulkhead.full') throw failure('model.busy', { model: name, queue: details?.queue ?? 0 })
        throw error
      }
    },
    coolDown(ms) {
      coldUntil = Math.max(coldUntil, clock.monotonic() + ms)
    },
  }
}

async function withSlots<Out>(
  all: readonly Bounds[],
  signal: AbortSignal | undefined,
  ask: () => Promise<Out>,
): Promise<Out> {
  if (!all.some(({ sharedSlots }) => sharedSlots)) return ask()
  const claimed: (() => void)[] = []
  try {
    for (const { sharedSlots } of all) if (sharedSlots) claimed.push(await sharedSlots.acquire(signal))
    return await ask()
  } finally {
    for (const free of claimed) free()
  }
}

export const limited = (model: string, ms: number, cause?: unknown): Error =>
  failure('model.limited', { model, seconds: Math.ceil(ms / 1_000) }, cause === undefined ? {} : { cause })

function asLimited(name: string, error: unknown): unknown {
  const { code, details } = error as { readonly code?: unknown; readonly details?: { readonly retryAfterMs?: number } }
  return code === 'rate.limited' ? limited(name, details?.retryAfterMs ?? 0) : error
}

const providerOf = (name: string) => name.slice(0, name.indexOf('/'))

/** A hash in place of the key, so that the stored name does not show the key. */
export const accountOf = (spec: ModelSpec | EmbeddingSpec | RerankingSpec, name: string): string =>
  typeof spec === 'object' && 'url' in spec
    ? hashText(`${spec.url} ${typeof spec.apiKey === 'object' ? `secret ${spec.apiKey.secret}` : (spec.apiKey ?? '')}`)
    : providerOf(name)

/** @throws ValidationError for an invalid limit */
export function checkLimits(limits: ModelLimits): ModelLimits {
  if (typeof limits !== 'object' || limits === null) throw invalidInput('models.limits', 'it is not an object')
  for (const [key, limit] of Object.entries(limits)) {
    const where = `the limits of ${key}`
    checkOptions(where, limit, ['concurrent', 'queue', 'perMinute'])
    if (limit.concurrent !== undefined) checkInteger(where, 'concurrent', limit.concurrent)
    if (limit.perMinute !== undefined) checkInteger(where, 'perMinute', limit.perMinute)
    if (limit.queue === undefined) continue
    checkInteger(where, 'queue', limit.queue, 0)
    if (limit.concurrent === undefined) throw invalidInput(where, 'the option queue needs the option concurrent')
  }
  return limits
}

function checkBreaker(breaker: BreakerOptions): BreakerOptions {
  checkOptions('models.breaker', breaker, ['failures', 'pause'])
  if (breaker.failures !== undefined) checkInteger('models.breaker', 'failures', breaker.failures)
  if (breaker.pause !== undefined) milliseconds(breaker.pause, 'models.breaker.pause')
  return breaker
}
