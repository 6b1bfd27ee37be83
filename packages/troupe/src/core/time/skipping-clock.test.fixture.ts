/** For tests of what ends after days: a virtual clock would call every periodic timer of each minute until then. */
import { type Duration, milliseconds } from './duration.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

export interface SkippingClock extends VirtualClock {
  /** Moves the wall-clock time without the timers, as on a computer that was suspended meanwhile. */
  skip(by: Duration): void
}

export function createSkippingClock(): SkippingClock {
  const clock = createVirtualClock()
  let skippedMs = 0
  return {
    ...clock,
    now: () => clock.now() + skippedMs,
    skip(by) {
      skippedMs += milliseconds(by, 'The skipped time')
    },
  }
}
