/** Limits the time of one call: after the limit the caller continues, even if the call ignores its signal. */
import { type Clock, checkOptions, type Duration, duration, failure, milliseconds, WorkTimer } from '../core/index.ts'
import type { Guarded, Policy, PolicyCall } from './policy.ts'

export interface TimeLimit {
  readonly clock: Clock
  /** In ms; undefined for no limit. */
  readonly limitMs: number | undefined
  /** The kind in the error: `tool`, `model`, … */
  readonly kind: string
  /** The subject of the error's sentence. */
  readonly what: string
  readonly signal: AbortSignal | undefined
}

/**
 * Runs `fn` with a signal that aborts at the limit or with the caller's signal. Time during which the process was
 * suspended does not count.
 * @throws TimeoutError `timeout` at the limit, CancelledError if the caller's signal aborts
 */
export function withTimeLimit<Out>(limit: TimeLimit, fn: (signal: AbortSignal) => Promise<Out> | Out): Promise<Out> {
  const { clock, limitMs, kind, what, signal } = limit
  const controller = new AbortController()
  return new Promise<Out>((resolve, reject) => {
    const stop = (error: Error) => {
      // Not only when `fn` settles: a function that ignores its signal may never settle.
      done()
      controller.abort(error)
      reject(error)
    }
    const onAbort = () => stop(failure('cancelled', { what }, { cause: signal?.reason }))
    const timer =
      limitMs === undefined
        ? undefined
        : new WorkTimer(clock, limitMs, () => stop(failure('timeout', { what, kind, limit: duration(limitMs) })))
    const done = () => {
      timer?.stop()
      signal?.removeEventListener('abort', onAbort)
    }
    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    const run = async () => {
      try {
        resolve(await fn(controller.signal))
      } catch (error) {
        reject(error)
      } finally {
        done()
      }
    }
    void run()
  })
}

/** Runs `fn` without a time limit, until the caller's signal aborts. @throws CancelledError if the signal aborts */
export const unlessAborted = <Out>(
  limit: Pick<TimeLimit, 'clock' | 'what' | 'signal'>,
  fn: (signal: AbortSignal) => Promise<Out> | Out,
): Promise<Out> => withTimeLimit({ ...limit, limitMs: undefined, kind: 'own' }, fn)

/**
 * Returns `withTimeLimit` as a policy.
 * @example await timeout({ clock, limit: '5s', what: 'The shop' }).execute(({ signal }) => ask(signal))
 */
export function timeout(options: { readonly clock: Clock; readonly limit: Duration; readonly what: string }): Policy {
  checkOptions('timeout', options, ['clock', 'limit', 'what'])
  const { clock, what } = options
  const limitMs = milliseconds(options.limit, `The timeout of ${what}`, '1ms')
  return {
    execute: <Out>(fn: Guarded<Out>, { signal }: PolicyCall = {}) =>
      withTimeLimit({ clock, limitMs, kind: 'own', what, signal }, (inner) => Promise.resolve(fn({ signal: inner }))),
  }
}
