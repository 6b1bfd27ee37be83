/** Tries again what may pass. Our own: cockatiel's retry waits on global timers and draws its jitter from Math.random. */
import { type Clock, checkOptions, checkPredicate, failure, type Random, sleep, storeError } from '../core/index.ts'
import { type Backoff, backoffDelay } from './backoff.ts'
import { checkInteger } from './check-integer.ts'
import { mayPass } from './is-transient.ts'
import { checkGuarded, type Guarded, type Policy, type PolicyCall } from './policy.ts'

export interface RetryPolicyOptions {
  /** In all; 3 by default. */
  readonly attempts?: number
  /** 1 s, then twice as long each time, at most 30 s, by default. */
  readonly backoff?: Backoff
  /** Which failures are worth another attempt; by default those that say so and broken connections. */
  readonly when?: (error: unknown) => boolean
  readonly clock: Clock
  readonly random: Random
}

/** Whoever asks for a longer pause is not waited for. */
const maxRetryAfterMs = 300_000

/**
 * A pause is as long as whoever refused asked for, `retryAfterMs` of the error or of its details, where that is longer.
 * @throws what failed when another attempt is not worth it, or is asked for in more than 5 min; MaxRetriesExceededError with the last failure as cause;
 * CancelledError when the signal aborts during a pause
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

/** In ms: the pause that whoever refused asked for, `retryAfterMs` of the error or of its details. */
function askedFor(error: unknown): number {
  const { retryAfterMs, details } = (error ?? {}) as { readonly retryAfterMs?: unknown; readonly details?: unknown }
  const asked = retryAfterMs ?? (details as { readonly retryAfterMs?: unknown } | undefined)?.retryAfterMs
  return typeof asked === 'number' && asked > 0 ? asked : 0
}
