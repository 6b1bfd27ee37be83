/**
 * So many calls in a sliding window, counted together by all processes on one storage. The window moves in slices, a
 * twentieth each, and a slice counts until all of it is past: in no window are there ever more calls than the limit. Time
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
import { type Bind, type Dialect, rawTemplates, type Storage, template, templates } from '../../storage/index.ts'
import type { RateLimitTables } from './rate-limit-tables.ts'

export interface SharedRateLimit {
  /** Of the limit: two with one name count together. */
  readonly name: string
  /** Calls within one window; 60 by default. */
  readonly limit?: number
  /** One minute by default. */
  readonly window?: Duration
}

/** Who is counted apart: any of these, hashed before it is stored. */
export interface RateKey {
  readonly user?: UserId
  readonly agent?: string
  readonly key?: string
}

const slices = 20
/** Or as long as the window, where that is longer: what is forgotten sooner would be counted no more. */
const forgetAfterMs = 86_400_000

/**
 * @example
 * const limiter = troupe.rateLimiter({ name: 'search', limit: 60, window: '1m' })
 * const { allowed, retryAfterMs } = await limiter.take({ user: 'ada' })
 */
export class SharedRateLimiter implements Policy {
  readonly limit: number
  readonly #name: string
  readonly #sliceMs: number
  readonly #storage: Pick<Storage, 'dialect' | 'commit' | 'read'>
  readonly #clock: Clock
  readonly #statements: ReturnType<typeof compile>

  /** @throws ValidationError naming the option that is wrong */
  constructor(
    parts: { readonly storage: Pick<Storage, 'dialect' | 'commit' | 'read'>; readonly clock: Clock },
    options: SharedRateLimit,
  ) {
    checkOptions('rateLimiter', options, ['name', 'limit', 'window'])
    if (typeof options.name !== 'string' || options.name === '')
      throw failure('validation.failed', { what: 'The name of a rate limit', problem: 'it is empty' })
    this.#name = options.name
    this.limit = checkInteger('rateLimiter', 'limit', options.limit ?? 60)
    const windowMs = milliseconds(options.window ?? '1m', 'The window of a rate limit', '1ms')
    this.#sliceMs = Math.max(1, Math.ceil(windowMs / slices))
    this.#storage = parts.storage
    this.#clock = parts.clock
    this.#statements = compile(parts.storage.dialect, this.#sliceMs)
  }

  /** Counts a call where there is a place for it. */
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
    const retryAfterMs = Math.max(1, Number(rows?.[0]?.left ?? 1))
    return { allowed: false, remaining: 0, retryAfterMs }
  }

  /**
   * Waits for a place.
   * @param maxWait a longer wait is refused at once; 1 min by default
   * @throws RateLimitError `rate.limited`, CancelledError
   */
  async wait(
    of: RateKey = {},
    options: { readonly maxWait?: Duration; readonly signal?: AbortSignal } = {},
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

  /** @throws RateLimitError `rate.limited` with `retryAfterMs` in its details, else what `fn` throws */
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

/** Removes what nobody has asked for in a day, nor within its window. */
export async function cleanupRateLimits(storage: Pick<Storage, 'dialect' | 'commit'>): Promise<void> {
  const own = template<RateLimitTables, { before: Bind }>(storage.dialect, (db, p) =>
    db.deleteFrom('rate_limits').where('last_used_at', '<', p.before as number),
  )
  const slots = template<RateLimitTables, Record<never, never>>(storage.dialect, (db) =>
    db.deleteFrom('rate_limit_slots').where('key', 'not in', db.selectFrom('rate_limits').select('key')),
  )
  const before = { $: 'now' as const, plusMs: -forgetAfterMs }
  await storage.commit({ id: null, scope: { work: true }, statements: [own({ before }), slots({})] })
}

function compile(dialect: Dialect, sliceMs: number) {
  type Timed = { key: string; now: Bind }
  const own = templates<RateLimitTables>(dialect)
  const now = (p: { now: Bind }) =>
    dialect.name === 'postgres' ? sql`cast(${p.now} as bigint)` : sql`cast(${p.now} as integer)`
  const slice = sql.lit(sliceMs)
  const slotOf = (p: { now: Bind }) => sql<number>`(${now(p)} / ${slice})`
  const sliceCount = sql.lit(slices)
  const longer = sql.lit(Math.max(0, (slices + 1) * sliceMs - forgetAfterMs))
  const lastUsedAt = (p: { now: Bind }) => sql<number>`(${now(p)} + ${longer})`
  return {
    markUsed: own<Timed>((db, p) =>
      db
        .insertInto('rate_limits')
        .values({ key: p.key, last_used_at: lastUsedAt(p) })
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ last_used_at: lastUsedAt(p) })),
    ),
    forget: own<Timed>((db, p) =>
      db
        .deleteFrom('rate_limit_slots')
        .where('key', '=', p.key)
        .where('slot', '<', sql<number>`${slotOf(p)} - ${sliceCount}`),
    ),
    count: rawTemplates(dialect)<Timed & { limit: number }>(
      (p) =>
        sql`insert into rate_limit_slots (key, slot, calls)
          select ${p.key}, ${slotOf(p)}, 1
          where (select coalesce(sum(calls), 0) from rate_limit_slots where key = ${p.key}) < ${p.limit}
          on conflict (key, slot) do update set calls = rate_limit_slots.calls + 1`,
    ),
    used: own<{ key: string }>((db, p) =>
      db
        .selectFrom('rate_limit_slots')
        .select((expression) => expression.fn.sum<number>('calls').as('calls'))
        .where('key', '=', p.key),
    ),
    oldest: own<Timed>((db, p) =>
      db
        .selectFrom('rate_limit_slots')
        .select(sql<number>`(min(slot) + ${sliceCount} + 1) * ${slice} - ${now(p)}`.as('left'))
        .where('key', '=', p.key)
        .where('slot', '>=', sql<number>`${slotOf(p)} - ${sliceCount}`),
    ),
  }
}
