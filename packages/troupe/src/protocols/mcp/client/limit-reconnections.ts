/** Limits the reconnections of a stream that a server ends before its answer, so that the client reads the rest of it. */
import type { Clock } from '../../../core/index.ts'

/** A server may request no pause at all. */
const leastPauseMs = 250
/** The number of streams in a row with invalid messages only, after which the connection is closed. */
const maxInvalidStreams = 3

export interface ReconnectionLimit {
  /** Called with each error of the transport. */
  readonly onError: (error: unknown) => void
  /** Called with each valid message. */
  readonly onMessage: () => void
  /** Schedules a reconnection, as the package requests. @returns a function that cancels it */
  readonly schedule: (reconnect: () => void, pauseMs: number) => () => void
}

/** @param close closes the connection: its calls then fail */
export function limitReconnections(clock: Clock, close: () => void): ReconnectionLimit {
  let hasInvalid = false
  let invalidStreams = 0
  return {
    onError(error) {
      if (error instanceof Error && (error.name === 'ZodError' || error instanceof SyntaxError)) hasInvalid = true
    },
    onMessage() {
      hasInvalid = false
    },
    schedule(reconnect, pauseMs) {
      invalidStreams = hasInvalid ? invalidStreams + 1 : 0
      hasInvalid = false
      if (invalidStreams >= maxInvalidStreams) {
        close()
        return () => {}
      }
      return clock.after(Math.max(pauseMs, leastPauseMs), reconnect)
    },
  }
}
