import type { Clock } from './clock.ts'

export interface SlicedClock {
  readonly clock: Clock
  /** The number of turns that were left to other work. */
  turns: number
  /** How far the time is ahead of that of the machine, in ms. */
  aheadMs: number
}

/** Creates a clock on which each slice of time is over at the next look. */
export function createSlicedClock(): SlicedClock {
  let looks = 0
  const sliced: SlicedClock = {
    turns: 0,
    aheadMs: 0,
    clock: {
      now: () => Date.now() + sliced.aheadMs,
      monotonic: () => performance.now() + 20 * looks++,
      after(ms, run) {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
      },
      soon(run) {
        sliced.turns++
        const immediate = setImmediate(run)
        return () => clearImmediate(immediate)
      },
    },
  }
  return sliced
}
