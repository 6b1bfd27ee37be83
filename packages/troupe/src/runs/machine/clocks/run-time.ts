/**
 * The time of a run: the wall clock without the gaps in which no process carried the run. Clocks of work count it;
 * timeouts of questions are for people and count wall-clock time.
 */
import { deriveStatus } from '../run/run-account.ts'
import type { State } from '../state.ts'

/** The kind of a timer: its name up to the first colon. */
export const kindOf = (name: string): string => (name.includes(':') ? name.slice(0, name.indexOf(':')) : name)
/** What a timer belongs to: its name after the first colon. */
export const idOf = (name: string): string => name.slice(name.indexOf(':') + 1)

/** Whether a timer is due at a time of day, however long no process carried the run. */
export const isWallClockTimer = (name: string): boolean => kindOf(name) === 'question'

const offsetOf = (state: Readonly<State>, name: string) => (isWallClockTimer(name) ? 0 : state.clocks.gaps)

/** Converts ms since 1970 to the time that a timer counts. */
export const runTimeOf = (state: Readonly<State>, name: string, at: number): number => at - offsetOf(state, name)
/** Converts the time that a timer counts to ms since 1970, as of now: a later gap moves it. */
export const wallTimeOf = (state: Readonly<State>, name: string, due: number): number => due + offsetOf(state, name)

/** Whether the clocks of work are stopped: the run is paused, or nothing in it can move. */
export const isWorkStopped = (state: Readonly<State>): boolean =>
  state.run.pausedBy !== undefined || deriveStatus(state).status === 'waiting'
