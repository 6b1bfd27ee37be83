/** A clock whose wall-clock time follows that of a server, so that processes with wrong clocks agree on timeouts. */
import type { Clock } from './clock.ts'

export interface ServerClock extends Clock {
  /**
   * Corrects the clock unless the server can have the same time.
   * @param at the time of the server in whole ms since 1970
   * @param asked the time of this clock before the server read its own, and `answered` the time after that
   */
  follow(at: number, asked: number, answered: number): void
}

/** @param base measures durations and sets timers; its wall-clock time is corrected */
export function createServerClock(base: Clock): ServerClock {
  const correction = { ms: 0 }
  return {
    ...base,
    now: () => base.now() + correction.ms,
    follow(at, asked, answered) {
      // The server may have been up to 1 ms further.
      const [least, greatest] = [at - answered, at + 1 - asked]
      correction.ms += least > 0 ? least : Math.min(greatest, 0)
    },
  }
}
