/** Aborts a stream that stops sending, so that a silent connection blocks no caller. */
import { type Clock, duration, failure, WorkTimer, whenAborted } from '../core/index.ts'

/** The longest time of an answer that is not streamed, in ms, if the caller sets none; as in the clients of OpenAI and Anthropic. */
export const unstreamedMs = 600_000

export interface IdleLimit {
  readonly clock: Clock
  /** The maximal time between two parts, and before the first one, in ms. */
  readonly limitMs: number
  readonly model: string
  readonly signal: AbortSignal
}

/**
 * @param fn gets a signal that aborts at the limit and with the caller's own signal, and reports each part by `onActivity`
 * @throws ExternalServiceError `model.stalled`; the error of `fn`
 */
export function withIdleLimit<Out>(
  { clock, limitMs, model, signal }: IdleLimit,
  fn: (signal: AbortSignal, onActivity: () => void) => Promise<Out>,
): Promise<Out> {
  const controller = new AbortController()
  const stalled = Promise.withResolvers<never>()
  /** The time that the timer had left when the last part arrived. The timer is restarted with it. */
  let leftAtPiece: number | undefined
  const startTimer = (ms: number): WorkTimer =>
    new WorkTimer(clock, ms, () => {
      if (leftAtPiece !== undefined) {
        timer = startTimer(limitMs - leftAtPiece)
        leftAtPiece = undefined
        if (signal.aborted) timer.release()
        return
      }
      const error = failure('model.stalled', { model, limit: duration(limitMs) })
      controller.abort(error)
      stalled.reject(error)
    })
  let timer = startTimer(limitMs)
  const stopWatching = whenAborted(signal, () => {
    // A call whose caller has left may never settle. The timer must not keep the process alive.
    timer.release()
    controller.abort(signal.reason)
  })
  const onActivity = () => {
    leftAtPiece = timer.leftMs
  }
  const reading = fn(controller.signal, onActivity)
  // The result of the loser of the race is not needed.
  reading.catch(() => {})
  return Promise.race([reading, stalled.promise]).finally(() => {
    stopWatching()
    timer.stop()
  })
}
