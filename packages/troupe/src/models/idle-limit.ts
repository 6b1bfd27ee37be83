/** Cuts a stream that stops sending: a connection that is open and says nothing holds nobody up. */
import { type Clock, duration, failure, WorkTimer } from '../core/index.ts'

export interface IdleLimit {
  readonly clock: Clock
  /** ms without a piece; before the first one too. */
  readonly limitMs: number
  readonly model: string
  readonly signal: AbortSignal
}

/**
 * @param fn is given a signal that aborts at the limit and with the caller's own, and tells of each piece by `onActivity`
 * @throws ExternalServiceError `model.stalled`; what `fn` throws
 */
export function withIdleLimit<Out>(
  { clock, limitMs, model, signal }: IdleLimit,
  fn: (signal: AbortSignal, onActivity: () => void) => Promise<Out>,
): Promise<Out> {
  const controller = new AbortController()
  const stalled = Promise.withResolvers<never>()
  /** What the timer had left when the last piece came: since then so much time has passed when it ends. */
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
  // A call that its caller has left may never settle: it must not keep the process alive.
  const release = () => timer.release()
  signal.addEventListener('abort', release, { once: true })
  const onActivity = () => {
    leftAtPiece = timer.leftMs
  }
  const reading = fn(AbortSignal.any([signal, controller.signal]), onActivity)
  // Whichever loses has nobody to tell.
  reading.catch(() => {})
  return Promise.race([reading, stalled.promise]).finally(() => {
    signal.removeEventListener('abort', release)
    timer.stop()
  })
}
