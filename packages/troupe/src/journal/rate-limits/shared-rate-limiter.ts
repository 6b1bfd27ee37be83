/**
 * A limit of calls in a sliding window that all processes on one storage count together. The window moves in slices of
 * one twentieth, and a slice counts until all of it is past, so that no window has more calls than the limit. The time
 * is the storage's.
 */
import { sql } from 'kysely'
import {
  type Clock,
  checkOptions,
  checkText,
  type Duration,
  failure,
  hashText,
  invalidInput,
  milliseconds,
  sleep,
  type UserId,
} from '../../core/index.ts'
import {
  checkGuarded,
  checkInteger,
  type Guarded,
  type Policy,
  type PolicyCall,
  type RateTicket,
} from '../../resilience/index.ts'
import { type Bind, type Dialect, type Storage, templates } from '../../storage/index.ts'

/** Options of a shared rate limiter. */
export interface SharedRateLimit {
  /** The name of the limit. Limiters with one name and window count together. */
  readonly name: string
  /** The number of calls within one window; 60 by default. */
  readonly limit?: number
  /** The length of the sliding window; 1 min by default. */
  readonly window?: Duration
}

/**
 * Whose calls are counted together: calls with the same user, agent and key. They are hashed before they are stored.
 */
export interface RateKey {
  /** The user; absent for a limit of all users. */
  readonly user?: UserId
  /** The name of the agent; absent for a limit of all agents. */
  readonly agent?: string
  /** Any other text that distinguishes callers, such as an IP address. */
  readonly key?: string
}

const slices = 20
/** Or the length of the window, if it is longer: a key that is deleted earlier would not be counted any more. */
const forgetAfterMs = 86_400_000

/**
 * A policy that limits the rate of calls of all processes on one storage.
 * @example
 * const limiter = troupe.rateLimiter({ name: 'search', limit: 60, window: '1m' })
 * const { allowed, retryAfterMs } = await limiter.take({ user: 'ada' })
 */
export class SharedRateLimiter implements Policy {
  /** The number of calls within one window. */
  readonly limit: number
  readonly #name: string
  readonly #sliceMs: number
  readonly #storage: Pick<Storage, 'dialect' | 'commit' | 'read'>
  readonly #clock: Clock
  readonly #statements: ReturnType<typeof compileStatements>

  /** @throws ValidationError naming the option that is wrong */
  constructor(
    parts: { readonly storage: Pick<Storage, 'dialect' | 'commit' | 'read'>; readonly clock: Clock },
    options: SharedRateLimit,
  ) {
    checkOptions('rateLimiter', options, ['name', 'limit', 'window'])
    if (typeof options.name !== 'string' || options.name === '')
      throw invalidInput('The name of a rate limit', 'it is empty')
    this.#name = options.name
    this.limit = checkInteger('rateLimiter', 'limit', options.limit ?? 60)
    const windowMs = milliseconds(options.window ?? '1m', 'The window of a rate limit', '1ms')
    this.#sliceMs = Math.max(1, Math.ceil(windowMs / slices))
    this.#storage = parts.storage
    this.#clock = parts.clock
    this.#statements = compileStatements(parts.storage.dialect, this.#sliceMs)
  }

  /** Counts a call if the limit allows it, and returns whether it does. */
  async take(of: RateKey = {}): Promise<RateTicket> {
    checkOptions('take', of, ['user', 'agent', 'key'])
    for (const [name, part] of Object.entries(of)) if (part !== undefined) checkText(`The ${name} of take`, part)
    const key = hashText(JSON.stringify([this.#name, this.#sliceMs, of.user ?? '', of.agent ?? '', of.key ?? '']))
    const values = { key, now: { $: 'now' as const } }
    const { markUsed, forget, count, used } = this.#statements
    const result = await this.#storage.commit({
      id: null,
      scope: { work: true },
      statements: [
        markUsed(values),
        forget(values),
        count({ ...values, limit: this.limit }, { expect: { rows: 1 }, otherwise: 'rate.limited' }),
        used({ key }, { returns: true }),
      ],
    })
    if (result.ok) {
      const calls = Number(result.rows[3]?.[0]?.calls ?? 0)
      return { allowed: true, remaining: Math.max(0, this.limit - calls), retryAfterMs: 0 }
    }
    if (result.code !== 'rate.limited') throw failure(result.code, { ...result.detail })
    const [rows] = await this.#storage.read({ work: true }, [this.#statements.oldest(values, { returns: true })])
    const retryAfterMs = Math.max(1, Number(rows?.[0]?.remaining ?? 1))
    return { allowed: false, remaining: 0, retryAfterMs }
  }

  /**
   * Waits until a call is possible, and counts it.
   * @throws RateLimitError `rate.limited` if the wait would be longer than `maxWait`; CancelledError if the signal
   * aborts
   */
  async wait(
    of: RateKey = {},
    options: {
      /** The longest wait; 1 min by default. A longer wait is rejected at once. */
      readonly maxWait?: Duration
      /** If the signal aborts, the call rejects with CancelledError. */
      readonly signal?: AbortSignal
    } = {},
  ): Promise<void> {
    checkOptions('wait', options, ['maxWait', 'signal'])
    const until = this.#clock.monotonic() + milliseconds(options.maxWait ?? '1m', 'maxWait')
    for (;;) {
      const { allowed, retryAfterMs } = await this.take(of)
      if (allowed) return
      if (this.#clock.monotonic() + retryAfterMs > until) throw this.#rejection(retryAfterMs)
      await sleep(this.#clock, retryAfterMs, options.signal)
    }
  }

  /**
   * Calls the function if the limit allows it; only the `key` of the call distinguishes callers.
   * @throws RateLimitError `rate.limited` with `retryAfterMs` in its details, otherwise the error of `fn`
   */
  async execute<Out>(fn: Guarded<Out>, call: PolicyCall = {}): Promise<Out> {
    checkGuarded('rateLimiter.execute', fn, call)
    const { key, signal } = call
    const { allowed, retryAfterMs } = await this.take(key === undefined ? {} : { key })
    if (!allowed) throw this.#rejection(retryAfterMs)
    return fn({ signal })
  }

  #rejection(afterMs: number): Error {
    return failure('rate.limited', { limit: this.limit, seconds: Math.ceil(afterMs / 1_000), retryAfterMs: afterMs })
  }
}

/** Removes the counts of keys that were not used for a day, or for the length of their window if it is longer. */
export async function cleanupRateLimits(storage: Pick<Storage, 'dialect' | 'commit'>): Promise<void> {
  const compile = templates(storage.dialect)
  const own = compile<{ before: Bind }>((p) => sql`delete from rate_limits where last_used_at < ${p.before}`)
  const slots = compile(() => sql`delete from rate_limit_slots where key not in (select key from rate_limits)`)
  const calls = compile(() => sql`delete from rate_limit_calls where key not in (select key from rate_limits)`)
  const before = { $: 'now' as const, plusMs: -forgetAfterMs }
  await storage.commit({ id: null, scope: { work: true }, statements: [own({ before }), slots({}), calls({})] })
}

function compileStatements(dialect: Dialect, sliceMs: number) {
  type Timed = { key: string; now: Bind }
  const compile = templates(dialect)
  const now = (p: { now: Bind }) =>
    dialect.name === 'postgres' ? sql`cast(${p.now} as bigint)` : sql`cast(${p.now} as integer)`
  const slice = sql.lit(sliceMs)
  const slotOf = (p: { now: Bind }) => sql`(${now(p)} / ${slice})`
  const sliceCount = sql.lit(slices)
  const longer = sql.lit(Math.max(0, (slices + 1) * sliceMs - forgetAfterMs))
  return {
    markUsed: compile<Timed>(
      (p) => sql`insert into rate_limits (key, last_used_at) values (${p.key}, ${now(p)} + ${longer})
        on conflict (key) do update set last_used_at = excluded.last_used_at`,
    ),
    // Slices a window ahead were counted before the clock was set back; a change that waited for another one has an older time.
    forget: compile<Timed>(
      (p) => sql`delete from rate_limit_slots where key = ${p.key}
        and (slot < ${slotOf(p)} - ${sliceCount} or slot > ${slotOf(p)} + ${sliceCount})`,
    ),
    count: compile<Timed & { limit: number }>(
      (p) => sql`insert into rate_limit_slots (key, slot, calls)
        select ${p.key}, ${slotOf(p)}, 1
        where (select coalesce(sum(calls), 0) from rate_limit_slots where key = ${p.key}) < ${p.limit}
        on conflict (key, slot) do update set calls = rate_limit_slots.calls + 1`,
    ),
    used: compile<{ key: string }>((p) => sql`select sum(calls) as calls from rate_limit_slots where key = ${p.key}`),
    oldest: compile<Timed>(
      (p) => sql`select (min(slot) + ${sliceCount} + 1) * ${slice} - ${now(p)} as remaining from rate_limit_slots
        where key = ${p.key} and slot >= ${slotOf(p)} - ${sliceCount}`,
    ),
  }
}
