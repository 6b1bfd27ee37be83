/** Timers, and the wall-clock time that they do not count. */

export interface Timer {
  /** The due time in the time that the timer counts (`run-time.ts`); undefined while it is stopped. */
  due: number | undefined
  remainingMs: number | undefined
}

export interface ClocksSlice {
  readonly timers: Map<string, Timer>
  /** The time of the newest event. */
  lastAt: number
  /** The sum of the gaps in which no process owned the run, in ms. */
  gaps: number
  /** The time since which the clocks of work are stopped; undefined while they run. */
  stoppedAt: number | undefined
  /** How long they were stopped before, in ms. */
  stoppedMs: number
}

export const createClocksSlice = (): ClocksSlice => ({
  timers: new Map(),
  lastAt: 0,
  gaps: 0,
  stoppedAt: undefined,
  stoppedMs: 0,
})
