/** Timers, and how much of the wall clock they do not count. */

export interface Timer {
  /** In the time that it counts (`run-time.ts`); undefined while the timer is stopped. */
  due: number | undefined
  remainingMs: number | undefined
}

export interface ClocksSlice {
  readonly timers: Map<string, Timer>
  /** The time of the newest event. */
  lastAt: number
  /** The sum of the gaps in which no process carried the run, ms. */
  gaps: number
  /** Since when clocks of work are stopped; undefined while they run. */
  stoppedAt: number | undefined
  /** How long they were stopped before, ms. */
  stoppedMs: number
}

export const createClocksSlice = (): ClocksSlice => ({
  timers: new Map(),
  lastAt: 0,
  gaps: 0,
  stoppedAt: undefined,
  stoppedMs: 0,
})
