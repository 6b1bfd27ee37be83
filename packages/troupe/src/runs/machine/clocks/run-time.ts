/**
 * The times that timers count. Timers of questions are for people and count wall-clock time. Timers of steps count process
 * time: wall-clock time without the gaps in which no process owned the run. All others count work time: process time in
 * which the run was neither paused nor waiting. The clocks of work stop and start together. The state alone determines this,
 * so no timer has an event for it.
 */
import { deriveStatus } from '../run/run-account.ts'
import { hasEnded, type State } from '../state.ts'
import type { ClocksSlice } from './clocks-slice.ts'

/** The kind of a timer: its name up to the first colon. */
export const kindOf = (name: string): string => (name.includes(':') ? name.slice(0, name.indexOf(':')) : name)
/** The object of a timer: its name after the first colon. */
export const idOf = (name: string): string => name.slice(name.indexOf(':') + 1)

/** Returns whether a timer counts wall-clock time, also while no process owns the run. */
export const isWallClockTimer = (name: string): boolean => kindOf(name) === 'question'

/** Returns whether a timer counts work time. */
export function isWorkTimer(name: string): boolean {
  const kind = kindOf(name)
  return kind !== 'question' && kind !== 'step' && kind !== 'grace'
}

const workTime = ({ gaps, stoppedAt, stoppedMs }: Readonly<ClocksSlice>, at: number): number =>
  (stoppedAt ?? at) - gaps - stoppedMs

/** Converts ms since 1970 to the time that a timer counts. */
export function timeOf({ clocks }: Readonly<State>, name: string, at: number): number {
  if (isWorkTimer(name)) return workTime(clocks, at)
  return isWallClockTimer(name) ? at : at - clocks.gaps
}

/** Converts the time that a timer counts to ms since 1970, as of the newest event. A later gap or stop moves it. */
export function wallTimeOf(state: Readonly<State>, name: string, due: number): number {
  const { lastAt } = state.clocks
  return lastAt + due - timeOf(state, name, lastAt)
}

/** Returns whether a timer can become due: it has a due time, and its clock is not stopped. */
export const isTimerRunning = ({ clocks }: Readonly<State>, name: string): boolean =>
  clocks.timers.get(name)?.due !== undefined && !(clocks.stoppedAt !== undefined && isWorkTimer(name))

/**
 * Returns the name of the timer of a time limit of the whole run that is over; undefined if none is, or if the run ends
 * already.
 * @param at ms since 1970
 */
export function overdueLimit(state: Readonly<State>, at: number): 'run' | 'time' | undefined {
  const { cancellation, guard } = state.run
  if (hasEnded(state) || cancellation || guard) return undefined
  const isOver = (name: string) => timeOf(state, name, at) >= (state.clocks.timers.get(name)?.due as number)
  return (['run', 'time'] as const).find((name) => isTimerRunning(state, name) && isOver(name))
}

/** Stops or starts the clocks of work. Called after each event: they stop while the run is paused or cannot continue. */
export function updateWorkClock(state: State): void {
  const { clocks } = state
  const stopped = isWorkStopped(state)
  if (stopped === (clocks.stoppedAt !== undefined)) return
  if (stopped) clocks.stoppedAt = clocks.lastAt
  else {
    clocks.stoppedMs += clocks.lastAt - (clocks.stoppedAt as number)
    clocks.stoppedAt = undefined
  }
}

function isWorkStopped(state: Readonly<State>): boolean {
  const { run, steps } = state
  if (run.pausedBy !== undefined) return !hasEnded(state)
  return steps.executing === 0 && deriveStatus(state).status === 'waiting'
}
