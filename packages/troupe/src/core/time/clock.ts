/** The port of time: no code outside the adapters of core reads the system clock or sets a timer. */
import { clearImmediate, setImmediate } from 'node:timers'
import { failure, invalidInput } from '../errors/failure.ts'
import { checkFunction } from '../values/check-options.ts'
import { show } from '../values/show.ts'
import { whenAborted } from './when-aborted.ts'

/** Cancels a timer or a call that is not made yet. A second call has no effect. */
export type Cancel = () => void

/** The port of time. No code of the library reads the time or sets a timer in another way. */
export interface Clock {
  /** Returns wall-clock time in milliseconds since 1970. It may jump. */
  now(): number
  /** Returns monotonic milliseconds, for durations and leases. */
  monotonic(): number
  /** Calls the function once after the given milliseconds. A background timer does not keep the process alive. */
  after(
    ms: number,
    run: () => void,
    options?: {
      /** True for a timer that does not keep the process alive; false by default. */
      readonly background?: boolean
    },
  ): Cancel
  /** Calls the function in a separate macrotask, after all queued ones. */
  soon(run: () => void): Cancel
}

/** Timers of Node are limited to 2^31-1 ms (24.8 days); longer ones are set again. */
const longest = 2 ** 31 - 1

/** @throws ValidationError if the time is not a number, or the callback is not a function */
export function checkTimer(ms: unknown, run: unknown): void {
  if (typeof ms !== 'number') throw invalidInput('clock.after', `the time must be a number, got ${show(ms)}`)
  checkFunction('The function of clock.after', run)
}

/** The system clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run, options) {
    checkTimer(ms, run)
    let timer: NodeJS.Timeout
    const set = (left: number) => {
      timer = setTimeout(() => (left > longest ? set(left - longest) : run()), Math.min(left, longest))
      if (options?.background) timer.unref()
    }
    set(Math.max(0, ms))
    return () => clearTimeout(timer)
  },
  soon(run) {
    checkFunction('The function of clock.soon', run)
    // Fake timers of a test replace the globals alone: otherwise no work would continue until the test advances them.
    const immediate = setImmediate(run)
    return () => clearImmediate(immediate)
  },
}

/** Returns whether the timers of a clock are those of the system, as opposed to those of a test or simulation. */
export const hasSystemTimers = ({ after }: Clock): boolean => after === systemClock.after

/**
 * Resolves after `ms`.
 * @throws CancelledError when the signal aborts first, with its reason as cause.
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      stopWatching()
      resolve()
    })
    const stopWatching = whenAborted(signal, () => {
      cancel()
      reject(failure('cancelled', { what: 'Waiting' }, { cause: signal?.reason }))
    })
  })
}

/** Resolves in a separate macrotask. */
export const nextMacrotask = (clock: Clock): Promise<void> => new Promise((resolve) => void clock.soon(resolve))
