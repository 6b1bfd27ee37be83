/**
 * A policy that retries temporary failures. cockatiel's retry is not used: it waits on global timers and draws its
 * jitter from Math.random.
 */
import { type Clock, checkOptions, checkPredicate, failure, type Random, sleep, storeError } from '../core/index.ts'
import { type Backoff, backoffDelay } from './backoff.ts'
import { checkInteger } from './check-integer.ts'
import { mayPass } from './is-transient.ts'
import { checkGuarded, type Guarded, type Policy, type PolicyCall } from './policy.ts'

/** Options of `retry`. */
export interface RetryPolicyOptions {
  /** The total number of attempts; 3 by default. */
  readonly attempts?: number
  /** By default 1 s, doubled for each attempt, 30 s at most. */
  readonly backoff?: Backoff
  /** Selects the failures that are retried; by default errors marked as retryable and broken connections. */
  readonly when?: (error: unknown) => boolean
  /** The clock of the pauses. */
  readonly clock: Clock
  /** The source of the jitter of the pauses. */
  readonly random: Random
}

/** The longest pause that a server may request; a failure that requests more is not retried. */
const maxRetryAfterMs = 300_000

/**
 * Returns a retry policy. If a failure requests a longer pause, in its own `retryAfterMs` or that of its details, that
 * pause is used.
 * @throws the failure if a retry is not useful or the requested pause exceeds 5 min; MaxRetriesExceededError with the
 * last failure as cause; CancelledError if the signal aborts during a pause
 * @example const stock = await retry({ attempts: 3, clock, random }).execute(() => askStock())
 */
export function retry(options: RetryPolicyOptions): Policy {
  checkOptions('retry', options, ['attempts', 'backoff', 'when', 'clock', 'random'])
  const { backoff = { baseMs: 1_000, maxMs: 30_000 }, when = mayPass, clock, random } = options
  const attempts = checkInteger('retry', 'attempts', options.attempts ?? 3)
  checkOptions('retry.backoff', backoff, ['baseMs', 'maxMs'])
  for (const name of ['baseMs', 'maxMs'] as const) checkInteger('retry.backoff', name, backoff[name])
  return {
    async execute<Out>(fn: Guarded<Out>, call: PolicyCall = {}): Promise<Out> {
      checkGuarded('retry.execute', fn, call)
      const { signal } = call
      for (let attempt = 1; ; attempt++) {
        try {
          return await fn({ signal })
        } catch (error) {
          const askedMs = askedFor(error)
          if (signal?.aborted || !checkPredicate('The option when of retry', when(error)) || askedMs > maxRetryAfterMs)
            throw error
          if (attempt >= attempts)
            throw failure('retries.exhausted', { attempts, error: storeError(error).message }, { cause: error })
          await sleep(clock, Math.max(askedMs, backoffDelay(backoff, attempt, random)), signal)
        }
      }
    },
  }
}

/** Returns the requested pause in ms, from `retryAfterMs` of the error or of its details; 0 if there is none. */
function askedFor(error: unknown): number {
  const { retryAfterMs, details } = (error ?? {}) as { readonly retryAfterMs?: unknown; readonly details?: unknown }
  const asked = retryAfterMs ?? (details as { readonly retryAfterMs?: unknown } | undefined)?.retryAfterMs
  return typeof asked === 'number' && asked > 0 ? asked : 0
}
