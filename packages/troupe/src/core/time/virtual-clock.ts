/** The adapter of the clock port for tests and simulation. */
import { invalidInput } from '../errors/failure.ts'
import { checkOptions } from '../values/check-options.ts'
import { type Cancel, type Clock, checkTimer, systemClock } from './clock.ts'
import { type Duration, milliseconds } from './duration.ts'

/** A clock that is advanced by calls: an adapter of the clock port for tests and simulation. */
export interface VirtualClock extends Clock {
  /** Advances the clock and calls due timers in order; promises settle in between. */
  advance(by: Duration): Promise<void>
}

interface Timer {
  readonly due: number
  readonly order: number
  readonly run: () => void
}

/**
 * Creates a clock that moves only when it is advanced.
 * @throws ValidationError for an unknown option or an invalid start
 * @example const clock = createVirtualClock(); await clock.advance('5m')
 */
export function createVirtualClock(
  options: {
    /** The first time, in ms since 1970; 2026-01-01 UTC by default. */
    readonly start?: number
  } = {},
): VirtualClock {
  checkOptions('createVirtualClock', options, ['start'])
  const start = options.start ?? Date.UTC(2026, 0, 1)
  if (typeof start !== 'number' || !Number.isFinite(start))
    throw invalidInput('The start of a virtual clock', 'it is not ms since 1970')
  let now = start
  let order = 0
  const timers = new Set<Timer>()
  const first = (until: number) => {
    let found: Timer | undefined
    for (const timer of timers)
      if (
        timer.due <= until &&
        (!found || timer.due < found.due || (timer.due === found.due && timer.order < found.order))
      )
        found = timer
    return found
  }
  // Work that a timer starts may take a few macrotasks (the answer of a writer thread) before it sets the next timer.
  const drainMacrotasks = async () => {
    for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => void systemClock.soon(resolve))
  }
  return {
    now: () => now,
    monotonic: () => now - start,
    after(ms, run): Cancel {
      checkTimer(ms, run)
      const timer = { due: now + Math.max(0, ms), order: order++, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    soon: (run) => systemClock.soon(run),
    async advance(by) {
      const until = now + milliseconds(by, 'The advance')
      await drainMacrotasks()
      for (let timer = first(until); timer; timer = first(until)) {
        timers.delete(timer)
        now = Math.max(now, timer.due)
        timer.run()
        await drainMacrotasks()
      }
      now = until
      await drainMacrotasks()
    },
  }
}
